//! Errors of reading images.

use std::path::{Path, PathBuf};

use super::MAX_PIXELS;

/// Why an image cannot be read. The path comes last in each message.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// The file cannot be read.
    #[error("cannot read the image ({source}){}", at(path))]
    Read {
        /// The system's error.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// The file has none of the supported formats.
    #[error(
        "expected a PNG, JPEG, WebP, BMP, TIFF or GIF image, found something else{}",
        at(path)
    )]
    Format {
        /// The file; empty for bytes in memory.
        path: PathBuf,
    },
    /// The image is valid, but a variant of its format that is not supported.
    #[error(
        "this {format} is not supported ({what}); save it as an 8-bit PNG or JPEG{}",
        at(path)
    )]
    Unsupported {
        /// Name of the format.
        format: &'static str,
        /// The unsupported feature.
        what: String,
        /// The file; empty for bytes in memory.
        path: PathBuf,
    },
    /// The image is damaged.
    #[error("the image is damaged ({why}){}", at(path))]
    Damaged {
        /// The decoder's error.
        why: String,
        /// The file; empty for bytes in memory.
        path: PathBuf,
    },
    /// The image has more than [`MAX_PIXELS`].
    #[error("expected at most {} megapixels, the header says {width} x {height}; make it smaller first{}", MAX_PIXELS / 1_000_000, at(path))]
    TooLarge {
        /// Width in the header, in pixels.
        width: u32,
        /// Height in the header, in pixels.
        height: u32,
        /// The file; empty for bytes in memory.
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
    /// An error for a damaged image whose file is not known yet.
    pub(super) fn damaged(why: impl Into<String>) -> Self {
        Self::Damaged {
            why: why.into(),
            path: PathBuf::new(),
        }
    }

    /// An error for an image that lacks pixels and whose file is not known yet.
    pub(super) fn ends_too_early() -> Self {
        Self::damaged("it ends too early")
    }

    /// An error for an unsupported variant of a format, in a file that is not known yet.
    pub(super) fn unsupported(format: &'static str, what: impl Into<String>) -> Self {
        Self::Unsupported {
            format,
            what: what.into(),
            path: PathBuf::new(),
        }
    }

    /// The same error with the path of the file.
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

/// Refuses images without pixels or with more than [`MAX_PIXELS`].
pub(super) fn check_size(width: u32, height: u32) -> Result<(), PhotoError> {
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
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
