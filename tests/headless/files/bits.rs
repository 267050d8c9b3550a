//! 16-bit images that use only a few of their bits.

use image::{DynamicImage, ImageBuffer, Luma, Rgb};
use segscope::photo::{Header, OpenOptions, Photo, PhotoRemark};
use tempfile::TempDir;

use super::tagged::LAYOUTS;

const STRETCH: OpenOptions = OpenOptions { stretch: true };

#[test]
fn twelve_bits_in_a_png_are_reported_and_stretched_on_request() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("camera.png");
    let values = vec![0u16, 819, 4095, 4095, 0, 1638];
    let image: ImageBuffer<Rgb<u16>, _> = ImageBuffer::from_raw(2, 1, values).expect("an image");
    DynamicImage::ImageRgb16(image).save(&path).expect("room");

    let dark = Photo::open(&path).expect("a photo");
    assert_eq!(dark.remarks, [PhotoRemark::FewBits { bits: 12 }]);
    assert!(
        dark.remarks[0].to_string().contains("lowest 12 of its 16 bits"),
        "{}",
        dark.remarks[0]
    );
    // 4095 of 65535 is a sixteenth.
    assert_eq!(dark.rgb.iter().max(), Some(&16));

    let bright = Photo::open_with(&path, STRETCH).expect("a photo");
    assert_eq!(bright.rgb, [0, 51, 255, 255, 0, 102]);
    assert_eq!(
        bright.remarks,
        [PhotoRemark::Stretched {
            range: "0 to 4095".into()
        }]
    );

    // Two pixels with 6 bytes each as stored, and 3 as RGB.
    let header = Header::read(&path).expect("a header");
    let length = std::fs::metadata(&path).expect("a file").len();
    assert_eq!(header.decoding_bytes, length + 2 * 9);
}

#[test]
fn ten_bits_in_a_tiff_are_reported_and_stretched_on_request() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("camera.tif");
    let data = [0, 341, 1023].iter().flat_map(|value| LAYOUTS[1].number(*value, 2));
    let bytes = LAYOUTS[1].tiff([3, 1], &[data.collect()], &[(258, &[16]), (262, &[1])]);
    std::fs::write(&path, bytes).expect("room");
    let dark = Photo::open(&path).expect("a photo");
    assert_eq!(dark.remarks, [PhotoRemark::FewBits { bits: 10 }]);
    let bright = Photo::open_with(&path, STRETCH).expect("a photo");
    assert_eq!(bright.rgb, [0, 0, 0, 85, 85, 85, 255, 255, 255]);
}

#[test]
fn transparency_and_full_depth_are_not_stretched() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("full.png");
    let image: ImageBuffer<Luma<u16>, _> = ImageBuffer::from_raw(2, 1, vec![0u16, 40_000]).expect("an image");
    DynamicImage::ImageLuma16(image).save(&path).expect("room");
    let photo = Photo::open(&path).expect("a photo");
    assert!(photo.remarks.is_empty(), "{:?}", photo.remarks);
    assert_eq!(Photo::open_with(&path, STRETCH).expect("a photo"), photo);

    let path = folder.path().join("alpha.png");
    let image: ImageBuffer<image::LumaA<u16>, _> =
        ImageBuffer::from_raw(2, 1, vec![1023u16, u16::MAX, 0, 0]).expect("an image");
    DynamicImage::ImageLumaA16(image).save(&path).expect("room");
    let photo = Photo::open_with(&path, STRETCH).expect("a photo");
    assert_eq!(photo.rgb, [255; 6]);
}
