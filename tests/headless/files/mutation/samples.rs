//! Generated valid files, and files whose headers claim huge sizes.

use std::io::{Cursor, Read, Write};
use std::path::PathBuf;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::repository::in_repository;

const WIDTH: u32 = 24;
const HEIGHT: u32 = 18;

/// A small image in every supported format, with the name of the format.
pub fn images() -> Vec<(&'static str, Vec<u8>)> {
    let photo = DynamicImage::ImageRgb8(RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        Rgb([(x * 10) as u8, (y * 14) as u8, (x * y % 251) as u8])
    }));
    let encoded = |image: &DynamicImage, format: ImageFormat| {
        let mut bytes = Cursor::new(Vec::new());
        image
            .write_to(&mut bytes, format)
            .unwrap_or_else(|e| panic!("{format:?}: {e}"));
        bytes.into_inner()
    };
    vec![
        ("8-bit PNG", encoded(&photo, ImageFormat::Png)),
        (
            "16-bit PNG",
            encoded(&DynamicImage::ImageRgba16(photo.to_rgba16()), ImageFormat::Png),
        ),
        ("palette PNG", palette_png()),
        ("JPEG", encoded(&photo, ImageFormat::Jpeg)),
        ("WebP", encoded(&photo, ImageFormat::WebP)),
        ("BMP", encoded(&photo, ImageFormat::Bmp)),
        ("TIFF", encoded(&photo, ImageFormat::Tiff)),
        ("GIF", encoded(&photo, ImageFormat::Gif)),
        (
            "grey PNG",
            encoded(&DynamicImage::ImageLuma8(photo.to_luma8()), ImageFormat::Png),
        ),
    ]
}

/// An indexed PNG with four bits per pixel, which is both a label map and an image.
pub fn palette_png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Four);
    encoder.set_palette((0..48).map(|i| i * 5).collect::<Vec<u8>>());
    let pixels: Vec<u8> = (0..WIDTH / 2 * HEIGHT).map(|i| (i * 7 % 256) as u8).collect();
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("an end");
    bytes
}

/// A PNG with a valid header that claims `side` x `side` grey pixels, but with almost no data.
pub fn vast_png(side: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("a header");
    writer
        .write_chunk(png::chunk::IDAT, &[0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01])
        .expect("a chunk");
    drop(writer);
    bytes
}

/// A BMP header that claims `side` x `side` pixels of 24 bits.
pub fn vast_bmp(side: u32) -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    for field in [
        70,
        0,
        54,
        40,
        side,
        side,
        1 | 24 << 16,
        0,
        16,
        2835,
        2835,
        0,
        0,
        0,
        0,
        0,
        0,
    ] {
        bytes.extend(u32::to_le_bytes(field));
    }
    bytes
}

/// A TIFF that claims one strip of `side` x `side` grey pixels.
pub fn vast_tiff(side: u32) -> Vec<u8> {
    const SHORT: u16 = 3;
    const LONG: u16 = 4;
    let tags = [
        (256u16, LONG, side), // width
        (257, LONG, side),    // height
        (258, SHORT, 8),      // bits per sample
        (259, SHORT, 1),      // no compression
        (262, SHORT, 1),      // black is zero
        (273, LONG, 8),       // offset of the strip
        (277, SHORT, 1),      // samples per pixel
        (278, LONG, side),    // rows per strip
        (279, LONG, 16),      // length of the strip
    ];
    let mut bytes = b"II\x2a\x00\x08\x00\x00\x00".to_vec();
    bytes.extend((tags.len() as u16).to_le_bytes());
    for (tag, kind, value) in tags {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(0u32.to_le_bytes());
    bytes
}

/// The path of a file or folder of the golden cases.
pub fn golden(path: &str) -> PathBuf {
    in_repository("tests/golden").join(path)
}

/// The bytes of a golden file.
pub fn golden_file(file: &str) -> Vec<u8> {
    let path = golden(file);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The folder of a golden checkpoint of Segmenter's authors.
pub fn checkpoint_folder() -> PathBuf {
    golden("rstrudel-mask-p16-distilled")
}

/// The entries of a `.pth`.
#[derive(Clone)]
pub struct TorchArchive(pub Vec<(String, Vec<u8>)>);

impl TorchArchive {
    pub fn read(bytes: &[u8]) -> Self {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("a zip archive");
        let entries = (0..archive.len()).map(|i| {
            let mut entry = archive.by_index(i).expect("an entry");
            let name = entry.name().expect("a name").into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("an entry that can be read");
            (name, bytes)
        });
        Self(entries.collect())
    }

    /// The bytes of the pickle that describes the tensors.
    pub fn pickle(&mut self) -> &mut Vec<u8> {
        let entry = self.0.iter_mut().find(|(name, _)| name.ends_with("/data.pkl"));
        &mut entry.expect("a data.pkl").1
    }

    /// The same file in the layout of PyTorch before 1.6: pickles of a magic number, a version, the machine, the data
    /// and the list of storages, then for each storage the number of elements and their bytes. Counters, the only
    /// storages here that are not `f32`, have eight bytes per element.
    pub fn legacy(&mut self) -> Vec<u8> {
        let mut bytes =
            b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.".to_vec();
        bytes.extend_from_slice(self.pickle());
        let storages: Vec<_> = self
            .0
            .iter()
            .filter_map(|(name, bytes)| Some((name.split_once("/data/")?.1, bytes)))
            .collect();
        bytes.extend_from_slice(b"\x80\x02](");
        for (key, _) in &storages {
            bytes.push(b'X');
            bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
            bytes.extend_from_slice(key.as_bytes());
        }
        bytes.extend_from_slice(b"e.");
        for (_, values) in storages {
            let width = if values.len() == 8 { 8 } else { 4 };
            bytes.extend_from_slice(&((values.len() / width) as u64).to_le_bytes());
            bytes.extend_from_slice(values);
        }
        bytes
    }

    /// A `.pth` file with correct checksums and entries stored as by `torch.save`.
    pub fn write(&self) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for (name, bytes) in &self.0 {
            archive.start_file(name, stored).expect("an entry");
            archive.write_all(bytes).expect("its bytes");
        }
        archive.finish().expect("a directory").into_inner()
    }
}
