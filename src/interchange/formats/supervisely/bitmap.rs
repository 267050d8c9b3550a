//! Bitmaps as Supervisely stores them: base64 of a zlib stream of a PNG.

use std::io::{Cursor, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use png::{BitDepth, ColorType, Decoder, Encoder, Limits, Transformations};

/// Bytes of a PNG besides its pixels: headers, and what cannot be compressed.
const OVERHEAD: u64 = 1 << 20;

/// Most bytes of a pixel in a PNG that does not shrink: RGBA.
const PIXEL_BYTES: u64 = 4;

/// A mask cut from an image.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bitmap {
    /// Pixels per row.
    pub(super) width: usize,
    /// Row by row.
    pub(super) inside: Vec<bool>,
}

/// The text of a mask: a PNG with a palette of two colours, of which the first is transparent, as the reference client
/// writes it.
///
/// # Errors
/// When the sides do not fit into a PNG.
pub(super) fn encode(bitmap: &Bitmap) -> Result<String, String> {
    let rows = bitmap.inside.chunks_exact(bitmap.width);
    let size = [bitmap.width, rows.len()].map(u32::try_from);
    let [Ok(width), Ok(height)] = size else {
        return Err(format!(
            "expected a mask that fits into a PNG, found a width of {}",
            bitmap.width
        ));
    };
    let packed = |pixels: &[bool]| {
        let bits = pixels.iter().zip(0..);
        bits.fold(0_u8, |byte, (inside, place)| byte | u8::from(*inside) << (7 - place))
    };
    let data: Vec<u8> = rows.flat_map(|row| row.chunks(8).map(packed)).collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::One);
    encoder.set_palette(&[0, 0, 0, 255, 255, 255][..]);
    encoder.set_trns(&[0][..]);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&data)?;
        writer.finish()
    });
    written.map_err(|why| format!("expected a mask that fits into a PNG, found {why}"))?;
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    let packed = zlib.write_all(&file).and_then(|()| zlib.finish());
    Ok(STANDARD.encode(packed.map_err(|why| why.to_string())?))
}

/// The mask of a text that lies in an image of `most` pixels (columns and rows).
///
/// # Errors
/// When the text is damaged, or the mask is larger. The sentence says what was expected and found.
pub(super) fn decode(text: &str, most: [usize; 2]) -> Result<Bitmap, String> {
    let damaged = |part: &str, why: String| format!("expected a bitmap as {part}, found {why}; export it again");
    let packed = STANDARD
        .decode(text.trim())
        .map_err(|why| damaged("base64", why.to_string()))?;
    let limit = (most[0] as u64)
        .saturating_mul(most[1] as u64)
        .saturating_mul(PIXEL_BYTES)
        .saturating_add(OVERHEAD);
    let mut file = Vec::new();
    let inflated = ZlibDecoder::new(packed.as_slice())
        .take(limit + 1)
        .read_to_end(&mut file);
    inflated.map_err(|why| damaged("a zlib stream", why.to_string()))?;
    if file.len() as u64 > limit {
        return Err(damaged(
            "a zlib stream",
            format!("more than the {limit} bytes of an image of this size"),
        ));
    }
    let limits = Limits {
        bytes: usize::try_from(limit).unwrap_or(usize::MAX),
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(file), limits);
    // Palettes become colours, and bits become bytes.
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(|why| damaged("a PNG", why.to_string()))?;
    let [width, height] = [reader.info().width as usize, reader.info().height as usize];
    if width > most[0] || height > most[1] {
        let [columns, rows] = most;
        return Err(format!(
            "expected a bitmap in {columns} x {rows} pixels, found {width} x {height}; export it again"
        ));
    }
    if reader.info().interlaced {
        return Err(damaged("a PNG without interlacing", "an interlaced one".into()));
    }
    let (color, depth) = reader.output_color_type();
    let (samples, sample) = (color.samples(), if depth == BitDepth::Sixteen { 2 } else { 1 });
    if samples == 3 {
        return Err(damaged(
            "a PNG with transparency or a grey one",
            "colours without transparency".into(),
        ));
    }
    // Alpha comes last; a grey image is a mask itself.
    let is_inside = |pixel: &[u8]| pixel.iter().skip((samples - 1) * sample).any(|byte| *byte > 0);
    let mut inside = Vec::with_capacity(width * height);
    while let Some(row) = reader.next_row().map_err(|why| damaged("a PNG", why.to_string()))? {
        inside.extend(row.data().chunks_exact(samples * sample).map(is_inside));
    }
    match inside.len() == width * height {
        true => Ok(Bitmap { width, inside }),
        false => Err(damaged("a PNG", "too few pixels".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masks() -> Vec<Bitmap> {
        let mut random = fastrand::Rng::with_seed(4);
        let mask = |_| {
            let [width, height] = [random.usize(1..40), random.usize(1..20)];
            let inside = (0..width * height).map(|_| random.bool()).collect();
            Bitmap { width, inside }
        };
        (0..40).map(mask).collect()
    }

    fn packed(bytes: &[u8]) -> String {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(bytes).unwrap();
        STANDARD.encode(zlib.finish().unwrap())
    }

    fn png(color: ColorType, depth: BitDepth, data: &[u8]) -> String {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 2, 1);
        encoder.set_color(color);
        encoder.set_depth(depth);
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        packed(&file)
    }

    #[test]
    fn masks_come_back() {
        for mask in masks() {
            assert_eq!(decode(&encode(&mask).unwrap(), [40, 20]).unwrap(), mask);
        }
    }

    #[test]
    fn other_kinds_of_png_are_read() {
        let kinds: [(ColorType, BitDepth, &[u8]); 6] = [
            (ColorType::Grayscale, BitDepth::One, &[0b0100_0000]),
            (ColorType::Grayscale, BitDepth::Eight, &[0, 1]),
            (ColorType::Grayscale, BitDepth::Sixteen, &[0, 0, 0, 1]),
            (ColorType::GrayscaleAlpha, BitDepth::Eight, &[9, 0, 0, 1]),
            (ColorType::Rgba, BitDepth::Eight, &[9, 9, 9, 0, 0, 0, 0, 1]),
            (
                ColorType::Rgba,
                BitDepth::Sixteen,
                &[9, 9, 9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            ),
        ];
        for (color, depth, data) in kinds {
            let mask = decode(&png(color, depth, data), [2, 1]).unwrap();
            assert_eq!(mask.inside, [false, true], "{color:?} {depth:?}");
        }
        assert!(decode(&png(ColorType::Rgb, BitDepth::Eight, &[0; 6]), [2, 1]).is_err());
    }

    #[test]
    fn damaged_and_huge_bitmaps_are_refused() {
        let text = encode(&masks()[0]).unwrap();
        assert!(decode(&text, [1, 1]).is_err());
        assert!(decode("", [40, 20]).is_err());
        assert!(decode("?", [40, 20]).is_err());
        assert!(decode(&packed(b"no PNG"), [40, 20]).is_err());
        for end in (0..text.len()).step_by(4) {
            assert!(decode(&text[..end], [40, 20]).is_err(), "{end}");
        }
        // 200 megabytes of zeros in 200 kilobytes.
        let bomb = packed(&vec![0; 200 << 20]);
        assert!(decode(&bomb, [40, 20]).unwrap_err().contains("more than"));
    }

    #[test]
    fn random_damage_never_panics() {
        let mut random = fastrand::Rng::with_seed(5);
        for mask in masks() {
            for _ in 0..10 {
                let mut bytes = STANDARD.decode(encode(&mask).unwrap()).unwrap();
                let mut file = Vec::new();
                ZlibDecoder::new(bytes.as_slice()).read_to_end(&mut file).unwrap();
                let place = random.usize(..file.len());
                file[place] = random.u8(..);
                let _ = decode(&packed(&file), [40, 20]);
                let place = random.usize(..bytes.len());
                bytes[place] = random.u8(..);
                let _ = decode(&STANDARD.encode(bytes), [40, 20]);
            }
        }
    }
}
