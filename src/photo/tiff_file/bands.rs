//! The meaning of the bands of a TIFF, and their conversion to RGB.

use std::io::{Read, Seek};

use tiff::decoder::Decoder;
use tiff::tags::Tag;

use super::{bits_per_sample, number, numbers, unsupported};
use crate::photo::PhotoError;

/// Maximum number of bits of a palette index.
const MAX_PALETTE_BITS: u16 = 8;

/// Tag value of JPEG compression, which stores colours as luma and two chroma differences.
const JPEG: u16 = 7;

/// The meaning of the bands of an image.
pub(super) struct Bands {
    colors: Colors,
    alpha: Option<Alpha>,
    /// Number of bands in the file.
    pub(super) count: usize,
    /// Number of bands that are neither colour nor transparency.
    pub(super) left_out: usize,
    /// Bits per sample.
    pub(super) bits: u16,
    /// Whether each band is stored separately.
    pub(super) planar: bool,
}

enum Colors {
    Grey { white_is_zero: bool },
    Rgb,
    Palette(Vec<[u8; 3]>),
    Cmyk,
    YCbCr,
}

/// The kind of alpha in the band after the colours, which is the opacity of each pixel.
#[derive(Clone, Copy)]
enum Alpha {
    /// Colours are premultiplied with alpha.
    Associated,
    Straight,
}

impl Bands {
    /// Reads the tags of the first image; `interpretation` is the original value of the tag that was replaced.
    pub(super) fn read<R: Read + Seek>(decoder: &mut Decoder<R>, interpretation: u16) -> Result<Self, PhotoError> {
        if number(decoder, Tag::FillOrder, 1)? == 2 {
            return Err(unsupported("bytes with their bits in reverse order"));
        }
        let bits = bits_per_sample(decoder)?;
        let colors = match interpretation {
            0 | 1 => Colors::Grey {
                white_is_zero: interpretation == 0,
            },
            2 => Colors::Rgb,
            3 => Colors::Palette(palette(decoder, bits)?),
            4 => return Err(unsupported("a transparency mask")),
            5 => Colors::Cmyk,
            6 => {
                check_ycbcr(decoder, bits)?;
                Colors::YCbCr
            }
            8..=10 => return Err(unsupported("CIE L*a*b* colours")),
            32_803 | 34_892 => return Err(unsupported("the raw values of a camera's sensor")),
            other => return Err(unsupported(format!("photometric interpretation {other}"))),
        };
        let count = usize::from(number(decoder, Tag::SamplesPerPixel, 1)?);
        let own = colors.bands();
        let Some(extra) = count.checked_sub(own) else {
            return Err(PhotoError::damaged(format!("expected {own} bands, found {count}")));
        };
        let alpha = match (extra, numbers(decoder, Tag::ExtraSamples)?.first().copied()) {
            (0, _) => None,
            (_, Some(1)) => Some(Alpha::Associated),
            // Most programs read one extra band of undefined meaning as transparency.
            (_, Some(2)) | (1, None) => Some(Alpha::Straight),
            _ => None,
        };
        let left_out = extra - usize::from(alpha.is_some());
        if left_out > 1 && matches!(colors, Colors::Grey { .. }) {
            return Err(unsupported(format!("{count} bands that are not colours")));
        }
        Ok(Self {
            colors,
            alpha,
            count,
            left_out,
            bits,
            planar: number(decoder, Tag::PlanarConfiguration, 1)? == 2,
        })
    }

    /// Number of bands that are colours; they come first.
    pub(super) fn of_colors(&self) -> usize {
        self.colors.bands()
    }

    /// Whether values are palette indices.
    pub(super) fn are_indices(&self) -> bool {
        matches!(self.colors, Colors::Palette(_))
    }

    /// Whether there is an alpha band.
    pub(super) fn has_alpha(&self) -> bool {
        self.alpha.is_some()
    }

    /// Converts 8-bit values in the file's order to red, green and blue of each pixel; `None` where there are too few.
    pub(super) fn image(&self, levels: Vec<u8>, size: [usize; 2]) -> Option<Vec<u8>> {
        let pixels = size[0].checked_mul(size[1])?;
        if levels.len() < pixels.checked_mul(self.count)? {
            return None;
        }
        if matches!(self.colors, Colors::Rgb) && self.count == 3 && !self.planar {
            return Some(levels);
        }
        let (of_pixel, of_band) = if self.planar { (1, pixels) } else { (self.count, 1) };
        let mut rgb = Vec::with_capacity(3 * pixels);
        for pixel in 0..pixels {
            let band = |band: usize| levels[pixel * of_pixel + band * of_band];
            let color = self.colors.color(band);
            rgb.extend(match self.alpha {
                None => color,
                Some(alpha) => over_white(color, band(self.of_colors()), alpha),
            });
        }
        Some(rgb)
    }
}

impl Colors {
    fn bands(&self) -> usize {
        match self {
            Self::Grey { .. } | Self::Palette(_) => 1,
            Self::Rgb | Self::YCbCr => 3,
            Self::Cmyk => 4,
        }
    }

    /// The colour of a pixel with these band values.
    fn color(&self, band: impl Fn(usize) -> u8) -> [u8; 3] {
        match self {
            Self::Grey { white_is_zero: false } => [band(0); 3],
            Self::Grey { white_is_zero: true } => [255 - band(0); 3],
            Self::Rgb => [0, 1, 2].map(band),
            Self::Palette(colors) => colors.get(usize::from(band(0))).copied().unwrap_or_default(),
            Self::Cmyk => {
                let paper = 255 - u16::from(band(3));
                [0, 1, 2].map(|ink| (((255 - u16::from(band(ink))) * paper + 127) / 255) as u8)
            }
            Self::YCbCr => {
                // ITU-R BT.601 over the full range, as in JPEG.
                let [y, cb, cr] = [0, 1, 2].map(|i| f32::from(band(i)));
                let (cb, cr) = (cb - 128.0, cr - 128.0);
                [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|value| value.round() as u8)
            }
        }
    }
}

fn over_white(color: [u8; 3], opacity: u8, alpha: Alpha) -> [u8; 3] {
    let paper = 255 - u16::from(opacity);
    color.map(|value| {
        let over = match alpha {
            Alpha::Associated => u16::from(value) + paper,
            Alpha::Straight => (u16::from(value) * u16::from(opacity) + 255 * paper + 127) / 255,
        };
        over.min(255) as u8
    })
}

/// Reads the palette, which is stored as all reds, then all greens, then all blues, with 16 bits each.
fn palette<R: Read + Seek>(decoder: &mut Decoder<R>, bits: u16) -> Result<Vec<[u8; 3]>, PhotoError> {
    if bits > MAX_PALETTE_BITS {
        return Err(unsupported(format!("a palette of {bits} bits")));
    }
    let values = numbers(decoder, Tag::ColorMap)?;
    let count = 1usize << bits;
    if values.len() != 3 * count {
        return Err(PhotoError::damaged(format!(
            "expected a palette of {count} colours, found {} values",
            values.len()
        )));
    }
    // Some programs write 8-bit values here.
    let shift = if values.iter().all(|value| *value < 256) { 0 } else { 8 };
    let color = |i: usize| [0, 1, 2].map(|band| (values[band * count + i] >> shift) as u8);
    Ok((0..count).map(color).collect())
}

/// Refuses YCbCr data with chroma subsampling that the decoder would read as if there were none.
fn check_ycbcr<R: Read + Seek>(decoder: &mut Decoder<R>, bits: u16) -> Result<(), PhotoError> {
    if bits != 8 {
        return Err(unsupported(format!("YCbCr colours of {bits} bits")));
    }
    let is_jpeg = number(decoder, Tag::Compression, 1)? == JPEG;
    let subsampling = numbers(decoder, Tag::ChromaSubsampling)?;
    if !is_jpeg && subsampling != [1, 1] {
        return Err(unsupported("YCbCr colours with chroma subsampling"));
    }
    Ok(())
}
