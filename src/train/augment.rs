//! Random augmentation of images and labels, as published.

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use super::batch_step::Batch;
use crate::labels::LabelMap;
use crate::model::Normalisation;
use crate::numeric::Interpolation;
use crate::photo::Photo;

/// Id of pixels that lie outside the image, where it is smaller than the crop.
const UNLABELLED: u16 = u16::MAX;

/// Maximum share of a crop for one class; above it another crop is tried (mmseg `RandomCrop`, `cat_max_ratio`).
const MAX_OF_ONE_CLASS: f64 = 0.75;

/// Maximum number of crops to try.
const CROPS: usize = 10;

/// How training images are changed, the same in rstrudel/segmenter (`segm/data/config/*.py`) and mmsegmentation
/// (`configs/_base_/datasets/*.py`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Augmentation {
    /// Side of the crop in pixels.
    pub crop: usize,
    /// The short side in pixels to which images are resized first, at which the trained model also runs.
    pub short_side: usize,
    /// Smallest and largest random scale after resizing and before cropping.
    pub scales: [f64; 2],
    /// Whether half of the images are mirrored.
    pub flip: bool,
    /// Whether brightness, contrast, saturation and hue change at random.
    pub distort: bool,
}

impl Augmentation {
    /// Random scale 0.5 to 2 of images with this short side, crop, mirroring and photometric distortion.
    pub fn published(crop: usize, short_side: usize) -> Self {
        Self {
            crop,
            short_side,
            scales: [0.5, 2.0],
            flip: true,
            distort: true,
        }
    }

    /// An augmented image with its labels, both `crop` pixels wide and high; `classes` is the number of classes.
    pub fn apply(&self, photo: &Photo, labels: &LabelMap, classes: usize, rng: &mut Rng) -> Sample {
        let [low, high] = self.scales;
        let usual = self.short_side as f64 / photo.width.min(photo.height) as f64;
        let scale = usual * (low + rng.f64() * (high - low));
        let scaled = |side: usize| ((side as f64 * scale).round() as usize).max(1);
        let size = [scaled(photo.width), scaled(photo.height)];
        let corner = self.corner(labels, size, classes, rng);
        let mirrored = self.flip && rng.bool();
        let distortion = self.distort.then(|| Distortion::random(rng));
        if 2 * size[0] <= photo.width {
            // Reduced as in inference: without averaging, fine texture would become noise.
            let reduced = photo.resized(size[0], size[1]);
            return self.cut(&reduced, labels, size, corner, mirrored, distortion.as_ref());
        }
        self.cut(photo, labels, size, corner, mirrored, distortion.as_ref())
    }

    /// The top left corner of a crop in which no class takes too large a share, if one is found.
    fn corner(&self, labels: &LabelMap, size: [usize; 2], classes: usize, rng: &mut Rng) -> [usize; 2] {
        let mut corner = [0; 2];
        for _ in 0..CROPS {
            corner = size.map(|side| rng.usize(0..=side.saturating_sub(self.crop)));
            let mut counts = vec![0usize; classes];
            // Every fourth row and column is enough to tell.
            for y in (0..self.crop.min(size[1])).step_by(4) {
                for x in (0..self.crop.min(size[0])).step_by(4) {
                    let id = usize::from(label_at(labels, size, [corner[0] + x, corner[1] + y]));
                    if let Some(count) = counts.get_mut(id) {
                        *count += 1;
                    }
                }
            }
            let all: usize = counts.iter().sum();
            let kinds = counts.iter().filter(|count| **count > 0).count();
            let most = counts.iter().max().copied().unwrap_or(0);
            if kinds > 1 && (most as f64) < MAX_OF_ONE_CLASS * all as f64 {
                break;
            }
        }
        corner
    }

    fn cut(
        &self,
        photo: &Photo,
        labels: &LabelMap,
        size: [usize; 2],
        corner: [usize; 2],
        mirrored: bool,
        distortion: Option<&Distortion>,
    ) -> Sample {
        let crop = self.crop;
        let seen = size.map(|side| side.min(crop));
        let mut image = Photo::new(crop, crop, vec![0; 3 * crop * crop]);
        let mut map = LabelMap {
            width: crop,
            height: crop,
            ids: vec![UNLABELLED; crop * crop],
        };
        let pixels = image.rgb.as_chunks_mut::<3>().0;
        let across: Vec<Interpolation> = (0..seen[0])
            .map(|x| Interpolation::half_pixel(corner[0] + x, photo.width, size[0]))
            .collect();
        for y in 0..seen[1] {
            let down = Interpolation::half_pixel(corner[1] + y, photo.height, size[1]);
            for (x, across) in across.iter().enumerate() {
                let to = y * crop + if mirrored { seen[0] - 1 - x } else { x };
                let rgb = between(photo, across, &down);
                pixels[to] = match distortion {
                    Some(distortion) => distortion.of(rgb),
                    None => rgb.map(|v| v.round() as u8),
                };
                map.ids[to] = label_at(labels, size, [corner[0] + x, corner[1] + y]);
            }
        }
        Sample {
            image,
            labels: map,
            seen,
        }
    }
}

/// An augmented image with its labels.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The image, as large as the crop.
    pub image: Photo,
    /// Its labels.
    pub labels: LabelMap,
    /// Width and height of the image from the top left corner; the rest is padding.
    pub seen: [usize; 2],
}

/// The nearest label at a pixel of the map resized to `size`.
fn label_at(labels: &LabelMap, size: [usize; 2], at: [usize; 2]) -> u16 {
    let [x, y] = [(at[0], labels.width, size[0]), (at[1], labels.height, size[1])]
        .map(|(at, from, to)| ((at as f64 + 0.5) * from as f64 / to as f64) as usize);
    labels
        .get(x.min(labels.width - 1), y.min(labels.height - 1))
        .unwrap_or(UNLABELLED)
}

/// The colour interpolated between four pixels, 0..=255.
fn between(photo: &Photo, across: &Interpolation, down: &Interpolation) -> [f32; 3] {
    let pixel = |x: usize, y: usize| photo.pixel(x, y).unwrap_or_default().map(f32::from);
    let line = |y: usize| {
        let (left, right) = (pixel(across.low, y), pixel(across.high, y));
        [0, 1, 2].map(|c| left[c] + (right[c] - left[c]) * across.weight)
    };
    let (above, below) = (line(down.low), line(down.high));
    [0, 1, 2].map(|c| above[c] + (below[c] - above[c]) * down.weight)
}

/// Photometric distortion (mmseg `PhotoMetricDistortion`): brightness by up to 32, contrast and saturation by 0.5 to
/// 1.5, hue by up to 36 degrees, each with a probability of one half; contrast before or after saturation and hue.
struct Distortion {
    brightness: f32,
    contrast: f32,
    saturation: f32,
    /// Shift in sixths of the colour circle.
    hue: f32,
    contrast_last: bool,
}

impl Distortion {
    fn random(rng: &mut Rng) -> Self {
        let within = |usual: f32, low: f32, high: f32, rng: &mut Rng| match rng.bool() {
            true => low + rng.f32() * (high - low),
            false => usual,
        };
        Self {
            brightness: within(0.0, -32.0, 32.0, rng),
            contrast: within(1.0, 0.5, 1.5, rng),
            saturation: within(1.0, 0.5, 1.5, rng),
            hue: within(0.0, -0.6, 0.6, rng),
            contrast_last: rng.bool(),
        }
    }

    fn of(&self, rgb: [f32; 3]) -> [u8; 3] {
        let within = |v: f32| v.clamp(0.0, 255.0);
        let contrasted = |rgb: [f32; 3]| rgb.map(|v| within(v * self.contrast));
        let rgb = rgb.map(|v| within(v + self.brightness));
        let rgb = match self.contrast_last {
            true => contrasted(self.colored(rgb)),
            false => self.colored(contrasted(rgb)),
        };
        rgb.map(|v| v.round() as u8)
    }

    /// The colour with saturation and hue changed.
    fn colored(&self, rgb: [f32; 3]) -> [f32; 3] {
        let [r, g, b] = rgb;
        let (most, least) = (r.max(g).max(b), r.min(g).min(b));
        let chroma = most - least;
        if chroma <= 0.0 {
            return rgb;
        }
        let hue = if most == r {
            ((g - b) / chroma).rem_euclid(6.0)
        } else if most == g {
            (b - r) / chroma + 2.0
        } else {
            (r - g) / chroma + 4.0
        };
        let hue = (hue + self.hue).rem_euclid(6.0);
        let saturation = (chroma / most * self.saturation).min(1.0);
        let chroma = most * saturation;
        // The usual conversion back: each channel is `most` minus a share that follows from its distance on the circle.
        [5.0, 3.0, 1.0].map(|offset| {
            let place = (offset + hue).rem_euclid(6.0);
            let share = place.min(4.0 - place).clamp(0.0, 1.0);
            most - chroma * share
        })
    }
}

/// Images of one size as network input.
///
/// Padding is zero after normalisation, as it is in inference.
pub fn batch_of(samples: Vec<Sample>, normalisation: &Normalisation) -> Batch {
    let size = samples
        .first()
        .map_or([0; 2], |sample| [sample.image.width, sample.image.height]);
    let mut values = Vec::with_capacity(samples.len() * 3 * size[0] * size[1]);
    let mut labels = Vec::with_capacity(samples.len());
    for Sample {
        image,
        labels: map,
        seen,
    } in samples
    {
        let pixels = image.rgb.as_chunks::<3>().0;
        for channel in 0..3 {
            let (mean, std) = (normalisation.mean[channel], normalisation.std[channel]);
            values.extend(pixels.iter().enumerate().map(|(i, rgb)| {
                let is_seen = i % image.width < seen[0] && i / image.width < seen[1];
                let value = (f32::from(rgb[channel]) / 255.0 - mean) / std;
                if is_seen { value } else { 0.0 }
            }));
        }
        labels.push(map);
    }
    Batch { values, size, labels }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image whose red is the column and green the row, with a label for each quarter.
    fn sample() -> (Photo, LabelMap) {
        let (width, height) = (64, 48);
        let rgb = (0..width * height).flat_map(|i| [(i % width) as u8 * 3, (i / width) as u8 * 3, 0]);
        let ids =
            (0..width * height).map(|i| u16::from(i % width >= width / 2) + 2 * u16::from(i / width >= height / 2));
        let photo = Photo::new(width, height, rgb.collect());
        let map = LabelMap {
            width,
            height,
            ids: ids.collect(),
        };
        (photo, map)
    }

    #[test]
    fn image_and_labels_stay_aligned() {
        let (photo, map) = sample();
        let mut mirrored = 0;
        for seed in 0..40 {
            let augmentation = Augmentation {
                distort: false,
                ..Augmentation::published(32, 48)
            };
            let Sample {
                image: cut,
                labels,
                seen,
            } = augmentation.apply(&photo, &map, 4, &mut Rng::with_seed(seed));
            let mut wrong = 0;
            for (pixel, id) in cut.rgb.as_chunks::<3>().0.iter().zip(&labels.ids) {
                // Half of the columns are below 32 * 3, half of the rows below 24 * 3.
                let quarter = u16::from(pixel[0] >= 96) + 2 * u16::from(pixel[1] >= 72);
                // A pixel at the border may fall to either side.
                wrong += usize::from(*id != UNLABELLED && *id != quarter);
            }
            assert!(wrong < 100, "seed {seed}: {wrong}");
            let row = &cut.rgb[..3 * seen[0]];
            mirrored += usize::from(row[0] > row[3 * (seen[0] - 1)]);
        }
        assert!((8..32).contains(&mirrored), "{mirrored} of 40 are mirrored");
    }

    #[test]
    fn padding_of_a_small_image_has_no_label() {
        let (photo, map) = sample();
        let augmentation = Augmentation {
            scales: [0.5, 0.5],
            ..Augmentation::published(64, 48)
        };
        for seed in 0..4 {
            let sample = augmentation.apply(&photo, &map, 4, &mut Rng::with_seed(seed));
            assert_eq!(
                (sample.image.width, sample.labels.height, sample.seen),
                (64, 64, [32, 24])
            );
            let labelled = sample.labels.ids.iter().filter(|id| **id != UNLABELLED).count();
            assert_eq!(labelled, 32 * 24);
            let batch = batch_of(vec![sample], &Normalisation::VIT);
            assert!(batch.values[..32].iter().any(|value| *value != 0.0));
            assert!(
                batch.values[32..64].iter().all(|value| *value == 0.0),
                "padding is zero"
            );
        }
    }

    #[test]
    fn a_neutral_distortion_keeps_colours() {
        let none = Distortion {
            brightness: 0.0,
            contrast: 1.0,
            saturation: 1.0,
            hue: 0.0,
            contrast_last: false,
        };
        for rgb in [[10, 200, 30], [255, 0, 0], [0, 0, 255], [90, 90, 90], [12, 13, 240]] {
            assert_eq!(none.of(rgb.map(f32::from)), rgb);
        }
        let turned = Distortion { hue: 2.0, ..none };
        assert_eq!(turned.of([255.0, 0.0, 0.0]), [0, 255, 0]);
    }
}
