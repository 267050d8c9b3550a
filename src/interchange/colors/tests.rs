//! Label images of other programs, whole and damaged.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType, ImageFormat, RgbImage};
use png::{BitDepth, ColorType, Encoder};

use super::*;
use crate::interchange::{LabelClass, sample};

/// Colours of CamVid, of which some are alike.
const COLORS: [[u8; 3]; 11] = [
    [128, 128, 128],
    [128, 0, 0],
    [192, 192, 128],
    [128, 64, 128],
    [0, 0, 192],
    [128, 128, 0],
    [192, 128, 128],
    [64, 64, 128],
    [64, 0, 128],
    [64, 64, 0],
    [0, 128, 192],
];

fn classes(colors: &[[u8; 3]]) -> LabelClasses {
    let class = |(id, color): (u16, &[u8; 3])| LabelClass {
        id,
        name: format!("class {id}"),
        color: *color,
    };
    (0..).zip(colors).map(class).collect()
}

/// A PNG of these bytes, packed as the kind says.
fn png(kind: ColorType, bits: BitDepth, [width, height]: [u32; 2], palette: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(kind);
    encoder.set_depth(bits);
    if !palette.is_empty() {
        encoder.set_palette(palette.to_vec());
    }
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(data).expect("pixels");
    writer.finish().expect("a file");
    bytes
}

/// Resolves a single image.
fn resolved(bytes: &[u8], classes: &LabelClasses) -> Result<(LabelMap, Repairs, Meanings), String> {
    let resolver = Resolver::new(classes, None);
    let samples = Samples::of(bytes)?;
    let mut survey = Survey::default();
    resolver.survey(&samples, &mut survey);
    let meanings = resolver.decide(&survey)?;
    let (labels, repairs) = resolver.resolve(&samples, &meanings)?;
    Ok((labels, repairs, meanings))
}

fn ids(bytes: &[u8], classes: &LabelClasses) -> Vec<u16> {
    resolved(bytes, classes).expect("a map").0.ids
}

/// Ellipses of all classes over each other, as in a photo of things.
fn blobs(size: [usize; 2], count: u16, seed: u64) -> LabelMap {
    let mut random = fastrand::Rng::with_seed(seed);
    let [width, height] = size;
    let mut ids = vec![0; width * height];
    for number in 0..count * 4 {
        let [x, y] = [random.usize(..width) as f32, random.usize(..height) as f32];
        let [a, b] = [(); 2].map(|()| (0.03 + 0.15 * random.f32()) * width as f32);
        let (sine, cosine) = (random.f32() * 3.2).sin_cos();
        for (at, id) in ids.iter_mut().enumerate() {
            let [across, down] = [(at % width) as f32 - x, (at / width) as f32 - y];
            let [along, aside] = [across * cosine + down * sine, down * cosine - across * sine];
            if (along / a).powi(2) + (aside / b).powi(2) < 1.0 {
                *id = number % count;
            }
        }
    }
    LabelMap { width, height, ids }
}

fn painted(map: &LabelMap) -> RgbImage {
    let colors = map.ids.iter().flat_map(|id| COLORS[usize::from(*id)]).collect();
    RgbImage::from_raw(map.width as u32, map.height as u32, colors).expect("an image")
}

fn saved(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).expect("a file");
    bytes.into_inner()
}

/// A JPEG. The encoder keeps the chroma of each pixel; `halved` averages it over squares of two pixels before, as 4:2:0
/// does.
fn jpeg(image: &RgbImage, quality: u8, halved: bool) -> Vec<u8> {
    let mut image = image.clone();
    if halved {
        let chroma = |[r, g, b]: [u8; 3]| {
            let [r, g, b] = [r, g, b].map(f32::from);
            let luma = 0.299 * r + 0.587 * g + 0.114 * b;
            [luma, (b - luma) / 1.772, (r - luma) / 1.402]
        };
        let before = image.clone();
        for (x, y, pixel) in image.enumerate_pixels_mut() {
            let square = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(right, down)| {
                let [column, row] = [
                    (x / 2 * 2 + right).min(before.width() - 1),
                    (y / 2 * 2 + down).min(before.height() - 1),
                ];
                chroma(before.get_pixel(column, row).0)
            });
            let [blue, red] = [1, 2].map(|part: usize| square.iter().map(|color| color[part]).sum::<f32>() / 4.0);
            let [luma, _, _] = chroma(pixel.0);
            let green = luma - (0.114 * 1.772 * blue + 0.299 * 1.402 * red) / 0.587;
            pixel.0 = [luma + 1.402 * red, green, luma + 1.772 * blue].map(|part| part.round() as u8);
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    encoder
        .encode(&image, image.width(), image.height(), ExtendedColorType::Rgb8)
        .expect("a file");
    bytes
}

/// Twice as large with linear interpolation, as OpenCV does it.
fn doubled(image: &RgbImage) -> RgbImage {
    let [width, height] = [image.width(), image.height()];
    RgbImage::from_fn(2 * width, 2 * height, |x, y| {
        let near = |at: u32, size: u32| [at / 2, (at / 2 + at % 2 * 2).saturating_sub(1).min(size - 1)];
        let ([own_x, other_x], [own_y, other_y]) = (near(x, width), near(y, height));
        let all = [
            (own_x, own_y, 9),
            (other_x, own_y, 3),
            (own_x, other_y, 3),
            (other_x, other_y, 1),
        ];
        image::Rgb([0, 1, 2].map(|channel: usize| {
            let sum: u32 = all
                .iter()
                .map(|(x, y, part)| part * u32::from(image.get_pixel(*x, *y).0[channel]))
                .sum();
            ((sum + 8) / 16) as u8
        }))
    })
}

/// Half as large, the mean of each square of two pixels.
fn halved(image: &RgbImage) -> RgbImage {
    RgbImage::from_fn(image.width() / 2, image.height() / 2, |x, y| {
        image::Rgb([0, 1, 2].map(|channel: usize| {
            let all = [(0, 0), (1, 0), (0, 1), (1, 1)];
            let sum: u32 = all
                .iter()
                .map(|(a, b)| u32::from(image.get_pixel(2 * x + a, 2 * y + b).0[channel]))
                .sum();
            ((sum + 2) / 4) as u8
        }))
    })
}

/// Share of pixels with the expected class, and whether the report counts each pixel once.
fn share(labels: &LabelMap, expected: impl Fn(usize, u16) -> bool) -> f64 {
    let right = labels
        .ids
        .iter()
        .enumerate()
        .filter(|(at, id)| expected(*at, **id))
        .count();
    right as f64 / labels.ids.len() as f64
}

fn counted(repairs: &Repairs) -> u64 {
    repairs.exact + repairs.nearest + repairs.blended + repairs.left_pixels
}

#[test]
fn ids_of_every_depth_are_not_scaled() {
    let set = classes(&COLORS);
    let grey = |bits, data: &[u8]| png(ColorType::Grayscale, bits, [4, 1], &[], data);
    assert_eq!(ids(&grey(BitDepth::One, &[0b0110_0000]), &set), [0, 1, 1, 0]);
    assert_eq!(ids(&grey(BitDepth::Two, &[0b0001_1011]), &set), [0, 1, 2, 3]);
    assert_eq!(ids(&grey(BitDepth::Four, &[0x01, 0x9a]), &set), [0, 1, 9, 10]);
    assert_eq!(
        ids(&grey(BitDepth::Eight, &[0, 1, 10, 255]), &set),
        [0, 1, 10, UNLABELLED]
    );
    let wide = [0, 0, 0, 10, 0xff, 0xff, 0, 1];
    assert_eq!(ids(&grey(BitDepth::Sixteen, &wide), &set), [0, 10, UNLABELLED, 1]);
    let alpha = png(ColorType::GrayscaleAlpha, BitDepth::Eight, [2, 1], &[], &[3, 255, 4, 0]);
    let (labels, repairs, _) = resolved(&alpha, &set).expect("a map");
    assert_eq!((labels.ids, repairs.translucent), (vec![3, 4], 1));
    let alpha = png(
        ColorType::GrayscaleAlpha,
        BitDepth::Sixteen,
        [2, 1],
        &[],
        &[0, 3, 255, 255, 0, 4, 255, 255],
    );
    assert_eq!(ids(&alpha, &set), [3, 4]);
}

#[test]
fn palettes_are_ids_unless_their_colours_say_otherwise() {
    let set = classes(&COLORS);
    let any: Vec<u8> = (0..33).map(|part| part * 5).collect();
    let indexed = |bits, palette: &[u8], data: &[u8]| png(ColorType::Indexed, bits, [4, 1], palette, data);
    assert_eq!(
        ids(&indexed(BitDepth::Two, &any[..12], &[0b0001_1011]), &set),
        [0, 1, 2, 3]
    );
    assert_eq!(
        ids(&indexed(BitDepth::One, &any[..6], &[0b0110_0000]), &set),
        [0, 1, 1, 0]
    );
    assert_eq!(ids(&indexed(BitDepth::Four, &any, &[0x01, 0x9a]), &set), [0, 1, 9, 10]);
    // The palette ends before the value of unlabelled pixels.
    assert_eq!(
        ids(&indexed(BitDepth::Eight, &any, &[0, 1, 10, 255]), &set),
        [0, 1, 10, UNLABELLED]
    );
    // An editor has sorted the palette.
    let sorted = [COLORS[4], COLORS[9], COLORS[1]].concat();
    let (labels, _, meanings) = resolved(&indexed(BitDepth::Eight, &sorted, &[0, 1, 2, 2]), &set).expect("a map");
    assert_eq!(labels.ids, [4, 9, 1, 1]);
    assert!(meanings.remarks()[0].contains("an editor"), "{:?}", meanings.remarks());
    // Places beyond the classes.
    let many: Vec<u8> = [vec![0; 60], COLORS[3].to_vec()].concat();
    assert_eq!(ids(&indexed(BitDepth::Eight, &many, &[20; 4]), &set), [3; 4]);
}

#[test]
fn colours_of_every_depth_are_classes() {
    let set = classes(&COLORS);
    let [a, b] = [COLORS[2], COLORS[10]];
    assert_eq!(
        ids(
            &png(ColorType::Rgb, BitDepth::Eight, [2, 1], &[], &[a, b].concat()),
            &set
        ),
        [2, 10]
    );
    let alpha: Vec<u8> = [a.to_vec(), vec![255], b.to_vec(), vec![7]].concat();
    let (labels, repairs, _) =
        resolved(&png(ColorType::Rgba, BitDepth::Eight, [2, 1], &[], &alpha), &set).expect("a map");
    assert_eq!((labels.ids, repairs.translucent), (vec![2, 10], 1));
    let wide: Vec<u8> = [a, b].concat().iter().flat_map(|value| [*value; 2]).collect();
    let (labels, repairs, _) =
        resolved(&png(ColorType::Rgb, BitDepth::Sixteen, [2, 1], &[], &wide), &set).expect("a map");
    assert_eq!((labels.ids, repairs.none()), (vec![2, 10], true));
    let map = blobs([40, 30], 11, 1);
    for format in [ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Png] {
        let (labels, repairs, _) = resolved(&saved(painted(&map), format), &set).expect("a map");
        assert_eq!((labels, repairs.none()), (map.clone(), true), "{format:?}");
    }
}

#[test]
fn spread_levels_and_single_channels_are_ids() {
    let grey = |data: &[u8]| png(ColorType::Grayscale, BitDepth::Eight, [data.len() as u32, 1], &[], data);
    let (labels, _, meanings) = resolved(&grey(&[0, 51, 204, 255]), &classes(&COLORS[..6])).expect("a map");
    assert_eq!(labels.ids, [0, 1, 4, 5]);
    assert!(
        meanings.remarks()[0].contains("51 for class 1"),
        "{:?}",
        meanings.remarks()
    );
    // Rounded, and a mask of black and white.
    assert_eq!(ids(&grey(&[0, 64, 128, 191]), &classes(&COLORS[..5])), [0, 1, 2, 3]);
    assert_eq!(ids(&grey(&[0, 255]), &classes(&COLORS[..2])), [0, 1]);
    assert_eq!(ids(&grey(&[0, 85, 170]), &classes(&COLORS[..4])), [0, 1, 2]);
    let wide = png(
        ColorType::Grayscale,
        BitDepth::Sixteen,
        [3, 1],
        &[],
        &[0, 0, 51, 51, 255, 255],
    );
    assert_eq!(ids(&wide, &classes(&COLORS[..6])), [0, 1, 5]);
    let alike = png(ColorType::Rgb, BitDepth::Eight, [2, 1], &[], &[3, 3, 3, 5, 5, 5]);
    assert_eq!(ids(&alike, &classes(&COLORS)), [3, 5]);
    let red = png(ColorType::Rgb, BitDepth::Eight, [2, 1], &[], &[3, 0, 0, 5, 0, 0]);
    assert_eq!(ids(&red, &classes(&COLORS)), [3, 5]);
    let why = resolved(&grey(&[0, 77]), &classes(&COLORS)).expect_err("no id");
    assert!(why.contains("0, 77"), "{why}");
    // Classes of grey colours.
    assert_eq!(ids(&grey(&[200, 100, 200]), &classes(&[[100; 3], [200; 3]])), [1, 0, 1]);
}

#[test]
fn a_gap_in_the_ids_is_left_and_counted() {
    let set = sample::classes();
    let grey = png(ColorType::Grayscale, BitDepth::Eight, [4, 1], &[], &[1, 2, 200, 2]);
    let (labels, repairs, _) = resolved(&grey, &set).expect("a map");
    assert_eq!(labels.ids, [1, UNLABELLED, 200, UNLABELLED]);
    assert_eq!(
        (repairs.unknown.clone(), repairs.left_pixels, repairs.exact),
        (vec![(2, 2)], 2, 2)
    );
    assert!(repairs.sentence("a").expect("a sentence").contains("value 2 (2)"));
}

#[test]
fn resized_labels_are_recovered() {
    for count in [5, 8, 11] {
        let map = blobs([320, 240], count, u64::from(count));
        let set = classes(&COLORS[..usize::from(count)]);
        let (labels, repairs, _) = resolved(&saved(doubled(&painted(&map)), ImageFormat::Png), &set).expect("a map");
        let original = |at: usize| map.ids[at / 640 / 2 * 320 + at % 640 / 2];
        let up = share(&labels, |at, id| original(at) == id);
        println!(
            "{count} classes, twice as large: {:.3} %, {}",
            up * 100.0,
            repairs.sentence("it").unwrap_or_default()
        );
        assert_eq!(counted(&repairs), 640 * 480);

        let large = blobs([640, 480], count, u64::from(count));
        let (labels, repairs, _) = resolved(&saved(halved(&painted(&large)), ImageFormat::Png), &set).expect("a map");
        let square = |at: usize| [0, 1, 640, 641].map(|next| large.ids[at / 320 * 1280 + at % 320 * 2 + next]);
        let most = |at: usize, id: u16| {
            let count = |id: u16| square(at).iter().filter(|other| **other == id).count();
            square(at).iter().all(|other| count(*other) <= count(id)) && count(id) > 0
        };
        let down = share(&labels, most);
        let first = share(&labels, |at, id| square(at)[0] == id);
        println!(
            "{count} classes, half as large: {:.3} % (of the first of four {:.3} %), {}",
            down * 100.0,
            first * 100.0,
            repairs.sentence("it").unwrap_or_default()
        );
        assert_eq!(counted(&repairs), 320 * 240);
        assert!(up >= 0.995 && down >= 0.995, "{count}: {up} {down}");
    }
}

#[test]
fn jpeg_labels_are_recovered_with_a_warning() {
    let mut shares = Vec::new();
    for count in [5, 8, 11] {
        let map = blobs([640, 480], count, u64::from(count));
        let set = classes(&COLORS[..usize::from(count)]);
        for (quality, halved) in [(90, false), (75, false), (90, true), (75, true)] {
            let bytes = jpeg(&painted(&map), quality, halved);
            let (labels, repairs, _) = resolved(&bytes, &set).expect("a map");
            let share = share(&labels, |at, id| map.ids[at] == id);
            println!(
                "{count} classes, JPEG {quality}{}: {:.3} %, {}",
                if halved { " 4:2:0" } else { "" },
                share * 100.0,
                repairs.sentence("it").unwrap_or_default()
            );
            assert_eq!(counted(&repairs), 640 * 480);
            assert!(repairs.lossy);
            shares.push(share);
        }
    }
    assert!(shares.iter().all(|share| *share >= 0.995), "{shares:?}");
}

#[test]
fn an_unknown_area_is_left() {
    let map = blobs([100, 80], 6, 3);
    let (labels, repairs, _) =
        resolved(&saved(painted(&map), ImageFormat::Png), &classes(&COLORS[..5])).expect("a map");
    let unknown = map.ids.iter().filter(|id| **id == 5).count() as u64;
    assert!(unknown > 0);
    assert_eq!(repairs.left, [(COLORS[5], unknown)]);
    let kept = |(id, label): (&u16, &u16)| if *id == 5 { *label == UNLABELLED } else { id == label };
    assert!(map.ids.iter().zip(&labels.ids).all(kept));
    let why = resolved(&saved(painted(&map), ImageFormat::Png), &classes(&[[250, 3, 7]])).expect_err("other colours");
    assert!(
        why.starts_with("expected colours of the classes, found them in 0 of 8000 pixels"),
        "{why}"
    );
}

#[test]
fn a_photo_is_no_label() {
    let mut random = fastrand::Rng::with_seed(6);
    let noise = RgbImage::from_fn(200, 100, |x, _| {
        image::Rgb(if x < 9 {
            COLORS[0]
        } else {
            [(); 3].map(|()| random.u8(..))
        })
    });
    let why = resolved(&saved(noise.clone(), ImageFormat::Png), &classes(&COLORS)).expect_err("a photo");
    assert!(why.contains("as in a photo"), "{why}");
    let why = resolved(&jpeg(&noise, 90, false), &classes(&COLORS[..2])).expect_err("a photo");
    assert!(why.starts_with("expected colours of the classes"), "{why}");
}

#[test]
fn an_edge_in_the_colour_of_a_third_class_is_flagged() {
    let set = classes(&[[0, 0, 0], [200, 0, 0], [100, 0, 0]]);
    let column = |x: u32| [[0; 3], [0; 3], [0; 3], [100, 0, 0], [200, 0, 0], [202, 0, 0]][x as usize];
    let image = RgbImage::from_fn(6, 9, |x, _| image::Rgb(column(x)));
    let (labels, repairs, _) = resolved(&saved(image, ImageFormat::Png), &set).expect("a map");
    assert_eq!(labels.ids[..6], [0, 0, 0, 2, 1, 1]);
    assert_eq!(repairs.thin, [(2, 9)]);
}

#[test]
fn two_classes_of_one_colour_are_refused_where_they_occur() {
    let set = classes(&[[9, 0, 0], [9, 0, 0], [200, 0, 0]]);
    let image = |color| saved(RgbImage::from_pixel(4, 4, image::Rgb(color)), ImageFormat::Png);
    let why = resolved(&image([9, 0, 0]), &set).expect_err("two classes");
    assert!(why.contains("class 0 and class 1"), "{why}");
    assert_eq!(ids(&image([200, 0, 0]), &set), [2; 16]);
    assert!(
        Resolver::new(&set, None)
            .remark()
            .is_some_and(|text| text.contains("class 0, class 1"))
    );
}

#[test]
fn damaged_files_give_a_sentence() {
    let set = classes(&COLORS);
    let map = blobs([64, 48], 11, 5);
    let whole = saved(painted(&map), ImageFormat::Png);
    let mut huge = whole.clone();
    huge[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    let sum = crc32fast::hash(&huge[12..29]).to_be_bytes();
    huge[29..33].copy_from_slice(&sum);
    let why = resolved(&huge, &set).expect_err("a huge header");
    assert!(why.contains("limits"), "{why}");
    huge[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    let sum = crc32fast::hash(&huge[12..29]).to_be_bytes();
    huge[29..33].copy_from_slice(&sum);
    let why = resolved(&huge, &set).expect_err("a large header");
    assert!(why.contains("30000 x 30000"), "{why}");
    // Within the limit, but the data are missing: no memory for what is not there.
    huge[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
    let sum = crc32fast::hash(&huge[12..29]).to_be_bytes();
    huge[29..33].copy_from_slice(&sum);
    assert!(resolved(&huge, &set).is_err());
    let lossy = jpeg(&painted(&map), 90, false);
    let bitmap = saved(painted(&map), ImageFormat::Bmp);
    let web = saved(painted(&map), ImageFormat::WebP);
    for file in [&whole, &lossy, &bitmap, &web] {
        for part in [1, 2, 3, 5, 8, 13, 21, 60, 99] {
            let end = file.len() * part / 100;
            let found = resolved(&file[..end], &set);
            assert!(
                found.as_ref().is_err_and(|why| why.len() > 20),
                "{end} of {}: {found:?}",
                file.len()
            );
        }
        let mut random = fastrand::Rng::with_seed(8);
        for _ in 0..200 {
            let mut broken = (*file).clone();
            for _ in 0..random.usize(1..6) {
                let at = random.usize(..broken.len());
                broken[at] = random.u8(..);
            }
            // Any answer but a panic.
            let _ = resolved(&broken, &set);
        }
    }
    assert!(resolved(b"GIF89a", &set).is_err());
}

#[test]
#[ignore = "measures time: run it alone, in release"]
fn twelve_megapixels_take_less_than_a_second() {
    let map = blobs([4000, 3000], 11, 4);
    let set = classes(&COLORS);
    let resolver = Resolver::new(&set, None);
    let whole = painted(&map);
    let resized = doubled(&painted(&blobs([2000, 1500], 11, 4)));
    let files = [
        ("whole", saved(whole.clone(), ImageFormat::Png)),
        ("resized", saved(resized, ImageFormat::Png)),
        ("JPEG", jpeg(&whole, 75, true)),
    ];
    for (name, bytes) in files {
        let start = std::time::Instant::now();
        let samples = Samples::of(&bytes).expect("samples");
        let read = start.elapsed();
        resolver.resolve(&samples, &Meanings::default()).expect("a map");
        println!("{name}: read in {read:?}, all in {:?}", start.elapsed());
        assert!(start.elapsed().as_secs() < 1, "{name}");
    }
}
