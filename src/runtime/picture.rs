//! Pictures that can be opened, and those that are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::photo::Photo;

/// Where a photo comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PhotoSource {
    /// The rendered street inside the program.
    Sample,
    /// A file.
    Path(PathBuf),
}

impl PhotoSource {
    /// File name for people.
    pub fn name(&self) -> String {
        match self {
            Self::Sample => "Sample street".into(),
            Self::Path(path) => path
                .file_name()
                .map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into()),
        }
    }

    /// The file behind it, if there is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sample => None,
            Self::Path(path) => Some(path),
        }
    }

    /// File name without its ending, for exports.
    pub fn stem(&self) -> String {
        match self {
            Self::Sample => "street".into(),
            Self::Path(path) => path
                .file_stem()
                .map_or_else(|| "picture".into(), |n| n.to_string_lossy().into()),
        }
    }
}

/// A photo with its number and name.
#[derive(Clone, Debug)]
pub struct OpenPhoto {
    /// Unique in this process.
    pub id: u64,
    /// Where it was read from.
    pub source: PhotoSource,
    /// The pixels.
    pub photo: Arc<Photo>,
}
