//! LayerNorm forward and backward.

use multiversion::multiversion;

use super::memory::Buffer;
use super::parameters::{Gradients, Parameters, Slot};
use crate::model::weights::{Weights, WeightsMismatch};

/// A LayerNorm over rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Norm {
    gain: Slot,
    shift: Slot,
    epsilon: f32,
}

/// Mean and inverse deviation of each row that a norm has seen.
#[derive(Debug, Default)]
pub(super) struct RowStatistics(Vec<[f32; 2]>);

impl Norm {
    /// The norm of `name.weight` and `name.bias`.
    pub(super) fn new<'a>(
        parameters: &mut Parameters<'a>,
        weights: &'a Weights,
        name: &str,
        epsilon: f64,
    ) -> Result<Self, WeightsMismatch> {
        Ok(Self {
            gain: parameters.add(weights, format!("{name}.weight"))?,
            shift: parameters.add(weights, format!("{name}.bias"))?,
            epsilon: epsilon as f32,
        })
    }

    /// The normalised rows of `x`, and what [`Norm::backward`] and [`Norm::again`] need.
    pub(super) fn forward(&self, parameters: &Parameters, x: &[f32]) -> (Buffer, RowStatistics) {
        let width = parameters[self.gain].len();
        let rows = x.chunks_exact(width).map(|row| statistics_of(row, self.epsilon));
        let statistics = RowStatistics(rows.collect());
        (self.again(parameters, x, &statistics), statistics)
    }

    /// The normalised rows of `x`, whose statistics are known.
    pub(super) fn again(&self, parameters: &Parameters, x: &[f32], statistics: &RowStatistics) -> Buffer {
        let (gain, shift) = (&parameters[self.gain], &parameters[self.shift]);
        let mut out = parameters.memory.used(x.len());
        let rows = x.chunks_exact(gain.len()).zip(out.chunks_exact_mut(gain.len()));
        for ((row, out), [mean, factor]) in rows.zip(&statistics.0) {
            apply(row, *mean, *factor, gain, shift, out);
        }
        out
    }

    /// Adds the gradient of the rows `x` to `dx`, and those of gain and shift, from the gradient `dy` of the normalised
    /// rows.
    pub(super) fn backward(
        &self,
        parameters: &Parameters,
        x: &[f32],
        statistics: &RowStatistics,
        dy: &[f32],
        dx: &mut [f32],
        gradients: &mut Gradients,
    ) {
        let gain = &parameters[self.gain];
        let [gain_gradient, shift_gradient] = gradients.pair(self.gain, self.shift);
        let rows = x.chunks_exact(gain.len()).zip(dy.chunks_exact(gain.len()));
        let rows = rows.zip(dx.chunks_exact_mut(gain.len())).zip(&statistics.0);
        for (((x, dy), dx), [mean, factor]) in rows {
            row_backward(x, *mean, *factor, gain, dy, dx, gain_gradient, shift_gradient);
        }
    }
}

/// Lanes of a sum: with one sum per lane the compiler may vectorise without reordering.
const LANES: usize = 32;

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn statistics_of(row: &[f32], epsilon: f32) -> [f32; 2] {
    let count = row.len() as f32;
    let (body, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for part in body {
        for (sum, x) in sums.iter_mut().zip(part) {
            *sum += *x;
        }
    }
    let mean = (sums.iter().sum::<f32>() + rest.iter().sum::<f32>()) / count;
    let mut sums = [0.0f32; LANES];
    for part in body {
        for (sum, x) in sums.iter_mut().zip(part) {
            *sum += (*x - mean) * (*x - mean);
        }
    }
    let squares = sums.iter().sum::<f32>() + rest.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>();
    [mean, 1.0 / (squares / count + epsilon).sqrt()]
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn apply(row: &[f32], mean: f32, factor: f32, gain: &[f32], shift: &[f32], out: &mut [f32]) {
    for (((out, x), gain), shift) in out.iter_mut().zip(row).zip(gain).zip(shift) {
        *out = ((*x - mean) * factor).mul_add(*gain, *shift);
    }
}

/// With `n = (x - mean) factor` and `g = dy gain`: `dx += factor (g - mean(g) - n mean(g n))`.
#[expect(clippy::too_many_arguments, reason = "the rows of one norm")]
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn row_backward(
    x: &[f32],
    mean: f32,
    factor: f32,
    gain: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    gain_gradient: &mut [f32],
    shift_gradient: &mut [f32],
) {
    let count = x.len() as f32;
    let (mut sums, mut products) = ([0.0f32; LANES], [0.0f32; LANES]);
    let parts = x.chunks(LANES).zip(dy.chunks(LANES)).zip(gain.chunks(LANES));
    for ((x, dy), gain) in parts {
        let lanes = x.iter().zip(dy).zip(gain).zip(sums.iter_mut()).zip(&mut products);
        for ((((x, dy), gain), sum), product) in lanes {
            let g = *dy * *gain;
            *sum += g;
            *product += g * ((*x - mean) * factor);
        }
    }
    let mean_of_sums = sums.iter().sum::<f32>() / count;
    let mean_of_products = products.iter().sum::<f32>() / count;
    let values = x.iter().zip(dy).zip(gain).zip(dx);
    let gradients = gain_gradient.iter_mut().zip(shift_gradient);
    for ((((x, dy), gain), dx), (gain_gradient, shift_gradient)) in values.zip(gradients) {
        let n = (*x - mean) * factor;
        *dx += factor * (*dy * *gain - mean_of_sums - n * mean_of_products);
        *gain_gradient += *dy * n;
        *shift_gradient += *dy;
    }
}
