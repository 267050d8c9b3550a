//! Softmax attention forward and backward. Scores are computed again in the backward pass, some queries at a time, so
//! that no matrix of all scores exists.

use multiversion::multiversion;

use super::memory::Buffer;
use super::parameters::Parameters;
use crate::numeric::{Products, Strided, exp};

/// Queries whose scores are in memory at a time: two blocks of scores stay in the second-level cache.
const ROWS: usize = 96;

/// Sizes of an attention.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attention {
    pub(super) heads: usize,
    /// Width of a token.
    pub(super) dim: usize,
}

/// What is taken off the scores of each query, and one over the sum of their exponentials, `[heads, tokens]`.
#[derive(Debug, Default)]
pub(super) struct ScoreStatistics(Vec<[f32; 2]>);

impl Attention {
    fn head(&self) -> usize {
        self.dim / self.heads
    }

    fn scale(&self) -> f32 {
        1.0 / (self.head() as f32).sqrt()
    }

    /// Queries (0), keys (1) or values (2) of a head from row `first` on, in rows `[3, heads, head width]`.
    fn part<'a>(&self, qkv: &'a [f32], part: usize, head: usize, first: usize, rows: usize) -> Strided<'a> {
        let stride = 3 * self.dim;
        Strided {
            values: &qkv[first * stride + part * self.dim + head * self.head()..],
            rows,
            columns: self.head(),
            row: stride,
            column: 1,
        }
    }

    /// The context `[tokens, heads, head width]` of queries, keys and values `[tokens, 3, heads, head width]`.
    pub(super) fn forward(&self, parameters: &Parameters, qkv: &[f32]) -> (Buffer, ScoreStatistics) {
        let (memory, products) = (&parameters.memory, parameters.products);
        let tokens = qkv.len() / (3 * self.dim);
        let mut context = memory.used(tokens * self.dim);
        let mut statistics = Vec::with_capacity(self.heads * tokens);
        let mut scores = memory.used(ROWS.min(tokens) * tokens);
        for head in 0..self.heads {
            for first in (0..tokens).step_by(ROWS) {
                let rows = ROWS.min(tokens - first);
                let scores = &mut scores[..rows * tokens];
                self.score(products, qkv, head, first, scores);
                for row in scores.chunks_exact_mut(tokens) {
                    let shift = largest(row) * self.scale();
                    let factor = 1.0 / exponentials(row, self.scale(), shift);
                    statistics.push([shift, factor]);
                    scale(row, factor);
                }
                let out = &mut context[first * self.dim + head * self.head()..];
                let values = self.part(qkv, 2, head, 0, tokens);
                products.multiply(&Strided::rows(scores, tokens), &values, out, self.dim, false);
            }
        }
        (context, ScoreStatistics(statistics))
    }

    /// The gradient of `qkv`, from that of its context.
    pub(super) fn backward(
        &self,
        parameters: &Parameters,
        qkv: &[f32],
        context: &[f32],
        statistics: &ScoreStatistics,
        gradient: &[f32],
    ) -> Buffer {
        let (memory, products) = (&parameters.memory, parameters.products);
        let (dim, width) = (self.dim, self.head());
        let tokens = qkv.len() / (3 * dim);
        let mut out = memory.zeros(qkv.len());
        let mut scores = memory.used(2 * ROWS.min(tokens) * tokens);
        for head in 0..self.heads {
            let at = head * width;
            let statistics = &statistics.0[head * tokens..][..tokens];
            for first in (0..tokens).step_by(ROWS) {
                let rows = ROWS.min(tokens - first);
                let (shares, rest) = scores.split_at_mut(rows * tokens);
                let changes = &mut rest[..rows * tokens];
                self.score(products, qkv, head, first, shares);
                let gradients = Strided {
                    values: &gradient[first * dim + at..],
                    rows,
                    columns: width,
                    row: dim,
                    column: 1,
                };
                let values = self.part(qkv, 2, head, 0, tokens);
                products.multiply(&gradients, &values.transposed(), changes, tokens, false);
                for (i, (shares, changes)) in shares
                    .chunks_exact_mut(tokens)
                    .zip(changes.chunks_exact_mut(tokens))
                    .enumerate()
                {
                    let [shift, factor] = statistics[first + i];
                    exponentials(shares, self.scale(), shift);
                    let row = (first + i) * dim + at..(first + i) * dim + at + width;
                    let pairs = gradient[row.clone()].iter().zip(&context[row]);
                    // The sum of share times change over all keys.
                    let mean = pairs.map(|(gradient, context)| gradient * context).sum();
                    share_backward(shares, changes, factor, mean, self.scale());
                }
                let shares = Strided::rows(shares, tokens);
                let changes = Strided::rows(changes, tokens);
                let queries = self.part(qkv, 0, head, first, rows);
                let keys = self.part(qkv, 1, head, 0, tokens);
                products.multiply(&changes, &keys, &mut out[first * 3 * dim + at..], 3 * dim, false);
                products.multiply(&changes.transposed(), &queries, &mut out[dim + at..], 3 * dim, true);
                products.multiply(
                    &shares.transposed(),
                    &gradients,
                    &mut out[2 * dim + at..],
                    3 * dim,
                    true,
                );
            }
        }
        out
    }

    /// Unscaled scores of some queries from `first` on against all keys.
    fn score(&self, products: Products, qkv: &[f32], head: usize, first: usize, scores: &mut [f32]) {
        let tokens = qkv.len() / (3 * self.dim);
        let queries = self.part(qkv, 0, head, first, scores.len() / tokens);
        let keys = self.part(qkv, 1, head, 0, tokens).transposed();
        products.multiply(&queries, &keys, scores, tokens, false);
    }
}

/// Lanes of a sum: with one sum per lane the compiler may vectorise without reordering.
const LANES: usize = 32;

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn largest(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for part in row.chunks(LANES) {
        for (lane, x) in lanes.iter_mut().zip(part) {
            *lane = if *x > *lane { *x } else { *lane };
        }
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

/// Replaces each score by `e^(scale score - shift)`; returns the sum.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn exponentials(row: &mut [f32], scale: f32, shift: f32) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (body, rest) = row.as_chunks_mut::<LANES>();
    for part in body {
        for (x, sum) in part.iter_mut().zip(&mut sums) {
            *x = exp(x.mul_add(scale, -shift));
            *sum += *x;
        }
    }
    let mut sum = sums.iter().sum::<f32>();
    for x in rest {
        *x = exp(x.mul_add(scale, -shift));
        sum += *x;
    }
    sum
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn scale(row: &mut [f32], factor: f32) {
    for x in row {
        *x *= factor;
    }
}

/// Makes shares of exponentials, and of the gradients of shares those of scores.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn share_backward(shares: &mut [f32], changes: &mut [f32], factor: f32, mean: f32, scale: f32) {
    for (share, change) in shares.iter_mut().zip(changes) {
        *share *= factor;
        *change = *share * (*change - mean) * scale;
    }
}
