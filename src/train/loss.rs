//! Cross-entropy over upsampled logits, and its gradient, without full-size logits.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::labels::LabelMap;
use crate::numeric::Interpolation;

/// What the sum of the losses of all pixels is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossReduction {
    /// The pixels that have a class (rstrudel/segmenter).
    Labelled,
    /// All pixels (mmsegmentation, `avg_non_ignore=False`).
    All,
}

impl LossReduction {
    /// The weight of each pixel of a batch: one over the number of pixels that the loss is divided by.
    pub fn weight(self, labels: &[LabelMap], classes: usize) -> f32 {
        let labelled = |map: &LabelMap| map.ids.iter().filter(|id| usize::from(**id) < classes).count();
        let counted: usize = match self {
            Self::Labelled => labels.iter().map(labelled).sum(),
            Self::All => labels.iter().map(|map| map.ids.len()).sum(),
        };
        1.0 / counted.max(1) as f32
    }
}

/// A loss with its gradient.
#[derive(Clone, Debug)]
pub struct Loss {
    /// The weighted sum over the pixels.
    pub value: f64,
    /// Its derivative by each logit, in their order.
    pub gradient: Vec<f32>,
    /// Number of pixels that have a class, and of those whose largest logit is that of their class.
    pub pixels: [u64; 2],
}

/// Cross-entropy of logits that are resized to the size of the label maps, with its gradient.
///
/// The logits `[image, rows * columns, classes]` are resized bilinearly (half-pixel rule, as `align_corners=False`).
/// There is one label map for each image, all of one size; ids from `classes` on have no class. `weight` is the weight
/// of each pixel, see [`LossReduction::weight`].
///
/// Each row of pixels computes its own logits and passes its gradient back through the same interpolation, so that
/// nothing of the size of the images is stored.
pub fn cross_entropy(
    logits: &[f32],
    [rows, columns]: [usize; 2],
    classes: usize,
    labels: &[LabelMap],
    weight: f32,
) -> Loss {
    let per_image = rows * columns * classes;
    let images = logits.par_chunks_exact(per_image).zip(labels.par_iter());
    let parts: Vec<BandLoss> = images
        .map(|(logits, map)| {
            let bands = band_of_rows(map.height);
            let parts: Vec<BandLoss> = (0..map.height)
                .into_par_iter()
                .step_by(bands)
                .map(|top| {
                    let grid = Grid {
                        logits,
                        rows,
                        columns,
                        classes,
                    };
                    grid.band(map, top..(top + bands).min(map.height), weight)
                })
                .collect();
            parts.into_iter().reduce(BandLoss::joined).unwrap_or_default()
        })
        .collect();
    let mut loss = Loss {
        value: 0.0,
        gradient: Vec::with_capacity(logits.len()),
        pixels: [0; 2],
    };
    for part in parts {
        loss.value += part.loss * f64::from(weight);
        loss.pixels = [0, 1].map(|i| loss.pixels[i] + part.pixels[i]);
        loss.gradient.extend(part.gradient);
    }
    loss
}

/// Rows per task, so that there are few tasks and their gradients are quickly added.
fn band_of_rows(height: usize) -> usize {
    const BANDS: usize = 8;
    height.div_ceil(BANDS).max(1)
}

/// The loss of a band of rows.
#[derive(Default)]
struct BandLoss {
    loss: f64,
    gradient: Vec<f32>,
    pixels: [u64; 2],
}

impl BandLoss {
    fn joined(mut self, other: Self) -> Self {
        self.loss += other.loss;
        self.pixels = [0, 1].map(|i| self.pixels[i] + other.pixels[i]);
        for (sum, value) in self.gradient.iter_mut().zip(other.gradient) {
            *sum += value;
        }
        self
    }
}

/// The logits of an image.
struct Grid<'a> {
    logits: &'a [f32],
    rows: usize,
    columns: usize,
    classes: usize,
}

impl Grid<'_> {
    fn band(&self, map: &LabelMap, band: std::ops::Range<usize>, weight: f32) -> BandLoss {
        let pitch = self.columns * self.classes;
        let across: Vec<Interpolation> = (0..map.width)
            .map(|x| Interpolation::half_pixel(x, self.columns, map.width))
            .collect();
        let mut part = BandLoss {
            gradient: vec![0.0; self.logits.len()],
            ..BandLoss::default()
        };
        let mut line = vec![0.0; pitch];
        let mut pushed = vec![0.0; pitch];
        let mut scores = vec![0.0; self.classes];
        for y in band {
            let down = Interpolation::half_pixel(y, self.rows, map.height);
            let [above, below] = [down.low, down.high].map(|row| &self.logits[row * pitch..][..pitch]);
            for ((out, above), below) in line.iter_mut().zip(above).zip(below) {
                *out = above + (below - above) * down.weight;
            }
            pushed.fill(0.0);
            for (x, across) in across.iter().enumerate() {
                let class = usize::from(map.ids[y * map.width + x]);
                if class >= self.classes {
                    continue;
                }
                let [left, right] = [across.low, across.high].map(|column| column * self.classes);
                for (i, score) in scores.iter_mut().enumerate() {
                    *score = line[left + i] + (line[right + i] - line[left + i]) * across.weight;
                }
                let (loss, is_right) = soften(&mut scores, class);
                part.loss += f64::from(loss);
                part.pixels[0] += 1;
                part.pixels[1] += u64::from(is_right);
                for (i, score) in scores.iter().enumerate() {
                    let push = score * weight;
                    pushed[left + i] += push * (1.0 - across.weight);
                    pushed[right + i] += push * across.weight;
                }
            }
            for (row, share) in [(down.low, 1.0 - down.weight), (down.high, down.weight)] {
                let gradient = &mut part.gradient[row * pitch..][..pitch];
                for (sum, push) in gradient.iter_mut().zip(&pushed) {
                    *sum += push * share;
                }
            }
        }
        part
    }
}

/// Turns logits into the gradient of their cross-entropy with a class; returns the cross-entropy, and whether the class
/// has the largest logit.
fn soften(scores: &mut [f32], class: usize) -> (f32, bool) {
    let most = scores.iter().fold(f32::NEG_INFINITY, |most, score| most.max(*score));
    let own = scores[class];
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - most).exp();
        sum += *score;
    }
    let scale = 1.0 / sum;
    scores.iter_mut().for_each(|score| *score *= scale);
    scores[class] -= 1.0;
    (sum.ln() + most - own, own >= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(width: usize, height: usize) -> LabelMap {
        let id = |i: usize| if i % 5 == 4 { 255 } else { (i * 7 % 3) as u16 };
        LabelMap {
            width,
            height,
            ids: (0..width * height).map(id).collect(),
        }
    }

    #[test]
    fn the_gradient_matches_the_slope_of_the_loss() {
        let labels = [map(9, 7), map(9, 7)];
        let (grid, classes) = ([2, 3], 3);
        let logits: Vec<f32> = (0..2 * 6 * 3).map(|i| ((i * 37 % 23) as f32 - 11.0) / 7.0).collect();
        let loss_of = |logits: &[f32]| {
            cross_entropy(
                logits,
                grid,
                classes,
                &labels,
                LossReduction::Labelled.weight(&labels, classes),
            )
        };
        let loss = loss_of(&logits);
        for i in [0, 5, 17, 18, 30, 35] {
            let moved = |by: f32| {
                let mut logits = logits.clone();
                logits[i] += by;
                loss_of(&logits).value
            };
            let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!(
                (slope - f64::from(loss.gradient[i])).abs() < 1e-4,
                "{i}: {slope} {}",
                loss.gradient[i]
            );
        }
    }

    #[test]
    fn unlabelled_pixels_count_by_the_loss_reduction() {
        let labels = [map(10, 4)];
        let logits = vec![0.0; 4 * 3];
        let with = |loss_reduction: LossReduction| {
            cross_entropy(&logits, [2, 2], 3, &labels, loss_reduction.weight(&labels, 3))
        };
        let (labelled, all) = (with(LossReduction::Labelled), with(LossReduction::All));
        assert!((labelled.value - 3f64.ln()).abs() < 1e-6);
        assert!((all.value - 0.8 * 3f64.ln()).abs() < 1e-6);
        assert_eq!(labelled.pixels[0], 32);
    }
}
