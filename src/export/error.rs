//! Why an export fails.

use std::path::PathBuf;

/// Why an export failed. The path comes last.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A folder cannot be made.
    #[error("cannot make the folder ({source}); choose another one: {}", path.display())]
    CreateFolder {
        /// What the system says.
        source: std::io::Error,
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write the file ({source}); choose another folder or make room in this one: {}", path.display())]
    Write {
        /// What the system says.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// A picture cannot be a PNG.
    #[error("cannot make a PNG ({source}); choose another photo: {}", path.display())]
    Encode {
        /// What the encoder says.
        source: png::EncodingError,
        /// The file that it was for.
        path: PathBuf,
    },
    /// A file is there already.
    #[error("expected no such file yet, found one; allow overwriting (--overwrite) or choose another folder: {}", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Photo and label map differ in size.
    #[error(
        "expected a label map as large as the photo ({} x {}), found {} x {}; segment this photo again",
        photo[0], photo[1], map[0], map[1]
    )]
    Mismatch {
        /// Width and height of the photo.
        photo: [usize; 2],
        /// Width and height of the label map.
        map: [usize; 2],
    },
    /// There is not one value per pixel.
    #[error("expected {expected} {what}, found {found}; segment this photo again")]
    Incomplete {
        /// Which values.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
}
