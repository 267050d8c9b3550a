//! Refined edges: class probabilities that follow the edges of the photo.
//!
//! A guided filter (He, Sun and Tang, "Guided image filtering", 2013, with a colour guide, section 3.5) over the
//! probability of each class, with the photo as the guide. It is computed on a reduced copy, and its linear coefficients
//! are applied at full size ("Fast guided filter", arXiv 1505.00996).

use rayon::prelude::*;

use super::label_pass::Labels;
use super::window_logits::WindowLogits;
use crate::labels::LabelMap;
use crate::numeric::Interpolation;
use crate::photo::Photo;

/// Radius of the boxes in pixels of the reduced copy, and the regulariser for values of 0..=1: of 4 to 24 pixels, 12 gave
/// the highest mIoU on photos of 360 pixels' height.
const RADIUS: usize = 12;
const EPSILON: f32 = 1e-3;

/// Short side of the reduced copy.
const SHORT_SIDE: usize = 384;

/// A class is left out where its probability is nowhere higher: it cannot win.
const LEAST: f32 = 0.02;

/// Most probabilities of the reduced copy, of all classes together, at 8 bytes each.
const MOST_VALUES: usize = 1 << 25;

/// Labels of a photo with refined edges.
///
/// `None` for a model whose one class is chosen by a threshold: the filter keeps no probability above it.
pub(super) fn refined(fields: &[WindowLogits], photo: &Photo) -> Option<Labels> {
    let classes = fields.first()?.classes;
    if fields.iter().any(|field| field.threshold.is_some()) || classes < 2 {
        return None;
    }
    let short = photo.width.min(photo.height) as f64;
    let pixels = (photo.width * photo.height) as f64;
    let by_memory = (MOST_VALUES as f64 / classes as f64 / pixels).sqrt();
    let factor = (SHORT_SIDE as f64 / short).min(by_memory).min(1.0);
    let reduced = |side: usize| ((side as f64 * factor).round() as usize).max(1);
    let size = [reduced(photo.width), reduced(photo.height)];
    let guide = match size == [photo.width, photo.height] {
        true => Guide::of(photo),
        false => Guide::of(&photo.resized(size[0], size[1])),
    };
    let planes = probabilities(fields, size, classes);
    // With many classes even the most probable one may be improbable.
    let least = LEAST.min(1.0 / classes as f32);
    let is_possible = |class: &u16| planes[usize::from(*class)].iter().any(|value| *value >= least);
    let possible: Vec<u16> = (0..classes as u16).filter(is_possible).collect();
    if possible.is_empty() {
        return None;
    }
    let coefficients: Vec<[Vec<f32>; 4]> = possible
        .par_iter()
        .map(|class| guide.coefficients(&planes[usize::from(*class)]))
        .collect();
    drop(planes);
    Some(labels(photo, size, &possible, &coefficients))
}

/// The probabilities of each class as planes of a size: softmax, mean over the passes.
fn probabilities(fields: &[WindowLogits], size: [usize; 2], classes: usize) -> Vec<Vec<f32>> {
    let [width, height] = size;
    let rows: Vec<Vec<f32>> = (0..height)
        .into_par_iter()
        .map(|y| {
            let mut row = vec![0.0; width * classes];
            for (x, pixel) in row.chunks_exact_mut(classes).enumerate() {
                super::mean_probabilities(fields, [x, y], size, pixel);
            }
            row
        })
        .collect();
    (0..classes)
        .into_par_iter()
        .map(|class| {
            let of_row = |row: &Vec<f32>| -> Vec<f32> { row.iter().skip(class).step_by(classes).copied().collect() };
            rows.iter().flat_map(of_row).collect()
        })
        .collect()
}

/// The guide, and what the filter needs of it.
struct Guide {
    size: [usize; 2],
    /// Red, green and blue, 0..=1.
    colors: [Vec<f32>; 3],
    means: [Vec<f32>; 3],
    /// The inverse of the covariance plus the regulariser: rr, rg, rb, gg, gb, bb.
    inverse: [Vec<f32>; 6],
}

/// Pairs of colours, in the order of [`Guide::inverse`].
const PAIRS: [[usize; 2]; 6] = [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2]];

impl Guide {
    fn of(photo: &Photo) -> Self {
        let size = [photo.width, photo.height];
        let pixels = photo.rgb.as_chunks::<3>().0;
        let colors = [0, 1, 2].map(|c| {
            pixels
                .iter()
                .map(|pixel| f32::from(pixel[c]) / 255.0)
                .collect::<Vec<f32>>()
        });
        let means = colors.each_ref().map(|plane| box_mean(plane, size));
        let covariance: Vec<Vec<f32>> = PAIRS
            .par_iter()
            .map(|[a, b]| {
                let products: Vec<f32> = colors[*a].iter().zip(&colors[*b]).map(|(a, b)| a * b).collect();
                let mut mean = box_mean(&products, size);
                for ((value, a), b) in mean.iter_mut().zip(&means[*a]).zip(&means[*b]) {
                    *value -= a * b;
                }
                mean
            })
            .collect();
        let count = size[0] * size[1];
        let mut inverse: [Vec<f32>; 6] = std::array::from_fn(|_| vec![0.0; count]);
        for i in 0..count {
            let at = |pair: usize| f64::from(covariance[pair][i]);
            let regular = f64::from(EPSILON);
            let (rr, gg, bb) = (at(0) + regular, at(3) + regular, at(5) + regular);
            let (rg, rb, gb) = (at(1), at(2), at(4));
            let cofactors = [
                gg * bb - gb * gb,
                rb * gb - rg * bb,
                rg * gb - rb * gg,
                rr * bb - rb * rb,
                rg * rb - rr * gb,
                rr * gg - rg * rg,
            ];
            let determinant = rr * cofactors[0] + rg * cofactors[1] + rb * cofactors[2];
            for (plane, cofactor) in inverse.iter_mut().zip(cofactors) {
                plane[i] = (cofactor / determinant) as f32;
            }
        }
        Self {
            size,
            colors,
            means,
            inverse,
        }
    }

    /// The coefficients of a plane, averaged over the boxes: the filtered value is their product with the colour plus
    /// the last one.
    fn coefficients(&self, plane: &[f32]) -> [Vec<f32>; 4] {
        let mean = box_mean(plane, self.size);
        let covariance: [Vec<f32>; 3] = [0, 1, 2].map(|c| {
            let products: Vec<f32> = self.colors[c]
                .iter()
                .zip(plane)
                .map(|(color, value)| color * value)
                .collect();
            let mut covariance = box_mean(&products, self.size);
            for ((value, color), mean) in covariance.iter_mut().zip(&self.means[c]).zip(&mean) {
                *value -= color * mean;
            }
            covariance
        });
        let mut out: [Vec<f32>; 4] = std::array::from_fn(|_| vec![0.0; plane.len()]);
        for i in 0..plane.len() {
            let [rr, rg, rb, gg, gb, bb] = self.inverse.each_ref().map(|plane| plane[i]);
            let [r, g, b] = covariance.each_ref().map(|plane| plane[i]);
            let slope = [
                rr * r + rg * g + rb * b,
                rg * r + gg * g + gb * b,
                rb * r + gb * g + bb * b,
            ];
            let at_mean: f32 = slope.iter().zip(&self.means).map(|(slope, mean)| slope * mean[i]).sum();
            for (plane, slope) in out.iter_mut().zip(slope) {
                plane[i] = slope;
            }
            out[3][i] = mean[i] - at_mean;
        }
        out.map(|plane| box_mean(&plane, self.size))
    }
}

/// The mean over a box around each value; beyond the border the values are reflected.
fn box_mean(plane: &[f32], [width, height]: [usize; 2]) -> Vec<f32> {
    let mut across = vec![0.0; plane.len()];
    for (out, row) in across.chunks_exact_mut(width).zip(plane.chunks_exact(width)) {
        line_mean(width, |i| row[i], |i, mean| out[i] = mean);
    }
    let mut out = vec![0.0; plane.len()];
    // Running sums of whole rows, so that memory is read in its order.
    let mut sums = vec![0.0f64; width];
    let reach = RADIUS as isize;
    let row = |y: isize| &across[reflected(y, height) * width..][..width];
    for y in -reach..=reach {
        sums.iter_mut()
            .zip(row(y))
            .for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let share = 1.0 / (2 * RADIUS + 1) as f64;
    for (y, out) in out.chunks_exact_mut(width).enumerate() {
        out.iter_mut()
            .zip(&sums)
            .for_each(|(out, sum)| *out = (sum * share) as f32);
        let (leaves, enters) = (row(y as isize - reach), row(y as isize + reach + 1));
        for ((sum, leaves), enters) in sums.iter_mut().zip(leaves).zip(enters) {
            *sum += f64::from(*enters) - f64::from(*leaves);
        }
    }
    out
}

fn line_mean(length: usize, value: impl Fn(usize) -> f32, mut set: impl FnMut(usize, f32)) {
    let reach = RADIUS as isize;
    let at = |i: isize| f64::from(value(reflected(i, length)));
    let mut sum: f64 = (-reach..=reach).map(at).sum();
    let share = 1.0 / (2 * RADIUS + 1) as f64;
    for i in 0..length {
        set(i, (sum * share) as f32);
        sum += at(i as isize + reach + 1) - at(i as isize - reach);
    }
}

/// The index of a value beyond the border, reflected at its edge.
fn reflected(at: isize, length: usize) -> usize {
    let period = 2 * length as isize;
    let at = at.rem_euclid(period);
    (if at < length as isize { at } else { period - 1 - at }) as usize
}

/// The labels at full size: the class with the largest filtered value, its share of all as confidence.
fn labels(photo: &Photo, size: [usize; 2], possible: &[u16], coefficients: &[[Vec<f32>; 4]]) -> Labels {
    let (width, height) = (photo.width, photo.height);
    let columns: Vec<Interpolation> = (0..width)
        .map(|x| Interpolation::half_pixel(x, size[0], width))
        .collect();
    let mut ids = vec![0u16; width * height];
    let (mut confidence, mut margin) = (ids.clone(), ids.clone());
    let rows = ids
        .par_chunks_exact_mut(width)
        .zip(confidence.par_chunks_exact_mut(width))
        .zip(margin.par_chunks_exact_mut(width));
    rows.enumerate().for_each(|(y, ((ids, confidence), margin))| {
        let row = Interpolation::half_pixel(y, size[1], height);
        let colors = photo.rgb[3 * y * width..][..3 * width].as_chunks::<3>().0;
        let mut best = vec![[f32::NEG_INFINITY, 0.0, 0.0]; width];
        for (class, planes) in possible.iter().zip(coefficients) {
            let lines = planes.each_ref().map(|plane| between_rows(plane, size[0], &row));
            for (x, column) in columns.iter().enumerate() {
                let [r, g, b, offset] = lines
                    .each_ref()
                    .map(|line| line[column.low] + (line[column.high] - line[column.low]) * column.weight);
                let [red, green, blue] = colors[x].map(|value| f32::from(value) / 255.0);
                let value = (r * red + g * green + b * blue + offset).max(0.0);
                let [first, second, sum] = &mut best[x];
                *sum += value;
                if value > *first {
                    *second = first.max(0.0);
                    *first = value;
                    ids[x] = *class;
                } else if value > *second {
                    *second = value;
                }
            }
        }
        for (x, [first, second, sum]) in best.into_iter().enumerate() {
            let share = |value: f32| (value.max(0.0) / sum.max(1e-9) * 65535.0).round().min(65535.0) as u16;
            confidence[x] = share(first);
            margin[x] = share(first - second);
        }
    });
    Labels {
        map: LabelMap { width, height, ids },
        confidence,
        margin,
    }
}

fn between_rows(plane: &[f32], width: usize, row: &Interpolation) -> Vec<f32> {
    let line = |y: usize| &plane[y * width..][..width];
    let pairs = line(row.low).iter().zip(line(row.high));
    pairs.map(|(low, high)| low + (high - low) * row.weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_mean_is_that_of_its_definition_also_at_the_border() {
        for [width, height] in [[40, 30], [5, 3], [1, 1]] {
            let plane: Vec<f32> = (0..width * height).map(|i| ((i * 37) % 23) as f32).collect();
            let found = box_mean(&plane, [width, height]);
            let reach = RADIUS as isize;
            for y in 0..height {
                for x in 0..width {
                    let mut sum = 0.0;
                    for dy in -reach..=reach {
                        for dx in -reach..=reach {
                            let (x, y) = (reflected(x as isize + dx, width), reflected(y as isize + dy, height));
                            sum += plane[y * width + x];
                        }
                    }
                    let mean = sum / ((2 * RADIUS + 1) * (2 * RADIUS + 1)) as f32;
                    assert!((found[y * width + x] - mean).abs() < 1e-3, "{x} {y}");
                }
            }
        }
    }

    /// A photo that is dark left of `edge` and bright right of it, and logits of 8 x 6 patches whose edge is up to a
    /// patch beside it.
    fn scene(edge: usize) -> (Photo, WindowLogits) {
        let (width, height) = (128, 96);
        let rgb = (0..width * height).flat_map(|i| {
            if i % width < edge {
                [20, 30, 40]
            } else {
                [220, 200, 190]
            }
        });
        let logits = (0..8 * 6).flat_map(|i| if i % 8 < 4 { [3.0, 0.0, -9.0] } else { [0.0, 3.0, -9.0] });
        let field = WindowLogits::whole(logits.collect(), 3, [width, height], [8, 6], [width, height]);
        (Photo::new(width, height, rgb.collect()), field)
    }

    #[test]
    fn labels_follow_the_edge_of_the_photo() {
        // The logits change at 64; the photo at 58.
        let (photo, field) = scene(58);
        let fields = [field];
        let wrong = |map: &LabelMap| {
            let truth = |i: usize| u16::from(i % 128 >= 58);
            map.ids.iter().enumerate().filter(|(i, id)| **id != truth(*i)).count()
        };
        let plain = super::super::label(&fields, [128, 96]);
        let refined = refined(&fields, &photo).expect("labels");
        assert_eq!(wrong(&plain.map), 6 * 96);
        // At most a column beside the edge.
        assert!(wrong(&refined.map) <= 96, "{}", wrong(&refined.map));
        assert!(refined.confidence.iter().all(|value| *value > 20_000));
    }

    #[test]
    fn a_uniform_photo_and_uniform_logits_stay_as_they_are() {
        let photo = Photo::new(50, 40, vec![90; 3 * 50 * 40]);
        let logits: Vec<f32> = (0..12).flat_map(|_| [0.0, 2.0]).collect();
        let field = WindowLogits::whole(logits, 2, [50, 40], [4, 3], [50, 40]);
        let fields = [field];
        let plain = super::super::label(&fields, [50, 40]);
        let refined = refined(&fields, &photo).expect("labels");
        assert_eq!(refined.map.ids, plain.map.ids);
        for (refined, plain) in refined.confidence.iter().zip(&plain.confidence) {
            assert!(refined.abs_diff(*plain) < 70, "{refined} {plain}");
        }
        let one = WindowLogits {
            threshold: Some(0.3),
            ..fields[0].clone()
        };
        assert!(super::refined(&[one], &photo).is_none());
    }
}
