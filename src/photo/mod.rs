//! A decoded, upright, 8-bit RGB picture, and how files become one.

mod decode;
mod depth;
mod error;
mod folder;
mod header;
mod jpeg;
mod jpeg_scan;
mod png_end;
mod remark;
mod resize;
mod tiff_file;

pub use error::PhotoError;
pub use folder::{files_below, pictures_below, pictures_in};
pub use header::Header;
pub(crate) use png_end::end as close_png;
pub use remark::PhotoRemark;

use std::path::Path;

/// An upright 8-bit RGB picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green and blue of each pixel, row by row; `3 * width * height` bytes.
    pub rgb: Vec<u8>,
    /// What a person should know about how its file was read; empty for most.
    pub remarks: Vec<PhotoRemark>,
}

/// How a file becomes a picture where there is a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OpenOptions {
    /// Whether a picture of 16 bits that uses only the lowest of them is made as bright as if these were all; see
    /// [`PhotoRemark::FewBits`].
    pub stretch: bool,
}

/// File name endings of the formats that are read, for dialogs and folders.
pub const EXTENSIONS: [&str; 9] = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif", "jfif"];

/// Largest photo in pixels: 16,384 x 16,384.
pub const MOST_PIXELS: u64 = 1 << 28;

impl Photo {
    /// A picture of these pixels, without remarks; `rgb` has `3 * width * height` bytes.
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Self {
        Self {
            width,
            height,
            rgb,
            remarks: Vec::new(),
        }
    }

    /// Reads PNG, JPEG, WebP, BMP, TIFF or GIF (first frame), of 8 or 16 bits, grey, palette or with alpha; TIFF also of
    /// other depths, of floating-point values and with more than 4 GB (BigTIFF).
    ///
    /// The header is read before the pixels, EXIF orientation is applied, 16 bits become 8, and transparent pixels
    /// are laid over white. [`Photo::remarks`] says what was unusual.
    ///
    /// # Errors
    /// When the file cannot be read, is none of these formats or of a kind that is not read, is damaged, lacks pixels,
    /// or is larger than [`MOST_PIXELS`].
    pub fn open(path: &Path) -> Result<Self, PhotoError> {
        Self::open_with(path, OpenOptions::default())
    }

    /// Reads a picture in a certain way; see [`Photo::open`].
    ///
    /// # Errors
    /// As [`Photo::open`].
    pub fn open_with(path: &Path, options: OpenOptions) -> Result<Self, PhotoError> {
        decode::open(path, options)
    }

    /// Reads a picture from memory; see [`Photo::open`].
    ///
    /// # Errors
    /// As [`Photo::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PhotoError> {
        decode::from_bytes(bytes)
    }

    /// The same picture at another size, bilinear; see `resize.rs` for the rule when shrinking.
    pub fn resized(&self, width: usize, height: usize) -> Self {
        resize::resized(self, width, height)
    }

    /// Red, green and blue at a pixel, if it lies inside.
    pub fn pixel(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        if x >= self.width {
            return None;
        }
        let at = 3 * (y * self.width + x);
        self.rgb.get(at..at + 3).map(|p| [p[0], p[1], p[2]])
    }
}

/// Whether a path ends like a picture that can be read.
pub fn is_picture(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}
