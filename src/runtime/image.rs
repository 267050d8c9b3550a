//! Image sources and open images.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::photo::Photo;

/// The source of an image.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ImageSource {
    /// The built-in rendered street.
    Sample,
    /// An image file.
    Path(PathBuf),
}

impl ImageSource {
    /// File name to show to the user.
    pub fn name(&self) -> String {
        match self {
            Self::Sample => "Sample street".into(),
            Self::Path(path) => path
                .file_name()
                .map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into()),
        }
    }

    /// Path of the file; `None` for the built-in sample.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sample => None,
            Self::Path(path) => Some(path),
        }
    }

    /// File name without extension, for exports.
    pub fn stem(&self) -> String {
        match self {
            Self::Sample => "street".into(),
            Self::Path(path) => path
                .file_stem()
                .map_or_else(|| "picture".into(), |n| n.to_string_lossy().into()),
        }
    }
}

/// An open image with its id and source.
#[derive(Clone, Debug)]
pub struct OpenImage {
    /// Unique in this process.
    pub id: u64,
    /// Where it was read from.
    pub source: ImageSource,
    /// The pixels.
    pub photo: Arc<Photo>,
}
