//! From a source to the picture in it.

use super::memory_need::{MemoryNeed, TooLittleMemory, available_memory};
use super::picture::PhotoSource;
use crate::photo::{Header, OpenOptions, Photo, PhotoError};

/// The sample picture inside the program (see `NOTICE.md`).
const SAMPLE: &[u8] = include_bytes!("../../assets/samples/street.jpg");

/// Why a picture is not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpeningError {
    /// It cannot be read.
    #[error(transparent)]
    Photo(#[from] PhotoError),
    /// It would not fit into memory.
    #[error(transparent)]
    Memory(#[from] TooLittleMemory),
}

/// Reads the picture, unless what it takes is not free.
///
/// # Errors
/// As [`Photo::open_with`] and [`MemoryNeed::check`].
pub(crate) fn read(source: &PhotoSource, options: OpenOptions) -> Result<Photo, OpeningError> {
    match source {
        PhotoSource::Sample => Ok(Photo::from_bytes(SAMPLE)?),
        PhotoSource::Path(path) => {
            let need = MemoryNeed::of(&Header::read(path)?, 0, None);
            if let Some(word) = need.check(available_memory(), path)? {
                log::info!("{word}");
            }
            Ok(Photo::open_with(path, options)?)
        }
    }
}
