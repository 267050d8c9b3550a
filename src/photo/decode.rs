//! From a file's bytes to an upright RGB picture.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use image::error::UnsupportedErrorKind;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::{MOST_PIXELS, Photo};

/// Why a picture could not be read. The path comes last.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// The file cannot be read at all.
    #[error("cannot read the picture ({source}): {}", path.display())]
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

/// Memory that a decoder may take beside the picture itself.
const MOST_DECODER_BYTES: u64 = 4 << 30;

pub(super) fn open(path: &Path) -> Result<Photo, PhotoError> {
    // Read whole: a decoder that fails half-way must not be confused with a failing disk.
    let bytes = std::fs::read(path).map_err(|source| PhotoError::Read {
        source,
        path: path.into(),
    })?;
    decode(&bytes, path)
}

pub(super) fn from_bytes(bytes: &[u8]) -> Result<Photo, PhotoError> {
    decode(bytes, Path::new(""))
}

fn decode(bytes: &[u8], path: &Path) -> Result<Photo, PhotoError> {
    // The decoders are third-party code that meets arbitrary bytes here; a panic in one is a damaged picture.
    catch_unwind(AssertUnwindSafe(|| decode_trusting(bytes, path))).unwrap_or_else(|_| {
        Err(PhotoError::Damaged {
            why: "its decoder gave up".into(),
            path: path.into(),
        })
    })
}

fn decode_trusting(bytes: &[u8], path: &Path) -> Result<Photo, PhotoError> {
    let damaged = |e: ImageError| match e {
        ImageError::Unsupported(what) if matches!(what.kind(), UnsupportedErrorKind::Format(_)) => {
            PhotoError::Format { path: path.into() }
        }
        other => PhotoError::Damaged {
            why: other.to_string(),
            path: path.into(),
        },
    };
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| damaged(e.into()))?;
    let format = reader.format();
    if format == Some(ImageFormat::Jpeg) && !jpeg_is_whole(bytes) {
        // The decoder would fill the missing part with grey, and a model would find classes in it.
        return Err(PhotoError::Damaged {
            why: "it ends too early".into(),
            path: path.into(),
        });
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_DECODER_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(PhotoError::TooLarge {
            width,
            height,
            path: path.into(),
        });
    }
    if width == 0 || height == 0 {
        return Err(PhotoError::Damaged {
            why: "it has no pixels".into(),
            path: path.into(),
        });
    }
    // An unreadable EXIF block leaves the picture as it is stored.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    image.apply_orientation(orientation);
    Ok(photo_of(image))
}

/// Whether a JPEG has an end-of-image marker after its last scan; one inside an EXIF thumbnail does not count.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[first, marker]) = bytes.get(at..at + 2) {
        match (first, marker) {
            (0xff, 0xd9) => return true,
            // Fill bytes, stuffed zeros and restart markers inside a scan.
            (0xff, 0xff) => at += 1,
            (0xff, 0x00 | 0x01 | 0xd0..=0xd7) => at += 2,
            (0xff, _) => match bytes.get(at + 2..at + 4) {
                Some(&[high, low]) => at += 2 + usize::from(u16::from_be_bytes([high, low])),
                _ => return false,
            },
            // Data of a scan.
            _ => at += 1,
        }
    }
    false
}

fn photo_of(image: DynamicImage) -> Photo {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let rgb = if image.color().has_alpha() {
        over_white(&image.into_rgba8())
    } else {
        image.into_rgb8().into_raw()
    };
    Photo::new(width, height, rgb)
}

fn over_white(rgba: &[u8]) -> Vec<u8> {
    let pixels = rgba.as_chunks::<4>().0;
    pixels
        .iter()
        .flat_map(|&[r, g, b, a]| {
            let over = |c: u8| ((u16::from(c) * u16::from(a) + 255 * (255 - u16::from(a)) + 127) / 255) as u8;
            [over(r), over(g), over(b)]
        })
        .collect()
}
