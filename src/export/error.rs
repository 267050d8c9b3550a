//! Why an export fails.

use std::path::PathBuf;

/// Why an export failed. The path comes last.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A folder cannot be created.
    #[error("cannot create the folder ({source}); choose another one: {}", path.display())]
    CreateFolder {
        /// The error of the system.
        source: std::io::Error,
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write the file ({source}); choose another folder or make room in this one: {}", path.display())]
    Write {
        /// The error of the system.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// An image or a figure cannot be encoded.
    #[error("cannot encode the image ({source}); choose another image: {}", path.display())]
    Encode {
        /// The error of the encoder.
        source: png::EncodingError,
        /// The file to write.
        path: PathBuf,
    },
    /// Labels cannot be written for another program. The text has what was expected, what was found, and the path.
    #[error("{0}")]
    Labels(String),
    /// A file already exists.
    #[error(
        "expected a new file, found an existing one; allow overwriting (--overwrite) or choose another folder: {}",
        path.display()
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Image and label map differ in size.
    #[error(
        "expected a label map as large as the image ({} x {}), found {} x {}; segment this image again",
        photo[0], photo[1], map[0], map[1]
    )]
    Mismatch {
        /// Width and height of the image.
        photo: [usize; 2],
        /// Width and height of the label map.
        map: [usize; 2],
    },
    /// The number of values does not match the number of pixels.
    #[error("expected {expected} {what}, found {found}; segment this image again")]
    Incomplete {
        /// Which values.
        what: &'static str,
        /// Expected number.
        expected: usize,
        /// Number found.
        found: usize,
    },
}
