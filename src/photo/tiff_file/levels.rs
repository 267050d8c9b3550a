//! Converts samples of any depth and type to 8 bits.

use tiff::decoder::DecodingResult;

use super::bands::Bands;
use super::unsupported;
use crate::photo::{PhotoError, PhotoRemark, depth};

/// The arrangement of the samples of an image.
pub(super) struct Samples<'a> {
    /// Width and height in pixels.
    pub(super) size: [usize; 2],
    /// Bytes per row of samples; each row starts at a byte boundary.
    pub(super) row_bytes: usize,
    pub(super) bands: &'a Bands,
}

impl Samples<'_> {
    /// Converts each sample to 0..=255, unless samples are palette indices, and returns a remark about them.
    ///
    /// Unsigned integers of up to 16 bits are scaled from their possible range, and floating-point values from 0..=1 if
    /// they are in this range. All others are scaled from the smallest to the largest value that occurs.
    pub(super) fn levels(
        &self,
        raw: DecodingResult,
        stretch: bool,
    ) -> Result<(Vec<u8>, Option<PhotoRemark>), PhotoError> {
        let bits = self.bands.bits;
        let is_float = matches!(
            raw,
            DecodingResult::F16(_) | DecodingResult::F32(_) | DecodingResult::F64(_)
        );
        let is_plain = matches!(raw, DecodingResult::U8(_) | DecodingResult::U16(_));
        if self.bands.are_indices() && !matches!(raw, DecodingResult::U8(_)) {
            return Err(unsupported("a palette with indices that are not unsigned integers"));
        }
        if !is_plain && bits < 8 {
            return Err(unsupported(format!("signed integers of {bits} bits")));
        }
        if !is_plain && !is_float && self.bands.has_alpha() {
            return Err(unsupported(format!("transparency in signed or {bits}-bit integers")));
        }
        Ok(match raw {
            DecodingResult::U8(packed) if bits < 8 => (self.unpacked(&packed, bits), None),
            DecodingResult::U8(values) => (values, None),
            DecodingResult::U16(values) => self.shortened(&values, stretch),
            DecodingResult::U32(values) => self.spread(&values, false, f64::from),
            DecodingResult::U64(values) => self.spread(&values, false, |value| value as f64),
            DecodingResult::I8(values) => self.spread(&values, false, f64::from),
            DecodingResult::I16(values) => self.spread(&values, false, f64::from),
            DecodingResult::I32(values) => self.spread(&values, false, f64::from),
            DecodingResult::I64(values) => self.spread(&values, false, |value| value as f64),
            DecodingResult::F16(values) => self.spread(&values, true, |value| value.to_f64()),
            DecodingResult::F32(values) => self.spread(&values, true, f64::from),
            DecodingResult::F64(values) => self.spread(&values, true, |value| value),
        })
    }

    /// Whether the sample at this index belongs to a colour.
    fn is_color(&self, place: usize) -> bool {
        let band = if self.bands.planar {
            place / (self.size[0] * self.size[1])
        } else {
            place % self.bands.count
        };
        band < self.bands.of_colors()
    }

    /// Unpacks samples of fewer than 8 bits, most significant bit first.
    fn unpacked(&self, packed: &[u8], bits: u16) -> Vec<u8> {
        let bits = usize::from(bits);
        let in_row = self.size[0] * if self.bands.planar { 1 } else { self.bands.count };
        let most = (1u16 << bits) - 1;
        let mut levels = Vec::with_capacity(packed.len() / self.row_bytes.max(1) * in_row);
        for row in packed.chunks_exact(self.row_bytes.max(1)) {
            levels.extend((0..in_row).map(|i| {
                let bit = i * bits;
                let [high, low] = [0, 1].map(|next| row.get(bit / 8 + next).copied().unwrap_or(0));
                let value = u16::from_be_bytes([high, low]) >> (16 - bits - bit % 8) & most;
                let level = if self.bands.are_indices() {
                    value
                } else {
                    value * 255 / most
                };
                // Lossless: a value has fewer than 8 bits.
                level as u8
            }));
        }
        levels
    }

    /// Converts samples of 16 bits.
    fn shortened(&self, values: &[u16], stretch: bool) -> (Vec<u8>, Option<PhotoRemark>) {
        let colors = values.iter().enumerate().filter(|(place, _)| self.is_color(*place));
        let largest = colors.map(|(_, value)| *value).max().unwrap_or(0);
        let (white, remark) = depth::white(largest, stretch);
        let level = |(place, value): (usize, &u16)| {
            let white = if self.is_color(place) { white } else { u16::MAX };
            let (value, white) = (u32::from(*value), u32::from(white));
            // Lossless: no value is above white.
            ((value * 255 + white / 2) / white) as u8
        };
        (values.iter().enumerate().map(level).collect(), remark)
    }

    /// Converts samples of any other type.
    fn spread<T: Copy>(
        &self,
        values: &[T],
        is_float: bool,
        number: impl Fn(T) -> f64,
    ) -> (Vec<u8>, Option<PhotoRemark>) {
        let colors = values.iter().enumerate().filter(|(place, _)| self.is_color(*place));
        let finite = colors
            .map(|(_, value)| number(*value))
            .filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        // Also true where no value is finite.
        let is_unit = is_float && low >= 0.0 && high <= 1.0;
        let (black, white) = if is_unit { (0.0, 1.0) } else { (low, high) };
        let scale = if white > black { 255.0 / (white - black) } else { 0.0 };
        let level = |(place, value): (usize, &T)| {
            let value = number(*value);
            // The cast clamps values beyond the ends, and turns NaN into 0.
            if self.is_color(place) {
                ((value - black) * scale).round() as u8
            } else {
                (value * 255.0).round() as u8
            }
        };
        let levels = values.iter().enumerate().map(level).collect();
        let remark = (!is_unit).then(|| PhotoRemark::Stretched {
            range: format!("{} to {}", short(low), short(high)),
        });
        (levels, remark)
    }
}

/// Formats a number with few digits.
fn short(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e9).contains(&value.abs()) {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
