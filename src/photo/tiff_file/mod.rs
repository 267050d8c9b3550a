//! Reads TIFF images of every sample type that the decoder supports, as RGB.
//!
//! The decoder refuses palettes and grey with alpha, and fails on images with more bands than colours. So the tag for
//! the meaning of the bands is changed to "shades of grey", for which the decoder returns all bands unchanged, and
//! their real meaning is applied here.

mod bands;
mod directory;
mod levels;

use std::io::{self, Cursor, Read, Seek};

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{TiffError, TiffFormatError, UsageError};

use super::decode::MAX_DECODER_BYTES;
use super::error::check_size;
use super::{Header, OpenOptions, Photo, PhotoError, PhotoRemark};
use bands::Bands;
use levels::Samples;

/// The first bytes of TIFF and BigTIFF files, in either byte order.
const BEGINNINGS: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];

/// Memory limit for the values of one tag, in bytes.
const MAX_TAG_BYTES: usize = 16 << 20;

/// Whether these are the first bytes of a TIFF.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning))
}

/// Decodes the first image of the file.
pub(super) fn decode(mut bytes: Vec<u8>, options: OpenOptions) -> Result<Photo, PhotoError> {
    let interpretation = directory::take_interpretation(&mut bytes);
    let mut decoder = opened(Cursor::new(bytes))?;
    let (width, height) = decoder.dimensions().map_err(refusal)?;
    check_size(width, height)?;
    let Some(interpretation) = interpretation else {
        return Err(unsupported("it does not define the meaning of its values"));
    };
    let bands = Bands::read(&mut decoder, interpretation)?;
    // With an unreadable orientation, the image stays as stored.
    let orientation = number(&mut decoder, Tag::Orientation, 1).unwrap_or(1);
    let size = [width as usize, height as usize];
    let mut raw = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut raw).map_err(refusal)?;
    if raw.as_buffer(0).byte_len() < layout.complete_len {
        return Err(too_much_memory());
    }
    let samples = Samples {
        size,
        row_bytes: layout.row_stride.map_or(0, usize::from),
        bands: &bands,
    };
    let (levels, remark) = samples.levels(raw, options.stretch)?;
    let rgb = bands.image(levels, size).ok_or_else(PhotoError::ends_too_early)?;
    let image = RgbImage::from_raw(width, height, rgb).ok_or_else(PhotoError::ends_too_early)?;
    let mut image = DynamicImage::ImageRgb8(image);
    let orientation = u8::try_from(orientation).ok().and_then(Orientation::from_exif);
    image.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
    let mut photo = Photo::new(
        image.width() as usize,
        image.height() as usize,
        image.into_rgb8().into_raw(),
    );
    photo.remarks.extend(remark);
    if bands.left_out > 0 {
        photo.remarks.push(PhotoRemark::BandsLeftOut { count: bands.left_out });
    }
    Ok(photo)
}

/// Reads the header of the first image.
pub(super) fn header(file: impl Read + Seek) -> Result<Header, PhotoError> {
    let mut decoder = opened(file)?;
    let (width, height) = decoder.dimensions().map_err(refusal)?;
    check_size(width, height)?;
    let bits = u64::from(bits_per_sample(&mut decoder)?);
    let samples = u64::from(number(&mut decoder, Tag::SamplesPerPixel, 1)?);
    let pixels = u64::from(width) * u64::from(height);
    let raw = (pixels * samples).saturating_mul(bits).div_ceil(8);
    // Samples of other depths are converted to 8 bits in a second buffer.
    let levels = if bits == 8 { 0 } else { pixels * samples };
    Ok(Header {
        width,
        height,
        decoding_bytes: raw.saturating_add(levels).saturating_add(3 * pixels),
    })
}

fn opened<R: Read + Seek>(file: R) -> Result<Decoder<R>, PhotoError> {
    let most = usize::try_from(MAX_DECODER_BYTES).unwrap_or(usize::MAX);
    let mut limits = Limits::default();
    limits.decoding_buffer_size = most;
    limits.intermediate_buffer_size = most;
    limits.ifd_value_size = MAX_TAG_BYTES;
    Ok(Decoder::new(file).map_err(refusal)?.with_limits(limits))
}

/// The first value of a tag; `absent` where there is no such tag.
fn number<R: Read + Seek>(decoder: &mut Decoder<R>, tag: Tag, absent: u16) -> Result<u16, PhotoError> {
    Ok(numbers(decoder, tag)?.first().copied().unwrap_or(absent))
}

/// The values of a tag; empty where it is absent.
fn numbers<R: Read + Seek>(decoder: &mut Decoder<R>, tag: Tag) -> Result<Vec<u16>, PhotoError> {
    let values = decoder.find_tag_unsigned_vec(tag).map_err(refusal)?;
    Ok(values.unwrap_or_default())
}

fn bits_per_sample<R: Read + Seek>(decoder: &mut Decoder<R>) -> Result<u16, PhotoError> {
    number(decoder, Tag::BitsPerSample, 1)
}

fn unsupported(what: impl Into<String>) -> PhotoError {
    PhotoError::unsupported("TIFF", what)
}

fn too_much_memory() -> PhotoError {
    unsupported(format!("decoding it takes more than {} GiB", MAX_DECODER_BYTES >> 30))
}

/// Converts the decoder's error.
fn refusal(why: TiffError) -> PhotoError {
    match why {
        TiffError::UnsupportedError(what) => unsupported(what.to_string()),
        TiffError::FormatError(TiffFormatError::UnknownPredictor(number)) => unsupported(format!("predictor {number}")),
        TiffError::UsageError(
            UsageError::PredictorCompressionMismatch
            | UsageError::PredictorIncompatible
            | UsageError::PredictorUnavailable,
        ) => unsupported("its predictor"),
        TiffError::LimitsExceeded | TiffError::IntSizeError => too_much_memory(),
        TiffError::IoError(why) if why.kind() == io::ErrorKind::UnexpectedEof => PhotoError::ends_too_early(),
        other => PhotoError::damaged(other.to_string()),
    }
}
