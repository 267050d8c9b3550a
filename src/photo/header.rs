//! Reads the header of an image without decoding pixels.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{ColorType, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::decode::{MAX_DECODER_BYTES, fenced, refusal};
use super::error::check_size;
use super::{PhotoError, jpeg, tiff_file};

/// The header of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Pixels per row, as stored: before the EXIF orientation is applied.
    pub width: u32,
    /// Rows, as stored.
    pub height: u32,
    /// Peak memory of decoding in bytes: the file, and its pixels in their stored layout and as RGB.
    pub decoding_bytes: u64,
}

impl Header {
    /// Reads the header of an image file.
    ///
    /// # Errors
    /// When the file cannot be read, has an unsupported format or variant, or claims more than
    /// [`MAX_PIXELS`](super::MAX_PIXELS).
    pub fn read(path: &Path) -> Result<Self, PhotoError> {
        let bytes = std::fs::read(path).map_err(|source| PhotoError::Read {
            source,
            path: path.into(),
        })?;
        let header = fenced(|| Self::of(&bytes)).map_err(|why| why.in_file(path))?;
        Ok(Self {
            decoding_bytes: header.decoding_bytes.saturating_add(bytes.len() as u64),
            ..header
        })
    }

    /// Number of pixels in the image.
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    fn of(bytes: &[u8]) -> Result<Self, PhotoError> {
        if tiff_file::is_one(bytes) {
            return tiff_file::header(Cursor::new(bytes));
        }
        let format = image::guess_format(bytes).map_err(|_| PhotoError::Format { path: PathBuf::new() })?;
        if format == ImageFormat::Jpeg {
            jpeg::check_kind(bytes)?;
        }
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_DECODER_BYTES);
        reader.limits(limits);
        let decoder = reader.into_decoder().map_err(|why| refusal(format, why))?;
        let (width, height) = decoder.dimensions();
        check_size(width, height)?;
        let rgb = match decoder.color_type() {
            // Needs no conversion.
            ColorType::Rgb8 => 0,
            _ => 3 * u64::from(width) * u64::from(height),
        };
        Ok(Self {
            width,
            height,
            decoding_bytes: decoder.total_bytes().saturating_add(rgb),
        })
    }
}
