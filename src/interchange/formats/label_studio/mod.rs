//! `label-studio`: a JSON list of tasks with brush masks, and the interface of the project as XML.
//!
//! Brush masks are exact. Polygons and rectangles of other projects are read as pycocotools fills them.

mod config;
mod image_name;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};

pub use read::open;
pub use write::create;

use crate::interchange::files;

/// Name of the tasks that are written.
const TASKS: &str = "tasks.json";

/// Name of the configuration that is written.
const CONFIG: &str = "config.xml";

/// Whether a JSON file, or the only one of its kind in a folder, has tasks with annotations.
pub fn is(path: &Path) -> bool {
    file_in(path).is_some()
}

/// The file of tasks that a path names: itself, or the only one of its kind in the folder.
fn file_in(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return begins_as_one(path).then(|| path.to_owned());
    }
    let listed = std::fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let is_one = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "json") && begins_as_one(file);
    let mut found: Vec<_> = listed.filter(is_one).collect();
    if found.len() == 1 { found.pop() } else { None }
}

/// Whether a file begins as a list of tasks does.
fn begins_as_one(path: &Path) -> bool {
    let Some(bytes) = files::first_bytes(path, 64 << 10) else {
        return false;
    };
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let keys = ["\"data\"", "\"annotations\"", "\"predictions\""];
    text.starts_with('[') && keys.iter().any(|key| text.contains(key))
}
