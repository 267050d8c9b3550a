//! Why a picture could not be read.

use std::path::{Path, PathBuf};

use super::MOST_PIXELS;

/// Why a picture could not be read. The path comes last.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// The file cannot be read at all.
    #[error("cannot read the picture ({source}){}", at(path))]
    Read {
        /// What the system says.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// None of the formats.
    #[error(
        "expected a PNG, JPEG, WebP, BMP, TIFF or GIF picture, found something else{}",
        at(path)
    )]
    Format {
        /// The file, empty for memory.
        path: PathBuf,
    },
    /// A sound picture of a kind that is not read.
    #[error(
        "this {format} is not supported ({what}); save it as an 8-bit PNG or JPEG{}",
        at(path)
    )]
    Unsupported {
        /// Name of the format.
        format: &'static str,
        /// What it has that is not read.
        what: String,
        /// The file, empty for memory.
        path: PathBuf,
    },
    /// A picture, but a damaged one.
    #[error("the picture is damaged ({why}){}", at(path))]
    Damaged {
        /// What the decoder says.
        why: String,
        /// The file, empty for memory.
        path: PathBuf,
    },
    /// More pixels than the program takes on.
    #[error("expected at most {} megapixels, the header says {width} x {height}; make it smaller first{}", MOST_PIXELS / 1_000_000, at(path))]
    TooLarge {
        /// Claimed width.
        width: u32,
        /// Claimed height.
        height: u32,
        /// The file, empty for memory.
        path: PathBuf,
    },
}

fn at(path: &Path) -> String {
    if path.as_os_str().is_empty() {
        String::new()
    } else {
        format!(": {}", path.display())
    }
}

impl PhotoError {
    /// A damaged picture, whose file is not known here.
    pub(super) fn damaged(why: impl Into<String>) -> Self {
        Self::Damaged {
            why: why.into(),
            path: PathBuf::new(),
        }
    }

    /// A picture that lacks pixels, whose file is not known here.
    pub(super) fn ends_too_early() -> Self {
        Self::damaged("it ends too early")
    }

    /// A kind that is not read, in a file that is not known here.
    pub(super) fn unsupported(format: &'static str, what: impl Into<String>) -> Self {
        Self::Unsupported {
            format,
            what: what.into(),
            path: PathBuf::new(),
        }
    }

    /// The same of this file.
    pub(super) fn in_file(mut self, file: &Path) -> Self {
        let (Self::Read { path, .. }
        | Self::Format { path }
        | Self::Unsupported { path, .. }
        | Self::Damaged { path, .. }
        | Self::TooLarge { path, .. }) = &mut self;
        *path = file.into();
        self
    }
}

/// Refuses a size that the program does not take on, or that has no pixels.
pub(super) fn check_size(width: u32, height: u32) -> Result<(), PhotoError> {
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(PhotoError::TooLarge {
            width,
            height,
            path: PathBuf::new(),
        });
    }
    if width == 0 || height == 0 {
        return Err(PhotoError::damaged("it has no pixels"));
    }
    Ok(())
}
