//! How label maps are stored in PNG files: palette or grey, and bits per pixel.

use std::io::Cursor;

use png::{BitDepth, ColorType, Compression, DeflateCompression, Encoder, EncodingError, Filter};

/// Lightest deflate level that finds repetitions, which make up most of a label map.
const LIGHT: DeflateCompression = DeflateCompression::Level(1);

/// How a label map is stored in a PNG file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelPng {
    /// Bits of a pixel: 1, 2, 4, 8, or for grey also 16.
    pub bits: u8,
    /// Colours of an indexed PNG, three bytes each, by id; `None` for a grey one.
    pub palette: Option<Vec<u8>>,
}

impl LabelPng {
    /// How a file stores its ids; `None` if it holds colours or is no PNG.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let decoder = png::Decoder::new(Cursor::new(bytes));
        let reader = decoder.read_info().ok()?;
        let info = reader.info();
        let palette = match info.color_type {
            ColorType::Grayscale => None,
            ColorType::Indexed => Some(info.palette.as_deref()?.to_vec()),
            _ => return None,
        };
        Some(Self {
            bits: info.bit_depth as u8,
            palette,
        })
    }

    /// Largest id that it can hold.
    pub fn largest(&self) -> u16 {
        let of_bits = u16::MAX >> (16 - self.bits.min(16));
        match &self.palette {
            // Programs refuse pixels beyond the palette.
            Some(palette) => of_bits.min((palette.len() / 3).saturating_sub(1) as u16),
            None => of_bits,
        }
    }

    /// The file of a map with these ids, row by row, `width` per row. Ids beyond [`LabelPng::largest`] lose their upper
    /// bits: the caller has checked them.
    ///
    /// # Errors
    /// When the sides do not fit into a PNG.
    pub fn encode(&self, size: [usize; 2], ids: &[u16]) -> Result<Vec<u8>, EncodingError> {
        self.write(size, ids, |encoder| {
            // Differences of ids mean nothing, so there is no filter.
            encoder.set_deflate_compression(LIGHT);
            encoder.set_filter(Filter::NoFilter);
        })
    }

    /// The same in a fraction of the time, and larger where areas have ragged edges.
    ///
    /// # Errors
    /// As [`LabelPng::encode`].
    pub fn encode_fast(&self, size: [usize; 2], ids: &[u16]) -> Result<Vec<u8>, EncodingError> {
        self.write(size, ids, |encoder| {
            // Most rows equal the row above: differences are zeros, of which this compression finds runs, and of nothing
            // else.
            encoder.set_compression(Compression::Fast);
            encoder.set_filter(Filter::Up);
        })
    }

    fn write(
        &self,
        [width, height]: [usize; 2],
        ids: &[u16],
        compress: impl FnOnce(&mut Encoder<'_, &mut Vec<u8>>),
    ) -> Result<Vec<u8>, EncodingError> {
        let sides = [width, height].map(|side| u32::try_from(side).map_err(|_| EncodingError::LimitsExceeded));
        let [across, down] = sides;
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, across?, down?);
        match &self.palette {
            Some(palette) => {
                encoder.set_color(ColorType::Indexed);
                encoder.set_palette(palette.clone());
            }
            None => encoder.set_color(ColorType::Grayscale),
        }
        encoder.set_depth(BitDepth::from_u8(self.bits).unwrap_or(BitDepth::Eight));
        compress(&mut encoder);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&packed(self.bits, width, ids))?;
        writer.finish()?;
        Ok(bytes)
    }
}

/// Ids as samples of some bits, most significant first; each row begins with a byte.
fn packed(bits: u8, width: usize, ids: &[u16]) -> Vec<u8> {
    match bits {
        16 => ids.iter().flat_map(|id| id.to_be_bytes()).collect(),
        8 => ids.iter().map(|id| *id as u8).collect(),
        _ => {
            let per_byte = usize::from(8 / bits.max(1));
            let row = |row: &[u16]| -> Vec<u8> {
                let byte = |ids: &[u16]| {
                    let shifted = ids.iter().enumerate().map(|(i, id)| {
                        let masked = (*id as u8) & ((1 << bits) - 1);
                        masked << (8 - bits * (i as u8 + 1))
                    });
                    shifted.fold(0, |byte, part| byte | part)
                };
                row.chunks(per_byte).map(byte).collect()
            };
            ids.chunks(width.max(1)).flat_map(row).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::LabelMap;

    #[test]
    fn every_kind_is_read_back_alike() {
        let kinds = [1, 2, 4, 8, 16].map(|bits| LabelPng { bits, palette: None });
        let indexed = [1, 2, 4, 8].map(|bits| LabelPng {
            bits,
            palette: Some((0..3u32 << bits).map(|v| v as u8).collect()),
        });
        for kind in kinds.into_iter().chain(indexed) {
            let (width, height) = (13, 5);
            let most = u32::from(kind.largest()) + 1;
            let ids: Vec<u16> = (0..width * height).map(|i| (i as u32 * 7919 % most) as u16).collect();
            let bytes = kind.encode([width, height], &ids).expect("a file");
            let map = LabelMap::from_png(&bytes).expect("a label map");
            assert_eq!((map.width, map.height, &map.ids), (width, height, &ids), "{kind:?}");
            assert_eq!(LabelPng::of(&bytes).as_ref(), Some(&kind));
            let fast = kind.encode_fast([width, height], &ids).expect("a file");
            assert_eq!(LabelMap::from_png(&fast).expect("a label map"), map);
        }
    }

    #[test]
    fn a_palette_limits_the_ids() {
        let kind = LabelPng {
            bits: 8,
            palette: Some(vec![0; 3 * 12]),
        };
        assert_eq!(kind.largest(), 11);
        assert_eq!(LabelPng::of(b"no PNG"), None);
    }
}
