//! erf GELU, fused with the bias of the layer before it.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::numeric::exp;

/// Values per task: small enough for the second-level cache, large enough to hide the cost of handing it to a thread.
const CHUNK: usize = 32 * 1024;

/// Replaces each `x` of rows of `bias.len()` values by `gelu(x + bias)`.
pub(super) fn bias_gelu(values: &mut [f32], bias: &[f32]) {
    let rows = (CHUNK / bias.len()).max(1);
    values.par_chunks_mut(rows * bias.len()).for_each(|chunk| {
        for row in chunk.chunks_exact_mut(bias.len()) {
            bias_gelu_row(row, bias);
        }
    });
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn bias_gelu_row(row: &mut [f32], bias: &[f32]) {
    for (x, b) in row.iter_mut().zip(bias) {
        *x = gelu(*x + *b);
    }
}

/// `x Φ(x)` with the erf of Abramowitz and Stegun, 7.1.26 (absolute error below 1.5e-7).
#[inline(always)]
pub(in crate::model) fn gelu(x: f32) -> f32 {
    let a = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / a.mul_add(0.327_591_1, 1.0);
    let p = t.mul_add(1.061_405_4, -1.453_152_1);
    let p = p.mul_add(t, 1.421_413_7);
    let p = p.mul_add(t, -0.284_496_74);
    let p = p.mul_add(t, 0.254_829_6);
    // 1 - erf(|x| / sqrt 2): the mass of both tails.
    let tails = p * t * exp(-a * a);
    // x Φ(x) is x - x tails / 2 for positive x and x tails / 2 for negative x.
    let part = 0.5 * x * tails;
    if x > 0.0 { x - part } else { part }
}

#[cfg(test)]
mod tests {
    /// Φ by its series in f64, as an independent reference.
    fn reference(x: f64) -> f64 {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term.abs() > 1e-18 {
            n += 1.0;
            term *= x * x / (2.0 * n + 1.0);
            sum += term;
        }
        x * (0.5 + sum * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt())
    }

    #[test]
    fn agrees_with_the_series() {
        let xs: Vec<f32> = (-600..600).map(|i| i as f32 * 0.01).collect();
        let mut ours = xs.clone();
        super::bias_gelu(&mut ours, &vec![0.0; xs.len()]);
        for (x, y) in xs.iter().zip(&ours) {
            let expected = reference(f64::from(*x));
            assert!((f64::from(*y) - expected).abs() < 1e-6, "{x}: {y} {expected}");
        }
    }

    #[test]
    fn adds_the_bias_to_each_row() {
        let mut values = vec![0.0; 6];
        super::bias_gelu(&mut values, &[-50.0, 0.0, 50.0]);
        for (found, expected) in values.iter().zip([0.0, 0.0, 50.0, 0.0, 0.0, 50.0f32]) {
            assert!((found - expected).abs() < 1e-30, "{values:?}");
        }
    }
}
