//! `supervisely`: a project folder with `meta.json` and, for each image, `DATASET/ann/NAME.json` with bitmaps.
//!
//! The folders of an image's name are datasets, one in the other: `a/b/c.png` has the file
//! `a/datasets/b/ann/c.png.json`. Images without folder are in the dataset `ds0`. The classes have names and colours
//! only, so `class_id` has the ids, which other programs ignore.

mod bitmap;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use read::open;
pub use write::create;

use crate::interchange::files;

/// File of the classes.
const META: &str = "meta.json";

/// Dataset of images without folder.
const DEFAULT: &str = "ds0";

/// Folder of datasets in a dataset.
const INNER: &str = "datasets";

/// Folder of the annotations in a dataset.
const ANNOTATIONS: &str = "ann";

/// Classes of a project.
#[derive(Debug, Serialize, Deserialize)]
struct Meta {
    classes: Vec<MetaClass>,
    /// For other programs.
    #[serde(default, skip_deserializing)]
    tags: Vec<String>,
    /// For other programs.
    #[serde(rename = "projectType", default, skip_deserializing)]
    kind: &'static str,
}

#[derive(Debug, Serialize, Deserialize)]
struct MetaClass {
    title: String,
    /// For other programs.
    #[serde(default, skip_deserializing)]
    shape: &'static str,
    #[serde(default)]
    color: String,
    #[serde(default)]
    class_id: Option<u16>,
}

/// Size of an image.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Size {
    height: u64,
    width: u64,
}

/// Whether a folder, or the one of a `meta.json`, is a project.
pub fn is(path: &Path) -> bool {
    let meta = if path.is_file() {
        path.to_owned()
    } else {
        path.join(META)
    };
    let named_so = meta.file_name().is_some_and(|name| name == META);
    let text = files::first_bytes(&meta, 64 << 10)
        .filter(|_| named_so)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    ["\"classes\"", "\"title\""].iter().all(|key| text.contains(key))
}
