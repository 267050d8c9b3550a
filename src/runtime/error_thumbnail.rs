//! A small image of where a prediction is wrong.

use crate::labels::LabelMap;
use crate::photo::Photo;

/// Longest side in pixels.
const SIDE: usize = 144;

/// Colour of errors.
const ERROR: [u8; 3] = [255, 104, 92];

/// How colourful and how light the photo is below the errors.
const SATURATION: f32 = 0.3;
const LIGHT: f32 = 0.55;

/// Weights of the lightness of sRGB values (Rec. 709).
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// Draws the photo muted and reduced, with its wrong pixels in red. Pixels whose true class is not below `classes` are
/// neither right nor wrong. Every pixel shows one pixel of the photo: a mean would hide thin errors.
pub(super) fn error_thumbnail(photo: &Photo, predicted: &LabelMap, truth: &LabelMap, classes: usize) -> Photo {
    let longest = photo.width.max(photo.height).max(1);
    let scaled = |side: usize| (side * SIDE.min(longest)).div_ceil(longest).max(1);
    let (width, height) = (scaled(photo.width), scaled(photo.height));
    let mut rgb = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        for x in 0..width {
            let at = |i: usize, side: usize, of: usize| (2 * i + 1) * of / (2 * side);
            let (x, y) = (at(x, width, photo.width), at(y, height, photo.height));
            let is_wrong = match (predicted.get(x, y), truth.get(x, y)) {
                (Some(predicted), Some(truth)) => usize::from(truth) < classes && predicted != truth,
                _ => false,
            };
            let color = match is_wrong {
                true => ERROR,
                false => muted(photo.pixel(x, y).unwrap_or_default()),
            };
            rgb.extend(color);
        }
    }
    Photo::new(width, height, rgb)
}

fn muted(color: [u8; 3]) -> [u8; 3] {
    let color = color.map(f32::from);
    let grey: f32 = color.iter().zip(LUMA).map(|(v, weight)| v * weight).sum();
    color.map(|v| ((grey + (v - grey) * SATURATION) * LIGHT) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_pixels_are_red_and_others_muted() {
        let (width, height) = (600, 300);
        let photo = Photo::new(width, height, vec![200; 3 * width * height]);
        let map = |of: &dyn Fn(usize) -> u16| LabelMap {
            width,
            height,
            ids: (0..width * height).map(|i| of(i % width)).collect(),
        };
        // Wrong in the left third; without a class in the right third.
        let truth = map(&|x| if x < 400 { 1 } else { 255 });
        let predicted = map(&|x| if x < 200 { 0 } else { 1 });
        let drawn = error_thumbnail(&photo, &predicted, &truth, 11);
        assert_eq!([drawn.width, drawn.height], [144, 72]);
        assert_eq!(drawn.pixel(10, 40), Some(ERROR));
        assert_eq!(drawn.pixel(70, 40), Some([110; 3]));
        assert_eq!(drawn.pixel(140, 40), Some([110; 3]));
    }
}
