//! `datumaro`: `annotations/SUBSET.json` with a mask for each class of an image.
//!
//! The first folder of an image's name is its subset; images without folder are in the subset `default`. Labels are
//! known by their places in a list, so `infos.class_ids` has the ids, which other programs ignore.

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use read::open;
pub use write::create;

use crate::interchange::{InterchangeError, files};

/// Subset of images without folder.
const DEFAULT: &str = "default";

/// Lists of labels and their colours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Categories {
    #[serde(default)]
    label: Labels,
    #[serde(default)]
    mask: Colors,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Labels {
    #[serde(default)]
    labels: Vec<Label>,
    /// For other programs.
    #[serde(default, skip_deserializing)]
    label_groups: Vec<String>,
    /// For other programs.
    #[serde(default, skip_deserializing)]
    attributes: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Label {
    name: String,
    /// For other programs.
    #[serde(default, skip_deserializing)]
    parent: String,
    /// For other programs.
    #[serde(default, skip_deserializing)]
    attributes: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Colors {
    #[serde(default)]
    colormap: Vec<Color>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Color {
    label_id: u64,
    r: u8,
    g: u8,
    b: u8,
}

/// What other programs keep without looking at it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Infos {
    /// Ids of the labels, in their order.
    #[serde(default)]
    class_ids: Option<Vec<u16>>,
}

/// Whether a JSON file, or one in a folder or its folder `annotations`, is of this kind.
pub fn is(path: &Path) -> bool {
    files_in(path).is_ok_and(|files| !files.is_empty())
}

/// The subset files that a path names: itself, or those in the folder's folder `annotations`, or in the folder.
fn files_in(path: &Path) -> Result<Vec<PathBuf>, InterchangeError> {
    if path.is_file() {
        let listed = begins_as_one(path).then(|| path.to_owned());
        return Ok(listed.into_iter().collect());
    }
    let annotations = path.join("annotations");
    let folder = if annotations.is_dir() { &annotations } else { path };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(InterchangeError::read(folder))? {
        let file = entry.map_err(InterchangeError::read(folder))?.path();
        if file.extension().is_some_and(|ending| ending == "json") && begins_as_one(&file) {
            found.push(file);
        }
    }
    found.sort_by(|a, b| natord::compare(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(found)
}

/// Whether a file begins as files of this kind do.
fn begins_as_one(path: &Path) -> bool {
    let Some(bytes) = files::first_bytes(path, 64 << 10) else {
        return false;
    };
    let text = String::from_utf8_lossy(&bytes);
    let has_all = |keys: &[&str]| keys.iter().all(|key| text.contains(key));
    // Files before version 1.0 do not say what they are.
    text.trim_start().starts_with('{')
        && (has_all(&["\"dm_format_version\""]) || has_all(&["\"infos\"", "\"categories\"", "\"label\""]))
}
