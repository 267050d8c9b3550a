//! Decoded images: upright 8-bit RGB, read from files.

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
pub use folder::{files_below, images_below, images_in};
pub use header::Header;
pub(crate) use png_end::end as close_png;
pub use remark::PhotoRemark;

use std::path::Path;

/// An upright 8-bit RGB image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green and blue of each pixel, row by row; `3 * width * height` bytes.
    pub rgb: Vec<u8>,
    /// Remarks on how the file was read; empty for most images.
    pub remarks: Vec<PhotoRemark>,
}

/// Options for reading an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OpenOptions {
    /// Whether a 16-bit image that uses only its lowest bits is stretched to full brightness; see
    /// [`PhotoRemark::FewBits`].
    pub stretch: bool,
}

/// File extensions of the supported formats.
pub const EXTENSIONS: [&str; 9] = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif", "jfif"];

/// Size limit of an image in pixels: 16,384 x 16,384.
pub const MAX_PIXELS: u64 = 1 << 28;

impl Photo {
    /// An image with these pixels and no remarks; `rgb` has `3 * width * height` bytes.
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Self {
        Self {
            width,
            height,
            rgb,
            remarks: Vec::new(),
        }
    }

    /// Reads an image file.
    ///
    /// Supports PNG, JPEG, WebP, BMP, TIFF and GIF (first frame) with 8 or 16 bits per sample, grey, with a palette or
    /// with alpha; TIFF also with other depths, with floating-point values and with more than 4 GB (BigTIFF).
    ///
    /// The header is read before the pixels, EXIF orientation is applied, 16 bits are reduced to 8, and transparent
    /// pixels are blended with white. [`Photo::remarks`] reports anything unusual.
    ///
    /// # Errors
    /// When the file cannot be read, has another format or an unsupported variant of one, is damaged, lacks pixels, or
    /// is larger than [`MAX_PIXELS`].
    pub fn open(path: &Path) -> Result<Self, PhotoError> {
        Self::open_with(path, OpenOptions::default())
    }

    /// Reads an image file with options; see [`Photo::open`].
    ///
    /// # Errors
    /// As [`Photo::open`].
    pub fn open_with(path: &Path, options: OpenOptions) -> Result<Self, PhotoError> {
        decode::open(path, options)
    }

    /// Reads an image from memory; see [`Photo::open`].
    ///
    /// # Errors
    /// As [`Photo::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PhotoError> {
        decode::from_bytes(bytes)
    }

    /// The image resized bilinearly; see `resize.rs` for the rule when shrinking.
    pub fn resized(&self, width: usize, height: usize) -> Self {
        resize::resized(self, width, height)
    }

    /// Red, green and blue at a pixel; `None` outside.
    pub fn pixel(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        if x >= self.width {
            return None;
        }
        let at = 3 * (y * self.width + x);
        self.rgb.get(at..at + 3).map(|p| [p[0], p[1], p[2]])
    }
}

/// Whether a path has the extension of a supported image format.
pub fn is_image(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}
