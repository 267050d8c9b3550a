//! Reads an image from its source.

use std::path::Path;

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

/// Reads an image if enough memory is free for it.
///
/// # Errors
/// As [`Photo::open_with`] and [`MemoryNeed::check`].
pub(crate) fn read(source: &ImageSource, options: OpenOptions) -> Result<Photo, OpeningError> {
    match source {
        ImageSource::Sample => Ok(Photo::from_bytes(SAMPLE)?),
        ImageSource::Path(path) => read_needing(path, need_of(path)?, options),
    }
}

/// Whether an open image needs so much memory that no other should be there.
pub(crate) fn is_large(photo: &Photo) -> bool {
    let header = Header {
        width: u32::try_from(photo.width).unwrap_or(u32::MAX),
        height: u32::try_from(photo.height).unwrap_or(u32::MAX),
        decoding_bytes: 0,
    };
    MemoryNeed::of(&header, 0, None).is_large()
}

/// As [`read`]; `None` for an image that needs so much memory that no other should be there.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_beside_another(source: &ImageSource, options: OpenOptions) -> Result<Option<Photo>, OpeningError> {
    let ImageSource::Path(path) = source else {
        return read(source, options).map(Some);
    };
    let need = need_of(path)?;
    (!need.is_large())
        .then(|| read_needing(path, need, options))
        .transpose()
}

fn need_of(path: &Path) -> Result<MemoryNeed, OpeningError> {
    Ok(MemoryNeed::of(&Header::read(path)?, 0, None))
}

fn read_needing(path: &Path, need: MemoryNeed, options: OpenOptions) -> Result<Photo, OpeningError> {
    if let Some(word) = need.check(available_memory(), path)? {
        log::info!("{word}");
    }
    Ok(Photo::open_with(path, options)?)
}
