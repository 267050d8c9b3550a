//! The erf GELU and its derivative.

use multiversion::multiversion;

use crate::numeric::exp;

/// `Φ(x)` and the density `φ(x)` of the normal distribution, by the erf of Abramowitz and Stegun, 7.1.26 (absolute
/// error below 1.5e-7).
#[inline(always)]
fn normal(x: f32) -> [f32; 2] {
    /// `1 / sqrt(2 pi)`.
    const DENSITY: f32 = 0.398_942_3;
    let a = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / a.mul_add(0.327_591_1, 1.0);
    let p = t.mul_add(1.061_405_4, -1.453_152_1);
    let p = p.mul_add(t, 1.421_413_7);
    let p = p.mul_add(t, -0.284_496_74);
    let p = p.mul_add(t, 0.254_829_6);
    let bell = exp(-a * a);
    let tail = 0.5 * p * t * bell;
    let below = if x > 0.0 { 1.0 - tail } else { tail };
    [below, DENSITY * bell]
}

/// Adds `bias` to each row of `x`, and writes the GELU of the sums to `out`.
pub(super) fn forward(x: &mut [f32], bias: &[f32], out: &mut [f32]) {
    let rows = x.chunks_exact_mut(bias.len()).zip(out.chunks_exact_mut(bias.len()));
    rows.for_each(|(x, out)| forward_row(x, bias, out));
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn forward_row(x: &mut [f32], bias: &[f32], out: &mut [f32]) {
    for ((x, bias), out) in x.iter_mut().zip(bias).zip(out) {
        *x += *bias;
        *out = *x * normal(*x)[0];
    }
}

/// Writes the GELU of `x` to `out`, and multiplies its gradient `dy` by the derivative, which makes it that of `x`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn backward(x: &[f32], dy: &mut [f32], out: &mut [f32]) {
    for ((x, dy), out) in x.iter().zip(dy).zip(out) {
        let [below, density] = normal(*x);
        *out = *x * below;
        *dy *= x.mul_add(density, below);
    }
}
