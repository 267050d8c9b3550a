//! TIFF files of every kind: the meaning of their values, and refused files.

use segscope::photo::{Header, Photo, PhotoError, PhotoRemark};

use super::tagged::{LAYOUTS, Layout, Tag};

// Tags.
const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const MEANING: u16 = 262;
const FILL_ORDER: u16 = 266;
const SAMPLES: u16 = 277;
const PLANAR: u16 = 284;
const PREDICTOR: u16 = 317;
const PALETTE: u16 = 320;
const EXTRA: u16 = 338;
const SAMPLE_FORMAT: u16 = 339;

const LITTLE: Layout = LAYOUTS[0];

fn opened(bytes: &[u8]) -> Photo {
    Photo::from_bytes(bytes).unwrap_or_else(|why| panic!("{why}"))
}

/// Opens an image of one strip, which must have no remarks, and returns its pixels.
fn pixels(size: [u16; 2], data: &[u8], tags: &[Tag]) -> Vec<u8> {
    let photo = opened(&LITTLE.tiff(size, &[data.to_vec()], tags));
    assert_eq!([photo.width, photo.height], size.map(usize::from));
    assert!(photo.remarks.is_empty(), "{:?}", photo.remarks);
    photo.rgb
}

fn grey(values: &[u8]) -> Vec<u8> {
    values.iter().flat_map(|value| [*value; 3]).collect()
}

/// Packs rows of 3 pixels, each starting at a byte boundary, most significant bits first.
fn packed(indices: &[u8], bits: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    for row in indices.chunks(3) {
        let all = row.iter().fold(0u32, |all, index| all << bits | u32::from(*index));
        let used = 3 * bits;
        bytes.extend(&(all << (32 - used)).to_be_bytes()[..usize::from(used.div_ceil(8))]);
    }
    bytes
}

#[test]
fn palettes_of_every_depth_in_every_layout() {
    for bits in [1, 2, 4, 8] {
        let count = 1u16 << bits;
        let indices: Vec<u8> = (0..6).map(|i| (i * 5 % count) as u8).collect();
        // Reds, greens and blues of 16 bits, of which the upper 8 are used.
        let palette: Vec<u16> = (0..3 * count).map(|i| (i * 37 % 256) << 8 | 0x7f).collect();
        let expected: Vec<u8> = indices
            .iter()
            .flat_map(|index| [0, 1, 2].map(|band| ((band * count + u16::from(*index)) * 37 % 256) as u8))
            .collect();
        let tags: [Tag; 3] = [(BITS, &[bits]), (MEANING, &[3]), (PALETTE, &palette)];
        for layout in LAYOUTS {
            let photo = opened(&layout.tiff([3, 2], &[packed(&indices, bits)], &tags));
            assert_eq!((photo.width, photo.height), (3, 2));
            assert_eq!(photo.rgb, expected, "{bits} bits, {layout:?}");
        }
    }
}

#[test]
fn grey_of_every_depth() {
    assert_eq!(
        pixels([3, 1], &packed(&[0, 1, 1], 1), &[(BITS, &[1]), (MEANING, &[1])]),
        grey(&[0, 255, 255])
    );
    // Zero is white, as in faxes.
    assert_eq!(
        pixels([3, 1], &packed(&[0, 1, 1], 1), &[(BITS, &[1]), (MEANING, &[0])]),
        grey(&[255, 0, 0])
    );
    assert_eq!(
        pixels([3, 1], &packed(&[0, 2, 3], 2), &[(BITS, &[2]), (MEANING, &[1])]),
        grey(&[0, 170, 255])
    );
    assert_eq!(
        pixels([3, 1], &packed(&[0, 3, 15], 4), &[(BITS, &[4]), (MEANING, &[1])]),
        grey(&[0, 51, 255])
    );
    assert_eq!(
        pixels([3, 1], &[0, 7, 255], &[(BITS, &[8]), (MEANING, &[0])]),
        grey(&[255, 248, 0])
    );
    for layout in LAYOUTS {
        let data = [0, 100 * 257, 65_535].iter().flat_map(|value| layout.number(*value, 2));
        let photo = opened(&layout.tiff([3, 1], &[data.collect()], &[(BITS, &[16]), (MEANING, &[1])]));
        assert_eq!(photo.rgb, grey(&[0, 100, 255]), "{layout:?}");
    }
}

#[test]
fn transparent_pixels_are_blended_with_white() {
    // 100 * 128 / 255 + 127 = 177.2, and 100 + 127 where the colour is premultiplied.
    for (kind, shown) in [(2, 177), (1, 227)] {
        let tags: [Tag; 4] = [(BITS, &[8, 8]), (MEANING, &[1]), (SAMPLES, &[2]), (EXTRA, &[kind])];
        assert_eq!(
            pixels([3, 1], &[100, 128, 9, 255, 0, 0], &tags),
            grey(&[shown, 9, 255]),
            "extra samples of kind {kind}"
        );
    }
    let tags: [Tag; 4] = [(BITS, &[8; 4]), (MEANING, &[2]), (SAMPLES, &[4]), (EXTRA, &[2])];
    assert_eq!(
        pixels([2, 1], &[10, 20, 30, 255, 1, 2, 3, 0], &tags),
        [10, 20, 30, 255, 255, 255]
    );
}

#[test]
fn floating_point_values_from_0_to_1_are_shades_and_others_are_stretched() {
    let tags: [Tag; 3] = [(BITS, &[32]), (MEANING, &[1]), (SAMPLE_FORMAT, &[3])];
    let data: Vec<u8> = [0.0f32, 0.2, 1.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(pixels([3, 1], &data, &tags), grey(&[0, 51, 255]));

    let tags: [Tag; 3] = [(BITS, &[64]), (MEANING, &[1]), (SAMPLE_FORMAT, &[3])];
    let values = [-2.0f64, -1.2, 2.0, f64::NAN];
    let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let photo = opened(&LITTLE.tiff([4, 1], &[data], &tags));
    assert_eq!(photo.rgb, grey(&[0, 51, 255, 0]));
    assert_eq!(
        photo.remarks,
        [PhotoRemark::Stretched {
            range: "-2 to 2".into()
        }]
    );

    // Signed integers are stretched too.
    let tags: [Tag; 3] = [(BITS, &[16]), (MEANING, &[1]), (SAMPLE_FORMAT, &[2])];
    let data: Vec<u8> = [-100i16, 0, 400].iter().flat_map(|v| v.to_le_bytes()).collect();
    let photo = opened(&LITTLE.tiff([3, 1], &[data], &tags));
    assert_eq!(photo.rgb, grey(&[0, 51, 255]));
    assert_eq!(
        photo.remarks,
        [PhotoRemark::Stretched {
            range: "-100 to 400".into()
        }]
    );
}

#[test]
fn planes_are_combined() {
    let tags: [Tag; 4] = [(BITS, &[8; 3]), (MEANING, &[2]), (SAMPLES, &[3]), (PLANAR, &[2])];
    let planes = [vec![1, 2, 3, 4], vec![11, 12, 13, 14], vec![21, 22, 23, 24]];
    let photo = opened(&LITTLE.tiff([2, 2], &planes, &tags));
    assert_eq!(photo.rgb, [1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24]);
}

/// Red, green, blue and near infrared, as in satellite and drone images, stored as differences.
#[test]
fn a_band_besides_the_colours_is_left_out() {
    let pixels: [[u8; 4]; 3] = [[10, 20, 30, 200], [12, 25, 28, 190], [200, 0, 50, 5]];
    let mut stored = pixels.concat();
    for i in (4..stored.len()).rev() {
        stored[i] = stored[i].wrapping_sub(stored[i - 4]);
    }
    let tags: [Tag; 5] = [
        (BITS, &[8; 4]),
        (MEANING, &[2]),
        (SAMPLES, &[4]),
        (EXTRA, &[0]),
        (PREDICTOR, &[2]),
    ];
    let photo = opened(&LITTLE.tiff([3, 1], &[stored], &tags));
    assert_eq!(photo.rgb, [10, 20, 30, 12, 25, 28, 200, 0, 50]);
    assert_eq!(photo.remarks, [PhotoRemark::BandsLeftOut { count: 1 }]);
}

#[test]
fn cmyk_is_converted_to_rgb() {
    let tags: [Tag; 3] = [(BITS, &[8; 4]), (MEANING, &[5]), (SAMPLES, &[4])];
    assert_eq!(
        pixels([3, 1], &[0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255], &tags),
        [255, 255, 255, 0, 255, 255, 0, 0, 0]
    );
}

#[test]
fn unsupported_kinds_are_reported_as_unsupported() {
    let kinds: [(&str, &[Tag]); 8] = [
        ("12 bits", &[(BITS, &[12]), (MEANING, &[1])]),
        ("L*a*b*", &[(BITS, &[8; 3]), (MEANING, &[8]), (SAMPLES, &[3])]),
        ("sensor", &[(BITS, &[16]), (MEANING, &[32_803])]),
        ("a palette of 16 bits", &[(BITS, &[16]), (MEANING, &[3])]),
        ("reverse order", &[(BITS, &[1]), (MEANING, &[0]), (FILL_ORDER, &[2])]),
        (
            "5 bands",
            &[(BITS, &[8; 5]), (MEANING, &[1]), (SAMPLES, &[5]), (EXTRA, &[0; 4])],
        ),
        (
            "chroma subsampling",
            &[(BITS, &[8; 3]), (MEANING, &[6]), (SAMPLES, &[3])],
        ),
        ("JPEG 2000", &[(BITS, &[8]), (MEANING, &[1]), (COMPRESSION, &[34_712])]),
    ];
    for (kind, tags) in kinds {
        match Photo::from_bytes(&LITTLE.tiff([2, 2], &[vec![0; 64]], tags)) {
            Err(why @ PhotoError::Unsupported { .. }) => {
                let text = why.to_string();
                assert!(text.starts_with("this TIFF is not supported ("), "{kind}: {text}");
            }
            Err(other) => panic!("{kind}: expected \"not supported\", found: {other}"),
            Ok(_) => panic!("{kind}: expected a refusal"),
        }
    }
}

#[test]
fn a_tiff_that_lacks_pixels_is_damaged() {
    let mut whole = LITTLE.tiff([4, 4], &[vec![7; 16]], &[(BITS, &[8]), (MEANING, &[1])]);
    // The strip claims to start at the end of the file.
    let entry = whole
        .windows(4)
        .position(|four| four == [17, 1, 4, 0])
        .expect("an entry");
    let end = whole.len() as u32 - 3;
    whole[entry + 8..entry + 12].copy_from_slice(&end.to_le_bytes());
    let why = Photo::from_bytes(&whole).expect_err("pixels are missing").to_string();
    assert!(why.contains("ends too early"), "{why}");
}

#[test]
fn the_header_has_size_and_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep.tif");
    let tags: [Tag; 3] = [(BITS, &[32]), (MEANING, &[1]), (SAMPLE_FORMAT, &[3])];
    let bytes = LAYOUTS[3].tiff([5, 2], &[vec![0; 40]], &tags);
    std::fs::write(&path, &bytes).expect("room");
    let header = Header::read(&path).expect("a header");
    assert_eq!((header.width, header.height), (5, 2));
    // The file, and for each of 10 values 4 bytes as stored, 1 as a grey level and 3 as RGB.
    assert_eq!(header.decoding_bytes, bytes.len() as u64 + 10 * (4 + 1 + 3));
}
