//! Reads an image from its source.

use super::image::ImageSource;
use super::memory_need::{MemoryNeed, TooLittleMemory, available_memory};
use crate::photo::{Header, OpenOptions, Photo, PhotoError};

/// The built-in sample image (see `NOTICE.md`).
const SAMPLE: &[u8] = include_bytes!("../../assets/samples/street.jpg");

/// Why an image cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpeningError {
    /// It cannot be read.
    #[error(transparent)]
    Photo(#[from] PhotoError),
    /// It would not fit into memory.
    #[error(transparent)]
    Memory(#[from] TooLittleMemory),
}

/// Whether an image needs so much memory that no other should be there meanwhile.
pub(crate) fn is_large(source: &ImageSource) -> bool {
    let header = source.file().and_then(|path| Header::read(path).ok());
    header.is_some_and(|header| MemoryNeed::of(&header, 0, None).is_large())
}

/// Reads an image if enough memory is free for it.
///
/// # Errors
/// As [`Photo::open_with`] and [`MemoryNeed::check`].
pub(crate) fn read(source: &ImageSource, options: OpenOptions) -> Result<Photo, OpeningError> {
    match source {
        ImageSource::Sample => Ok(Photo::from_bytes(SAMPLE)?),
        ImageSource::Path(path) => {
            let need = MemoryNeed::of(&Header::read(path)?, 0, None);
            if let Some(word) = need.check(available_memory(), path)? {
                log::info!("{word}");
            }
            Ok(Photo::open_with(path, options)?)
        }
    }
}
