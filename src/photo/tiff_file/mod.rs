//! TIFF: the samples of every kind that the decoder can read, as an RGB picture.
//!
//! The decoder refuses palettes and grey with alpha, and goes wrong where a picture has more bands than its colours. So
//! it is told that all bands are shades of grey, which it hands out as they are, and what they mean is applied here.

mod bands;
mod directory;
mod levels;

use std::io::{self, Cursor, Read, Seek};

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{TiffError, TiffFormatError, UsageError};

use super::decode::MOST_DECODER_BYTES;
use super::error::check_size;
use super::{Header, OpenOptions, Photo, PhotoError, PhotoRemark};
use bands::Bands;
use levels::Samples;

/// How a TIFF and a BigTIFF begin, in either byte order.
const BEGINNINGS: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];

/// Memory that the values of one tag may take.
const MOST_TAG_BYTES: usize = 16 << 20;

/// Whether these are the first bytes of a TIFF.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning))
}

/// The first picture of the file.
pub(super) fn decode(mut bytes: Vec<u8>, options: OpenOptions) -> Result<Photo, PhotoError> {
    let interpretation = directory::take_interpretation(&mut bytes);
    let mut decoder = opened(Cursor::new(bytes))?;
    let (width, height) = decoder.dimensions().map_err(refusal)?;
    check_size(width, height)?;
    let Some(interpretation) = interpretation else {
        return Err(unsupported("it does not say which colours its values are"));
    };
    let bands = Bands::read(&mut decoder, interpretation)?;
    // An unreadable orientation leaves the picture as it is stored.
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
    let rgb = bands.picture(levels, size).ok_or_else(PhotoError::ends_too_early)?;
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

/// What the header of the first picture says.
pub(super) fn header(file: impl Read + Seek) -> Result<Header, PhotoError> {
    let mut decoder = opened(file)?;
    let (width, height) = decoder.dimensions().map_err(refusal)?;
    check_size(width, height)?;
    let bits = u64::from(bits_per_sample(&mut decoder)?);
    let samples = u64::from(number(&mut decoder, Tag::SamplesPerPixel, 1)?);
    let pixels = u64::from(width) * u64::from(height);
    let raw = (pixels * samples).saturating_mul(bits).div_ceil(8);
    // Samples of other depths are made 8 bits deep beside the file's own.
    let levels = if bits == 8 { 0 } else { pixels * samples };
    Ok(Header {
        width,
        height,
        decoding_bytes: raw.saturating_add(levels).saturating_add(3 * pixels),
    })
}

fn opened<R: Read + Seek>(file: R) -> Result<Decoder<R>, PhotoError> {
    let most = usize::try_from(MOST_DECODER_BYTES).unwrap_or(usize::MAX);
    let mut limits = Limits::default();
    limits.decoding_buffer_size = most;
    limits.intermediate_buffer_size = most;
    limits.ifd_value_size = MOST_TAG_BYTES;
    Ok(Decoder::new(file).map_err(refusal)?.with_limits(limits))
}

/// The only value of a tag, or the value that its absence means.
fn number<R: Read + Seek>(decoder: &mut Decoder<R>, tag: Tag, absent: u16) -> Result<u16, PhotoError> {
    Ok(numbers(decoder, tag)?.first().copied().unwrap_or(absent))
}

/// The values of a tag; none where it is absent.
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
    unsupported(format!("decoding it takes more than {} GiB", MOST_DECODER_BYTES >> 30))
}

/// What the decoder says, as an error of this room.
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
