//! The erf GELU and its derivative.

use multiversion::multiversion;

use crate::numeric::normal_tails;

/// `Φ(x)` and the density `φ(x)` of the normal distribution.
#[inline(always)]
fn normal(x: f32) -> [f32; 2] {
    /// `1 / sqrt(2 pi)`.
    const DENSITY: f32 = 0.398_942_3;
    let [tails, bell] = normal_tails(x);
    let tail = 0.5 * tails;
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
