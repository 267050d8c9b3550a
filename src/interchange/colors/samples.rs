//! The samples of a label image, as the file stores them.

use std::borrow::Cow;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{DynamicImage, ImageDecoder, ImageReader, ImageResult, Limits};
use png::{ColorType, Transformations};

use crate::labels::LabelMap;
use crate::photo::{Photo, close_png};

/// First bytes of every PNG file.
const PNG: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// First bytes of every JPEG file.
const JPEG: [u8; 2] = [0xff, 0xd8];

/// Memory limit of a decoder in bytes.
const MAX_DECODER_BYTES: u64 = 4 << 30;

/// The samples of an image row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// Grey values, not scaled: those of 4 bits are 0 to 15.
    Grey(Vec<u16>),
    /// Places in a palette. There may be places beyond its end.
    Indexed(Vec<u8>, Vec<[u8; 3]>),
    /// Colours of 8 bits per channel.
    Color(Vec<[u8; 3]>),
}

/// A label image as its file stores it: without alpha, scaling, palette or colour management applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Samples {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The samples.
    pub values: Values,
    /// Bits per channel in the file.
    pub bits: u8,
    /// Whether the file's compression changes colours, as JPEG does.
    pub lossy: bool,
    /// Number of pixels that are not opaque; their colours count all the same.
    pub translucent: u64,
    /// Number of pixels of 16 bits per channel whose colours were rounded to 8.
    pub rounded: u64,
}

impl Samples {
    /// Reads a PNG, JPEG, WebP or BMP file.
    ///
    /// # Errors
    /// When it is none of these, is damaged or ends too early, or is larger than [`LabelMap::MAX_PIXELS`]; the text says
    /// what was found.
    pub fn of(bytes: &[u8]) -> Result<Self, String> {
        if bytes.starts_with(&PNG) {
            return of_png(bytes);
        }
        if bytes.starts_with(&JPEG) {
            // This refuses a file that ends too early, where the decoder alone would fill in grey.
            let photo = Photo::from_bytes(bytes).map_err(|why| why.to_string())?;
            return Ok(Self::of_colors(
                [photo.width, photo.height],
                photo.rgb.as_chunks().0.to_vec(),
                true,
            ));
        }
        match bytes {
            // Lossless WebP has its pixels in a chunk VP8L.
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
                decoded(bytes, !has_lossless_chunk(bytes))
            }
            [b'B', b'M', ..] => decoded(bytes, false),
            _ => Err("expected a PNG, JPEG, WebP or BMP file, found another; save it as PNG".into()),
        }
    }

    /// Colours of 8 bits.
    fn of_colors([width, height]: [usize; 2], colors: Vec<[u8; 3]>, lossy: bool) -> Self {
        Self {
            width,
            height,
            values: Values::Color(colors),
            bits: 8,
            lossy,
            translucent: 0,
            rounded: 0,
        }
    }

    /// Number of pixels.
    pub fn pixels(&self) -> usize {
        self.width * self.height
    }
}

/// Reads a WebP or BMP file with its alpha left aside.
fn decoded(bytes: &[u8], lossy: bool) -> Result<Samples, String> {
    let decode = || {
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_DECODER_BYTES);
        reader.limits(limits);
        let decoder = reader.into_decoder()?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > LabelMap::MAX_PIXELS {
            return Ok(Err(too_large(width, height)));
        }
        DynamicImage::from_decoder(decoder).map(Ok)
    };
    // Decoders are code of others and the bytes are arbitrary: a panic means a damaged file.
    let image = catch_unwind(AssertUnwindSafe(decode)).map_err(|_| "its decoder failed".to_owned());
    let image = image.and_then(|image: ImageResult<_>| image.map_err(|why| why.to_string()));
    let damaged = |why| format!("expected a whole image, found damage ({why}); export the label again");
    let image = image.map_err(damaged)??;
    let size = [image.width() as usize, image.height() as usize];
    if !image.color().has_alpha() {
        return Ok(Samples::of_colors(
            size,
            image.into_rgb8().as_chunks().0.to_vec(),
            lossy,
        ));
    }
    let pixels = image.into_rgba8();
    let pixels = pixels.as_chunks().0;
    let colors = pixels.iter().map(|[r, g, b, _]| [*r, *g, *b]).collect();
    Ok(Samples {
        translucent: pixels.iter().filter(|[_, _, _, alpha]| *alpha != u8::MAX).count() as u64,
        ..Samples::of_colors(size, colors, lossy)
    })
}

fn too_large(width: u32, height: u32) -> String {
    let most = LabelMap::MAX_PIXELS;
    format!("expected at most {most} pixels, the header says {width} x {height}; cut the image")
}

/// Whether a WebP file has a chunk of lossless pixels. The chunk follows those of its size and colour profile.
fn has_lossless_chunk(bytes: &[u8]) -> bool {
    let mut at = 12;
    while let Some((name, rest)) = bytes.get(at..).and_then(|rest| rest.split_first_chunk::<4>()) {
        match name {
            b"VP8L" => return true,
            b"VP8 " => return false,
            _ => {}
        }
        let Some(length) = rest.first_chunk() else {
            return false;
        };
        let length = u32::from_le_bytes(*length) as usize;
        at = at.saturating_add(8).saturating_add(length).saturating_add(length % 2);
    }
    false
}

/// What is known of a PNG before its rows.
struct Rows {
    width: usize,
    bits: usize,
    kind: ColorType,
    samples: Samples,
}

fn of_png(bytes: &[u8]) -> Result<Samples, String> {
    let damaged = |why: png::DecodingError| format!("expected a whole PNG, found damage ({why}); export it again");
    let mut bytes = Cow::Borrowed(bytes);
    close_png(&mut bytes);
    let mut decoder = png::Decoder::new(Cursor::new(&*bytes));
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let info = reader.info();
    let (width, height) = info.size();
    if u64::from(width) * u64::from(height) > LabelMap::MAX_PIXELS {
        return Err(too_large(width, height));
    }
    let palette = info.palette.as_deref().unwrap_or_default().as_chunks().0.to_vec();
    let (width, height) = (width as usize, height as usize);
    let interlaced = info.interlaced;
    let values = match info.color_type {
        ColorType::Grayscale | ColorType::GrayscaleAlpha => Values::Grey(Vec::new()),
        ColorType::Indexed => Values::Indexed(Vec::new(), palette),
        ColorType::Rgb | ColorType::Rgba => Values::Color(Vec::new()),
    };
    let bits = info.bit_depth as u8;
    let mut rows = Rows {
        width,
        bits: usize::from(bits),
        kind: info.color_type,
        samples: Samples {
            width,
            height,
            values,
            bits,
            lossy: false,
            translucent: 0,
            rounded: 0,
        },
    };
    if interlaced {
        let mut buffer = vec![0; reader.output_buffer_size().unwrap_or(0)];
        reader.next_frame(&mut buffer).map_err(damaged)?;
        let row_bytes = (width * rows.bits * rows.kind.samples()).div_ceil(8);
        buffer
            .chunks_exact(row_bytes.max(1))
            .take(height)
            .for_each(|row| rows.add(row));
    } else {
        // Row by row: memory grows with the data in the file, not with the size that the header claims.
        while let Some(row) = reader.next_row().map_err(damaged)? {
            rows.add(row.data());
        }
    }
    let found = match &rows.samples.values {
        Values::Grey(values) => values.len(),
        Values::Indexed(places, _) => places.len(),
        Values::Color(colors) => colors.len(),
    };
    match found == width * height && found > 0 {
        true => Ok(rows.samples),
        false => Err(format!(
            "expected {} pixels, found {found}; export the label again",
            width * height
        )),
    }
}

impl Rows {
    /// Adds a row of a file.
    fn add(&mut self, row: &[u8]) {
        let samples = &mut self.samples;
        match (&mut samples.values, self.bits) {
            (Values::Grey(values), 1..8) => values.extend(parts(row, self.bits, self.width).map(u16::from)),
            (Values::Indexed(places, _), bits) => places.extend(parts(row, bits, self.width)),
            (Values::Grey(values), bits) => {
                let alpha = self.kind == ColorType::GrayscaleAlpha;
                for pixel in row.chunks_exact(bits / 8 * self.kind.samples()).take(self.width) {
                    values.push(match *pixel {
                        [high, low, ..] if bits == 16 => u16::from_be_bytes([high, low]),
                        [value, ..] => u16::from(value),
                        [] => 0,
                    });
                    samples.translucent += u64::from(alpha && !opaque(pixel, bits));
                }
            }
            (Values::Color(colors), 16) => {
                let alpha = self.kind == ColorType::Rgba;
                for pixel in row.chunks_exact(2 * self.kind.samples()).take(self.width) {
                    let &[r, r2, g, g2, b, b2, ..] = pixel else { continue };
                    let wide = [[r, r2], [g, g2], [b, b2]].map(u16::from_be_bytes);
                    let narrow = wide.map(|value| ((u32::from(value) * 255 + 32767) / 65535) as u8);
                    samples.rounded += u64::from(narrow.map(|value| u16::from(value) * 257) != wide);
                    samples.translucent += u64::from(alpha && !opaque(pixel, 16));
                    colors.push(narrow);
                }
            }
            (Values::Color(colors), _) if self.kind == ColorType::Rgba => {
                for [r, g, b, alpha] in row.as_chunks().0.iter().take(self.width) {
                    colors.push([*r, *g, *b]);
                    samples.translucent += u64::from(*alpha != u8::MAX);
                }
            }
            (Values::Color(colors), _) => colors.extend(row.as_chunks().0.iter().take(self.width)),
        }
    }
}

/// Whether the last sample of a pixel has its largest value.
fn opaque(pixel: &[u8], bits: usize) -> bool {
    pixel.iter().rev().take(bits / 8).all(|byte| *byte == u8::MAX)
}

/// Samples of at most 8 bits, most significant first.
fn parts(row: &[u8], bits: usize, width: usize) -> impl Iterator<Item = u8> {
    let mask = u8::MAX >> (8 - bits.clamp(1, 8));
    let part = move |x: usize| {
        let at = x * bits;
        let byte = row.get(at / 8)?;
        Some(byte >> 8usize.saturating_sub(bits + at % 8) & mask)
    };
    (0..width).map_while(part)
}
