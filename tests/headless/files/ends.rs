//! Images without an end: either only the end marker is missing, or pixels.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, RgbImage};
use segscope::labels::LabelMap;
use segscope::photo::{Photo, PhotoError, PhotoRemark};

use super::mutation::samples;
use crate::repository::in_repository;

/// JPEGs of 97 x 75 pixels, drawn from waves and noise and written by libjpeg: progressive with 4:2:0 subsampling,
/// 4:2:2 with restart markers, 4:2:0, and grey.
const JPEGS: [&str; 4] = ["progressive", "restarts", "sequential", "grey"];

fn jpeg(name: &str) -> Vec<u8> {
    let folder = in_repository("tests/headless/files/images");
    let path = folder.join(format!("{name}.jpg"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Cuts an image at every length from `from` on, and returns the numbers of missing bytes with which it opens. These
/// must have all pixels and a remark.
fn cuts_that_open(kind: &str, whole: &[u8], from: usize) -> Vec<usize> {
    let photo = Photo::from_bytes(whole).unwrap_or_else(|e| panic!("{kind}: {e}"));
    assert!(photo.remarks.is_empty(), "{kind}: {:?}", photo.remarks);
    let mut opened = Vec::new();
    for end in from..whole.len() {
        match Photo::from_bytes(&whole[..end]) {
            Ok(cut) => {
                assert!(cut.rgb == photo.rgb, "{kind}: other pixels after {end} bytes");
                assert_eq!(cut.remarks, [PhotoRemark::NoEndMarker], "{kind}");
                opened.push(whole.len() - end);
            }
            Err(PhotoError::Damaged { .. } | PhotoError::Format { .. }) => {}
            Err(other) => panic!("{kind}: expected damage, found: {other}"),
        }
    }
    opened
}

#[test]
fn a_jpeg_opens_if_only_its_end_marker_is_missing() {
    for name in JPEGS {
        assert_eq!(cuts_that_open(name, &jpeg(name), 0), [2, 1], "{name}");
    }
    let image = RgbImage::from_fn(61, 47, |x, y| {
        image::Rgb([(x * 4) as u8, (y * 5) as u8, (x * y * 7 % 251) as u8])
    });
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
    let (width, height) = image.dimensions();
    image::ImageEncoder::write_image(encoder, &image, width, height, ExtendedColorType::Rgb8).expect("a JPEG");
    let last = bytes.len() - 400;
    assert_eq!(cuts_that_open("4:4:4", &bytes, last), [2, 1]);
}

/// Such files are left by an interrupted download that reserved the full size first.
#[test]
fn zeros_in_place_of_the_last_pixels_are_refused() {
    for name in JPEGS {
        let whole = jpeg(name);
        for lost in [3, 10, 100, 400] {
            let mut zeroed = whole.clone();
            let from = whole.len() - lost;
            zeroed[from..].fill(0);
            let why = Photo::from_bytes(&zeroed).expect_err("pixels are missing").to_string();
            assert!(why.contains("ends too early"), "{name}, {lost} bytes: {why}");
        }
    }
}

#[test]
fn a_png_opens_if_only_its_end_chunk_is_missing() {
    let images = samples::images();
    let of_png = images.iter().filter(|(kind, _)| kind.ends_with("PNG"));
    for (kind, bytes) in of_png {
        assert_eq!(
            cuts_that_open(kind, bytes, 0),
            (1..=12).rev().collect::<Vec<_>>(),
            "{kind}"
        );
    }
}

#[test]
fn a_label_map_opens_only_if_no_pixel_is_missing() {
    let whole = samples::palette_png();
    let map = LabelMap::from_png(&whole).expect("a label map");
    let opened: Vec<usize> = (0..whole.len())
        .rev()
        .filter(|end| {
            let cut = LabelMap::from_png(&whole[..*end]).ok();
            assert!(cut.iter().all(|cut| *cut == map), "other ids after {end} bytes");
            cut.is_some()
        })
        .map(|end| whole.len() - end)
        .collect();
    assert_eq!(opened, (1..=12).collect::<Vec<_>>());
}

/// Each file ends after a frame of an unsupported kind of JPEG.
#[test]
fn other_kinds_of_jpeg_are_reported_as_unsupported() {
    for (marker, bits, what) in [
        (0xc1, 12, "12 bits per sample"),
        (0xc3, 8, "lossless"),
        (0xc9, 8, "arithmetic"),
        (0xca, 8, "arithmetic"),
        (0xc5, 8, "hierarchical"),
    ] {
        let bytes: Vec<u8> = vec![
            0xff, 0xd8, 0xff, marker, 0, 11, bits, 0, 8, 0, 8, 1, 1, 0x11, 0, 0xff, 0xd9,
        ];
        match Photo::from_bytes(&bytes) {
            Err(why @ PhotoError::Unsupported { .. }) => assert!(why.to_string().contains(what), "{why}"),
            other => panic!("{what}: expected \"not supported\", found: {other:?}"),
        }
    }
}
