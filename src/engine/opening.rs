//! From a source to the picture in it.

use super::job::PhotoSource;
use crate::photo::{Photo, PhotoError};

/// The sample picture inside the program (see `NOTICE.md`).
const SAMPLE: &[u8] = include_bytes!("../../assets/samples/street.jpg");

/// Reads the picture.
///
/// # Errors
/// As [`Photo::open`].
pub(super) fn read(source: &PhotoSource) -> Result<Photo, PhotoError> {
    match source {
        PhotoSource::Sample => Photo::from_bytes(SAMPLE),
        PhotoSource::Path(path) => Photo::open(path),
    }
}
