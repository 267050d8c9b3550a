//! The colour guided filter: the classes' probabilities made to follow the edges of the photo.
//!
//! He, Sun and Tang, "Guided image filtering" (2013), section 3.5: in each window the output is `a . colour + b` with
//! `a = (S + eps E)^-1 cov(colour, p)` and `b = mean(p) - a . mean(colour)`, where `S` is the colours' covariance; a
//! pixel takes the mean of all windows that it is in. He and Sun, "Fast guided filter" (arXiv 1505.00996), for large
//! photos: `a` and `b` from a reduced copy.
//!
//! Windows are squares. Beyond the border the image is reflected, the outermost pixels first (`cba|abc`). Means are
//! running sums in f64 that begin again with each band of rows; bands depend on the height alone, so results do not
//! depend on the number of threads.

use std::ops::Range;

use multiversion::multiversion;
use rayon::prelude::*;

use super::box_sums::{Four, Step, Sums, over_rows};
use super::error::TeachError;
use super::logits::{Probabilities, Ranking, between};
use crate::photo::Photo;

/// Radius of the windows in pixels: they are 25 pixels wide.
pub const RADIUS: usize = 12;

/// What is added to the colours' variances; colours are 0 to 1.
pub const EPSILON: f64 = 1e-3;

/// A photo as a guide, with what does not depend on the class: 52 bytes per pixel.
#[derive(Clone, Debug)]
pub struct Guide {
    width: usize,
    height: usize,
    radius: usize,
    /// 1, red, green and blue, 0 to 1. Wherever there are four values, the last three belong to the colours.
    colors: Vec<Four>,
    windows: Vec<Window>,
}

/// Of the window around a pixel: mean colour, and the upper half of the inverse of `S + eps E`, row by row.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    mean: [f32; 3],
    inverse: [f32; 6],
}

impl Guide {
    /// A photo as a guide, with [`RADIUS`] and [`EPSILON`].
    ///
    /// # Errors
    /// When the photo has no pixels, or fewer values than its size asks for.
    pub fn new(photo: &Photo) -> Result<Self, TeachError> {
        Self::with(photo, RADIUS, EPSILON)
    }

    /// A photo as a guide, with windows of `2 radius + 1` pixels.
    ///
    /// # Errors
    /// As [`Guide::new`].
    pub fn with(photo: &Photo, radius: usize, epsilon: f64) -> Result<Self, TeachError> {
        let pixels = photo.width * photo.height;
        if pixels == 0 || photo.rgb.len() != 3 * pixels {
            return Err(TeachError::Count {
                what: "the photo",
                expected: 3 * pixels.max(1),
                found: photo.rgb.len(),
            });
        }
        let (rgb, _) = photo.rgb.as_chunks::<3>();
        let color = |rgb: &[u8; 3]| {
            let [r, g, b] = rgb.map(|value| f32::from(value) / 255.0);
            [1.0, r, g, b]
        };
        let mut guide = Self {
            width: photo.width,
            height: photo.height,
            radius,
            colors: rgb.iter().map(color).collect(),
            windows: vec![Window::default(); pixels],
        };
        let mut windows = std::mem::take(&mut guide.windows);
        let bands = windows.par_chunks_mut(guide.band() * guide.width).enumerate();
        bands.for_each(|(band, windows)| guide.fill_windows(guide.rows_of(band), epsilon, windows));
        guide.windows = windows;
        Ok(guide)
    }

    /// Width and height in pixels.
    pub fn size(&self) -> [usize; 2] {
        [self.width, self.height]
    }

    /// Rows of a band.
    fn band(&self) -> usize {
        self.height.div_ceil(8).clamp(32, 128)
    }

    fn rows_of(&self, band: usize) -> Range<usize> {
        band * self.band()..((band + 1) * self.band()).min(self.height)
    }

    fn colors_of(&self, y: usize) -> &[Four] {
        &self.colors[y * self.width..][..self.width]
    }

    fn fill_windows(&self, rows: Range<usize>, epsilon: f64, windows: &mut [Window]) {
        // Products with red, then what is missing of those with green and blue; means stand in the first.
        let mut sums = [0, 1, 2].map(|_| Sums::new(self.width, self.radius));
        let mut means = vec![[[0f64; 4]; 3]; self.width];
        let first = rows.start;
        over_rows(rows, [self.height, self.radius], |y, at| {
            for (i, sums) in sums.iter_mut().enumerate() {
                match at {
                    Step::Add(row) => sums.add_colors(self.colors_of(row), i + 1, 1.0),
                    Step::Remove(row) => sums.add_colors(self.colors_of(row), i + 1, -1.0),
                    Step::Emit => sums.slide(|x, mean| means[x][i] = mean),
                }
            }
            if let Step::Emit = at {
                let to = &mut windows[(y - first) * self.width..][..self.width];
                for (window, means) in to.iter_mut().zip(&means) {
                    *window = Window::of(means, epsilon);
                }
            }
        });
    }

    /// `b` and `a` of the windows around all pixels, for one class.
    fn windows_of(&self, values: &Probabilities, class: usize, to: &mut [Four]) {
        let bands = to.par_chunks_mut(self.band() * self.width).enumerate();
        bands.for_each(|(band, to)| {
            let rows = self.rows_of(band);
            let first = rows.start;
            let mut sums = Sums::new(self.width, self.radius);
            over_rows(rows, [self.height, self.radius], |y, at| match at {
                Step::Add(row) => sums.add_products(values.row(class, row), self.colors_of(row), 1.0),
                Step::Remove(row) => sums.add_products(values.row(class, row), self.colors_of(row), -1.0),
                Step::Emit => {
                    let to = &mut to[(y - first) * self.width..][..self.width];
                    sums.means(to);
                    fit(&self.windows[y * self.width..][..self.width], to);
                }
            });
        });
    }

    /// Calls `emit` with each of these rows and the means of `b` and `a` over the windows that its pixels are in.
    fn means_of(&self, fits: &[Four], rows: Range<usize>, mut emit: impl FnMut(usize, &[Four])) {
        let mut sums = Sums::new(self.width, self.radius);
        let mut means = vec![[0f32; 4]; self.width];
        let row_of = |row: usize| &fits[row * self.width..][..self.width];
        over_rows(rows, [self.height, self.radius], |y, at| match at {
            Step::Add(row) => sums.add(row_of(row), 1.0),
            Step::Remove(row) => sums.add(row_of(row), -1.0),
            Step::Emit => {
                sums.means(&mut means);
                emit(y, &means);
            }
        });
    }

    fn check(&self, values: &Probabilities) -> Result<(), TeachError> {
        if [values.width, values.height] != self.size() {
            return Err(TeachError::Size {
                what: "probabilities",
                expected: format!("{} x {} pixels", self.width, self.height),
                found: format!("{} x {}", values.width, values.height),
            });
        }
        Ok(())
    }

    /// One class, filtered: `[height, width]`. Values may be a little below 0 or above 1; over all classes they still
    /// sum to 1.
    ///
    /// # Errors
    /// When the sizes of guide and probabilities differ.
    pub fn filter(&self, values: &Probabilities, class: usize) -> Result<Vec<f32>, TeachError> {
        self.check(values)?;
        let mut fits = vec![[0f32; 4]; self.colors.len()];
        let mut filtered = vec![0f32; fits.len()];
        self.windows_of(values, class, &mut fits);
        let bands = filtered.par_chunks_mut(self.band() * self.width).enumerate();
        bands.for_each(|(band, to)| {
            let mut rows = to.chunks_exact_mut(self.width);
            self.means_of(&fits, self.rows_of(band), |y, means| {
                if let Some(to) = rows.next() {
                    combine(means, self.colors_of(y), to);
                }
            });
        });
        Ok(filtered)
    }

    /// Filters all classes and ranks them. Takes 26 bytes per pixel beside guide and probabilities.
    ///
    /// # Errors
    /// As [`Guide::filter`].
    pub fn rank(&self, values: &Probabilities) -> Result<Ranking, TeachError> {
        self.check(values)?;
        let mut fits = vec![[0f32; 4]; self.colors.len()];
        let mut ranking = Ranking::new(fits.len());
        for class in 0..values.classes {
            self.windows_of(values, class, &mut fits);
            let bands = ranking.pieces(self.band() * self.width).enumerate();
            bands.for_each(|(band, mut ranked)| {
                let mut filtered = vec![0f32; self.width];
                let rows = self.rows_of(band);
                let first = rows.start;
                self.means_of(&fits, rows, |y, means| {
                    combine(means, self.colors_of(y), &mut filtered);
                    ranked.offer((y - first) * self.width, class as u16, &filtered);
                });
            });
        }
        Ok(ranking)
    }

    /// Ranks the classes at the pixels of a larger photo, of which this guide is a reduced copy: `a` and `b` are
    /// computed here, interpolated bilinearly, and applied to the photo's own colours.
    ///
    /// Takes 32 bytes per pixel of the guide and 10 per pixel of the photo: 120 MB for 12 megapixels, whose photo has
    /// 36. Classes come one after another, so their number does not matter.
    ///
    /// # Errors
    /// When the sizes of guide and probabilities differ, or the photo has fewer values than its size asks for.
    pub fn rank_large(&self, values: &Probabilities, photo: &Photo) -> Result<Ranking, TeachError> {
        /// Rows of a task.
        const ROWS: usize = 16;
        self.check(values)?;
        let [width, height] = [photo.width, photo.height];
        if width == 0 || photo.rgb.len() != 3 * width * height {
            return Err(TeachError::Count {
                what: "the photo",
                expected: 3 * width * height,
                found: photo.rgb.len(),
            });
        }
        let [across, down] = between(self.size(), [width, height]);
        let mut fits = vec![[0f32; 4]; self.colors.len()];
        let mut means = fits.clone();
        let mut ranking = Ranking::new(width * height);
        for class in 0..values.classes {
            self.windows_of(values, class, &mut fits);
            let bands = means.par_chunks_mut(self.band() * self.width).enumerate();
            bands.for_each(|(band, to)| {
                let mut rows = to.chunks_exact_mut(self.width);
                self.means_of(&fits, self.rows_of(band), |_, means| {
                    if let Some(to) = rows.next() {
                        to.copy_from_slice(means);
                    }
                });
            });
            let photo_rows = photo.rgb.par_chunks(ROWS * 3 * width).zip(down.par_chunks(ROWS));
            ranking
                .pieces(ROWS * width)
                .zip(photo_rows)
                .for_each(|(mut ranked, (rgb, down))| {
                    let mut middle = vec![[0f32; 4]; self.width];
                    let mut filtered = vec![0f32; width];
                    for (i, (rgb, at)) in rgb.chunks_exact(3 * width).zip(down).enumerate() {
                        let [low, high] = [at.low, at.high].map(|row| &means[row * self.width..][..self.width]);
                        for ((to, low), high) in middle.iter_mut().zip(low).zip(high) {
                            *to = std::array::from_fn(|n| low[n] + (high[n] - low[n]) * at.weight);
                        }
                        for ((to, rgb), at) in filtered.iter_mut().zip(rgb.as_chunks::<3>().0).zip(&across) {
                            let (low, high) = (middle[at.low], middle[at.high]);
                            let color = [255.0, f32::from(rgb[0]), f32::from(rgb[1]), f32::from(rgb[2])];
                            let part = |n: usize| (low[n] + (high[n] - low[n]) * at.weight) * color[n];
                            *to = (part(0) + part(1) + (part(2) + part(3))) * (1.0 / 255.0);
                        }
                        ranked.offer(i * width, class as u16, &filtered);
                    }
                });
        }
        Ok(ranking)
    }
}

impl Window {
    /// From the means of red, green and blue times 1, red, green and blue.
    fn of(means: &[[f64; 4]; 3], epsilon: f64) -> Self {
        let mean = means.map(|of_color| of_color[0]);
        let covariance = |i: usize, j: usize| means[i][j + 1] - mean[i] * mean[j];
        let [rr, gg, bb] = [0, 1, 2].map(|i| covariance(i, i) + epsilon);
        let (rg, rb, gb) = (covariance(0, 1), covariance(0, 2), covariance(1, 2));
        let adjoint = [
            gg * bb - gb * gb,
            rb * gb - rg * bb,
            rg * gb - rb * gg,
            rr * bb - rb * rb,
            rb * rg - rr * gb,
            rr * gg - rg * rg,
        ];
        let determinant = rr * adjoint[0] + rg * adjoint[1] + rb * adjoint[2];
        Self {
            mean: mean.map(|value| value as f32),
            inverse: adjoint.map(|value| (value / determinant) as f32),
        }
    }
}

/// Turns the means of a value and of its products with the colours into `b` and `a`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn fit(windows: &[Window], to: &mut [Four]) {
    for (window, to) in windows.iter().zip(to) {
        let Window { mean, inverse } = window;
        let value = to[0];
        let c: [f32; 3] = std::array::from_fn(|n| to[n + 1] - mean[n] * value);
        let a = [
            inverse[0] * c[0] + inverse[1] * c[1] + inverse[2] * c[2],
            inverse[1] * c[0] + inverse[3] * c[1] + inverse[4] * c[2],
            inverse[2] * c[0] + inverse[4] * c[1] + inverse[5] * c[2],
        ];
        let b = value - (a[0] * mean[0] + a[1] * mean[1] + a[2] * mean[2]);
        *to = [b, a[0], a[1], a[2]];
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn combine(means: &[Four], colors: &[Four], to: &mut [f32]) {
    for ((to, mean), color) in to.iter_mut().zip(means).zip(colors) {
        *to = (mean[0] * color[0] + mean[1] * color[1]) + (mean[2] * color[2] + mean[3] * color[3]);
    }
}
