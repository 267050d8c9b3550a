//! An encoder's tokens of one image, their standardisation, and the token at a pixel.

use super::error::TeachError;

/// Added to each standard deviation.
const LEAST_DEVIATION: f64 = 1e-4;

/// The patch tokens of one image.
///
/// The image may have been resized before it was encoded; then it was padded to whole patches at its right and bottom
/// edge. Pixels are always those of the image before both.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens {
    /// Rows of patches.
    pub rows: usize,
    /// Patches per row.
    pub columns: usize,
    /// Values per token, D.
    pub width: usize,
    /// `[rows, columns, width]`: the tokens row by row, after the encoder's last norm.
    pub values: Vec<f32>,
    /// Side of a patch in pixels of the encoded image.
    pub patch: usize,
    /// Width and height of the encoded image, before it was padded.
    pub encoded: [usize; 2],
    /// Width and height of the image itself.
    pub image: [usize; 2],
}

impl Tokens {
    /// Tokens `[rows, columns, width]` of an image that was encoded at the size `encoded` (width, height), with as many
    /// rows and columns as whole patches cover it.
    ///
    /// # Errors
    /// When a size is 0, when there are more or fewer values than these sizes ask for, or when one is not finite.
    pub fn new(
        values: Vec<f32>,
        width: usize,
        patch: usize,
        encoded: [usize; 2],
        image: [usize; 2],
    ) -> Result<Self, TeachError> {
        let sizes = [width, patch, encoded[0], encoded[1], image[0], image[1]];
        if sizes.contains(&0) {
            return Err(TeachError::Size {
                what: "tokens, patches and images",
                expected: "at least 1".into(),
                found: format!("{sizes:?}"),
            });
        }
        let [columns, rows] = encoded.map(|side| side.div_ceil(patch));
        let expected = rows.saturating_mul(columns).saturating_mul(width);
        if values.len() != expected {
            return Err(TeachError::Count {
                what: "tokens",
                expected,
                found: values.len(),
            });
        }
        if !values.iter().all(|value| value.is_finite()) {
            return Err(TeachError::NotFinite("tokens"));
        }
        Ok(Self {
            rows,
            columns,
            width,
            values,
            patch,
            encoded,
            image,
        })
    }

    /// Number of tokens.
    pub fn count(&self) -> usize {
        self.rows * self.columns
    }

    /// A token, `[width]`.
    pub fn token(&self, row: usize, column: usize) -> &[f32] {
        &self.values[(row * self.columns + column) * self.width..][..self.width]
    }

    /// The pixel of the image in whose area the centre of a token lies, as column and row; the nearest one for tokens
    /// whose centre is in the padding.
    pub fn pixel_of(&self, row: usize, column: usize) -> [usize; 2] {
        let at = |axis: usize, index: usize| {
            let centre = (index as f64 + 0.5) * self.patch as f64 * self.image[axis] as f64 / self.encoded[axis] as f64;
            (centre as usize).min(self.image[axis] - 1)
        };
        [at(0, column), at(1, row)]
    }

    /// The neighbours of each pixel of a row (axis 0) or column (axis 1) of an image of `side` pixels among the tokens.
    pub(super) fn neighbours(&self, axis: usize, side: usize) -> Vec<Neighbours> {
        let count = [self.columns, self.rows][axis];
        let scale = self.encoded[axis] as f64 / (side as f64 * self.patch as f64);
        let at = |i: usize| Neighbours::at((i as f64 + 0.5) * scale - 0.5, count);
        (0..side).map(at).collect()
    }

    /// Writes the standardised token at a pixel of the image to `to` `[width]`: bilinear between the centres of the
    /// four tokens around it, and the nearest ones beyond the outermost centres. A pixel outside counts as the nearest
    /// one.
    pub fn sample(&self, standard: &Standard, [x, y]: [usize; 2], to: &mut [f32]) {
        let at = |axis: usize, pixel: usize| {
            let scale = self.encoded[axis] as f64 / (self.image[axis] as f64 * self.patch as f64);
            Neighbours::at((pixel as f64 + 0.5) * scale - 0.5, [self.columns, self.rows][axis])
        };
        let (across, down) = (at(0, x), at(1, y));
        let corner = |row: usize, column: usize| self.token(row, column);
        let upper = corner(down.low, across.low).iter().zip(corner(down.low, across.high));
        let lower = corner(down.high, across.low).iter().zip(corner(down.high, across.high));
        let statistics = standard.mean.iter().zip(&standard.factor);
        for (((to, upper), lower), (mean, factor)) in to.iter_mut().zip(upper).zip(lower).zip(statistics) {
            let between = |(left, right): (&f32, &f32)| left + (right - left) * across.weight;
            let (upper, lower) = (between(upper), between(lower));
            *to = (upper + (lower - upper) * down.weight - mean) * factor;
        }
    }
}

/// Two samples, and the weight of the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Neighbours {
    pub(super) low: usize,
    pub(super) high: usize,
    pub(super) weight: f32,
}

impl Neighbours {
    /// The neighbours of a place among `count` samples at 0, 1, …; places before the first and after the last are moved
    /// to it.
    pub(super) fn at(place: f64, count: usize) -> Self {
        let place = place.clamp(0.0, count as f64 - 1.0);
        let low = place as usize;
        Self {
            low,
            high: (low + 1).min(count - 1),
            weight: (place - low as f64) as f32,
        }
    }

    /// The neighbours of each of `to` samples among `from`, by half-pixel centres.
    pub(super) fn half_pixel(from: usize, to: usize) -> Vec<Self> {
        let scale = from as f64 / to as f64;
        (0..to)
            .map(|i| Self::at((i as f64 + 0.5) * scale - 0.5, from))
            .collect()
    }
}

/// Mean of each channel of tokens, and the factor that brings it to a variance of `1 / D`: a standardised token is
/// `(token - mean) * factor` and has about the length 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Standard {
    /// `[D]`.
    pub mean: Vec<f32>,
    /// `1 / ((sd + 1e-4) sqrt(D))`, `[D]`.
    pub factor: Vec<f32>,
}

impl Standard {
    /// Statistics of all tokens of these images; the standard deviation is that of the population.
    ///
    /// # Errors
    /// When there are no images, or when their tokens have different widths.
    pub fn of(images: &[&Tokens]) -> Result<Self, TeachError> {
        let Some(width) = images.first().map(|tokens| tokens.width) else {
            return Err(TeachError::NoStrokes);
        };
        if let Some(other) = images.iter().find(|tokens| tokens.width != width) {
            return Err(TeachError::Size {
                what: "tokens",
                expected: format!("{width} values"),
                found: format!("{}", other.width),
            });
        }
        let count: usize = images.iter().map(|tokens| tokens.count()).sum();
        let tokens = || images.iter().flat_map(|image| image.values.chunks_exact(width));
        let mut mean = vec![0f64; width];
        for token in tokens() {
            for (sum, value) in mean.iter_mut().zip(token) {
                *sum += f64::from(*value);
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= count as f64);
        let mut squares = vec![0f64; width];
        for token in tokens() {
            for ((sum, mean), value) in squares.iter_mut().zip(&mean).zip(token) {
                let away = f64::from(*value) - mean;
                *sum += away * away;
            }
        }
        let root = (width as f64).sqrt();
        let factor = |sum: &f64| 1.0 / (((sum / count as f64).sqrt() + LEAST_DEVIATION) * root);
        Ok(Self {
            factor: squares.iter().map(|sum| factor(sum) as f32).collect(),
            mean: mean.iter().map(|mean| *mean as f32).collect(),
        })
    }

    /// Writes a standardised token, `[D]`.
    pub fn apply(&self, token: &[f32], to: &mut [f32]) {
        for (((to, value), mean), factor) in to.iter_mut().zip(token).zip(&self.mean).zip(&self.factor) {
            *to = (value - mean) * factor;
        }
    }
}
