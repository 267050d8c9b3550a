//! The linear decoder that is learnt: Segmenter's, one weight per class and channel of the tokens, and a bias.

use half::f16;

use super::error::TeachError;
use super::tokens::Standard;

/// Bias of a class that no sample has: it is never the best one. Small enough for f16.
pub const ABSENT: f32 = -1e4;

/// Logits of a token are `weight token + bias`, for tokens as they come from the encoder's last norm.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearDecoder {
    /// Number of classes, C.
    pub classes: usize,
    /// Values per token, D.
    pub width: usize,
    /// `[classes, width]`, row by row.
    pub weight: Vec<f32>,
    /// `[classes]`. [`ABSENT`] for classes without a sample.
    pub bias: Vec<f32>,
}

impl LinearDecoder {
    /// A decoder from its weights `[classes, width]` and bias `[classes]`.
    ///
    /// # Errors
    /// When their lengths do not fit together, there are none, or one is not finite.
    pub fn new(weight: Vec<f32>, bias: Vec<f32>, width: usize) -> Result<Self, TeachError> {
        let classes = bias.len();
        if classes == 0 || width == 0 || weight.len() != classes.saturating_mul(width) {
            return Err(TeachError::Count {
                what: "the decoder's weights",
                expected: classes.max(1).saturating_mul(width.max(1)),
                found: weight.len(),
            });
        }
        if !weight.iter().chain(&bias).all(|value| value.is_finite()) {
            return Err(TeachError::NotFinite("the decoder's weights"));
        }
        Ok(Self {
            classes,
            width,
            weight,
            bias,
        })
    }

    /// The decoder as a bundle stores it, in half precision; values that are too large for that stay, and with them the
    /// others of their tensor.
    pub fn in_half_precision(&self) -> Self {
        let rounded = |values: &[f32]| -> Vec<f32> {
            match values.iter().all(|value| value.abs() <= f16::MAX.to_f32()) {
                true => values.iter().map(|value| f16::from_f32(*value).to_f32()).collect(),
                false => values.to_vec(),
            }
        };
        Self {
            weight: rounded(&self.weight),
            bias: rounded(&self.bias),
            ..*self
        }
    }

    /// The same decoder for standardised tokens: weights `[classes, width]`, then biases `[classes]`.
    pub(super) fn standardised(&self, standard: &Standard) -> Vec<f64> {
        let mut all = Vec::with_capacity(self.weight.len() + self.classes);
        for row in self.weight.chunks_exact(self.width) {
            let of_row = row.iter().zip(&standard.factor);
            all.extend(of_row.map(|(weight, factor)| f64::from(*weight) / f64::from(*factor)));
        }
        for (row, bias) in self.weight.chunks_exact(self.width).zip(&self.bias) {
            all.push(f64::from(*bias) + product(row, &standard.mean));
        }
        all
    }

    /// The decoder for tokens as they are, from weights and biases for standardised ones; `rows` are the classes that
    /// these have, ascending, and the others of the `classes` are absent.
    pub(super) fn of_standardised(all: &[f64], rows: &[usize], classes: usize, standard: &Standard) -> Self {
        let width = standard.mean.len();
        let mut weight = vec![0f32; classes * width];
        let mut bias = vec![ABSENT; classes];
        let (weights, biases) = all.split_at(rows.len() * width);
        for ((row, values), added) in rows.iter().zip(weights.chunks_exact(width)).zip(biases) {
            let to = &mut weight[row * width..][..width];
            for ((to, value), factor) in to.iter_mut().zip(values).zip(&standard.factor) {
                *to = (value * f64::from(*factor)) as f32;
            }
            bias[*row] = (added - product(to, &standard.mean)) as f32;
        }
        Self {
            classes,
            width,
            weight,
            bias,
        }
    }
}

fn product(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}
