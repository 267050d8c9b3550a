//! Decodes the bytes of a file to an upright RGB image.

use std::borrow::Cow;
use std::io::{self, Cursor};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use image::error::UnsupportedErrorKind;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::error::check_size;
use super::{OpenOptions, Photo, PhotoError, PhotoRemark, depth, jpeg, png_end, tiff_file};

/// Memory limit of a decoder in bytes, not counting the image itself.
pub(super) const MAX_DECODER_BYTES: u64 = 4 << 30;

pub(super) fn open(path: &Path, options: OpenOptions) -> Result<Photo, PhotoError> {
    // Read the whole file first, so that a read error is not mistaken for a damaged image.
    let bytes = std::fs::read(path).map_err(|source| PhotoError::Read {
        source,
        path: path.into(),
    })?;
    fenced(|| decoded(bytes.into(), options)).map_err(|why| why.in_file(path))
}

pub(super) fn from_bytes(bytes: &[u8]) -> Result<Photo, PhotoError> {
    fenced(|| decoded(bytes.into(), OpenOptions::default()))
}

/// Runs a decoder, and reports a panic in it as a damaged image: decoders are third-party code, and the bytes
/// arbitrary.
pub(super) fn fenced<T>(work: impl FnOnce() -> Result<T, PhotoError>) -> Result<T, PhotoError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(PhotoError::damaged("its decoder failed")))
}

fn decoded(mut bytes: Cow<'_, [u8]>, options: OpenOptions) -> Result<Photo, PhotoError> {
    if tiff_file::is_one(&bytes) {
        return tiff_file::decode(bytes.into_owned(), options);
    }
    let format = image::guess_format(&bytes).map_err(|_| PhotoError::Format { path: PathBuf::new() })?;
    let end_was_missing = match format {
        ImageFormat::Jpeg => {
            jpeg::check_kind(&bytes)?;
            jpeg::end(&mut bytes)?
        }
        ImageFormat::Png => png_end::end(&mut bytes),
        _ => false,
    };
    let refused = |why| refusal(format, why);
    let mut reader = ImageReader::with_format(Cursor::new(&*bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    // With an unreadable EXIF block, the image stays as stored.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    let mut remarks = Vec::new();
    if end_was_missing {
        remarks.push(PhotoRemark::NoEndMarker);
    }
    remarks.extend(depth::settled(&mut image, options.stretch));
    image.apply_orientation(orientation);
    Ok(Photo {
        remarks,
        ..photo_of(image)
    })
}

/// Converts a decoder's error.
pub(super) fn refusal(format: ImageFormat, why: ImageError) -> PhotoError {
    let unsupported = |what: String| PhotoError::unsupported(name(format), what);
    match why {
        ImageError::Unsupported(what) => match what.kind() {
            UnsupportedErrorKind::Format(_) => PhotoError::Format { path: PathBuf::new() },
            UnsupportedErrorKind::GenericFeature(feature) => unsupported(feature),
            UnsupportedErrorKind::Color(color) => unsupported(format!("colour type {color:?}")),
            _ => unsupported(what.to_string()),
        },
        ImageError::IoError(why) if why.kind() == io::ErrorKind::UnexpectedEof => PhotoError::ends_too_early(),
        other => PhotoError::damaged(other.to_string()),
    }
}

fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Gif => "GIF",
        _ => "image",
    }
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
