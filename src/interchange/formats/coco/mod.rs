//! `coco-rle` and `coco-polygons`: one JSON file with images, categories and annotations. Runs are exact; polygons are
//! outlines along pixel edges, with holes joined by seams of no area, which pycocotools reads back exactly.

mod read;
mod write;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub(in crate::interchange) use read::classes_of;
pub use read::open;
pub use write::{create_polygons, create_rle};

use crate::interchange::{LabelClass, files};

/// An image as the file describes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::interchange) struct Image {
    pub(in crate::interchange) id: u64,
    pub(in crate::interchange) file_name: String,
    pub(in crate::interchange) width: u64,
    pub(in crate::interchange) height: u64,
}

/// A category as the file describes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::interchange) struct Category {
    pub(in crate::interchange) id: u64,
    pub(in crate::interchange) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(in crate::interchange) supercategory: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::interchange) color: Option<[u8; 3]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::interchange) isthing: Option<u8>,
}

impl From<&LabelClass> for Category {
    fn from(class: &LabelClass) -> Self {
        Self {
            id: class.id.into(),
            name: class.name.clone(),
            supercategory: String::new(),
            color: Some(class.color),
            isthing: None,
        }
    }
}

/// Whether a JSON file, or one in a folder or its folder `annotations`, has annotations of images.
pub fn is(path: &Path) -> bool {
    read::file_in(path).is_some()
}

/// Whether a file begins as COCO files do: an object with one of its keys.
fn begins_as_one(path: &Path) -> bool {
    let Some(bytes) = files::first_bytes(path, 64 << 10) else {
        return false;
    };
    let text = String::from_utf8_lossy(&bytes);
    let keys = ["\"images\"", "\"annotations\"", "\"categories\""];
    let other = ["\"segments_info\"", "\"dm_format_version\"", "\"shapes\""];
    text.trim_start().starts_with('{')
        && keys.iter().any(|key| text.contains(key))
        && !other.iter().any(|key| text.contains(key))
}
