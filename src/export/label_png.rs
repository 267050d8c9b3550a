//! PNG files of a label map: ids, colours, masks and confidence.

use png::{BitDepth, ColorType, Compression, DeflateCompression, Encoder, EncodingError, Filter};

use crate::labels::{ClassSet, LabelMap, LabelPng};
use crate::photo::Photo;

/// Maximum number of colours in a PNG palette.
pub(super) const PALETTE: usize = 256;

/// Lightest deflate level that finds repetitions, which make up most of a label map.
const LIGHT: DeflateCompression = DeflateCompression::Level(1);

/// Number of palette colours for these ids and classes.
pub(super) fn palette_entries(map: &LabelMap, classes: &ClassSet) -> usize {
    let used = map.ids.iter().max().map_or(0, |id| usize::from(*id) + 1);
    classes.len().max(used).max(1)
}

/// Ids as an indexed PNG whose palette holds the class colours, or as 16-bit grey where a palette is too small.
///
/// `entries` is the result of [`palette_entries`] for this map, or for the one that it is a part of.
pub(super) fn labels(map: &LabelMap, classes: &ClassSet, entries: usize) -> Result<Vec<u8>, EncodingError> {
    if entries > PALETTE {
        return grey16([map.width, map.height], &map.ids);
    }
    // Lossless: every id is below the number of entries.
    let palette = (0..entries).flat_map(|id| classes.color(id as u16)).collect();
    let kind = LabelPng {
        bits: 8,
        palette: Some(palette),
    };
    kind.encode([map.width, map.height], &map.ids)
}

/// A mask that is white at pixels of the class and black elsewhere, as 8-bit grey, which every program reads alike.
pub(super) fn mask(map: &LabelMap, class: u16) -> Result<Vec<u8>, EncodingError> {
    let grey: Vec<u8> = map.ids.iter().map(|id| if *id == class { 255 } else { 0 }).collect();
    let set_up = |encoder: &mut Encoder<'static, &mut Vec<u8>>| {
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::Eight);
        lightly(encoder);
    };
    encode([map.width, map.height], set_up, &grey)
}

/// A 16-bit grey PNG; `size` is its width and height.
pub(super) fn grey16(size: [usize; 2], values: &[u16]) -> Result<Vec<u8>, EncodingError> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
    let set_up = |encoder: &mut Encoder<'static, &mut Vec<u8>>| {
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::Sixteen);
        encoder.set_compression(Compression::Fast);
    };
    encode(size, set_up, &bytes)
}

/// An RGB image.
pub(super) fn image(photo: &Photo) -> Result<Vec<u8>, EncodingError> {
    let set_up = |encoder: &mut Encoder<'static, &mut Vec<u8>>| {
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        // Chooses a filter per row.
        encoder.set_compression(Compression::Fast);
    };
    encode([photo.width, photo.height], set_up, &photo.rgb)
}

/// Sets light compression without a filter, because differences of ids mean nothing. `Compression::Fast` is not enough
/// here: it finds only runs of zeros.
fn lightly(encoder: &mut Encoder<'static, &mut Vec<u8>>) {
    encoder.set_deflate_compression(LIGHT);
    encoder.set_filter(Filter::NoFilter);
}

fn encode(
    size: [usize; 2],
    set_up: impl FnOnce(&mut Encoder<'static, &mut Vec<u8>>),
    data: &[u8],
) -> Result<Vec<u8>, EncodingError> {
    let [width, height] = size.map(|side| u32::try_from(side).map_err(|_| EncodingError::LimitsExceeded));
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width?, height?);
    set_up(&mut encoder);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(data)?;
    writer.finish()?;
    Ok(bytes)
}
