//! Softmax of rows of attention scores, and the normaliser of each row.

use multiversion::multiversion;
use rayon::prelude::*;

use super::trace::TracedLayer;
use crate::numeric::{Strided, exp, multiply};

/// Number of rows of scores that are processed together.
pub(super) const BAND: usize = 128;

/// Normalisers that turn scores into attention: `exp(score - normaliser)`, with one normaliser per head and query.
#[derive(Debug)]
pub(super) struct Normalisers {
    /// Logarithm of the sum of the exponentials of each row, `[heads, tokens]`.
    values: Vec<f32>,
    tokens: usize,
}

impl Normalisers {
    /// Normalisers of all rows of a layer.
    pub(super) fn of(layer: &TracedLayer) -> Self {
        let tokens = layer.tokens();
        let heads: Vec<Vec<f32>> = (0..layer.heads())
            .into_par_iter()
            .map(|head| {
                let mut values = Vec::with_capacity(tokens);
                for_each_band(layer, head, |_, scores| {
                    values.extend(scores.chunks_exact(tokens).map(log_sum_exp));
                });
                values
            })
            .collect();
        Self {
            values: heads.concat(),
            tokens,
        }
    }

    /// Normalisers of one head.
    pub(super) fn head(&self, head: usize) -> &[f32] {
        &self.values[head * self.tokens..][..self.tokens]
    }
}

/// Calls `each` for one band after another, with the index of its first query and its scores `[queries, tokens]`.
pub(super) fn for_each_band(layer: &TracedLayer, head: usize, mut each: impl FnMut(usize, &mut [f32])) {
    let (queries, keys) = (layer.queries.head(head), layer.keys.head(head));
    let (tokens, width) = (layer.tokens(), layer.queries.width);
    let mut scores = vec![0.0; BAND.min(tokens) * tokens];
    for first in (0..tokens).step_by(BAND) {
        let rows = BAND.min(tokens - first);
        let scores = &mut scores[..rows * tokens];
        scores_of(&queries[first * width..][..rows * width], &keys, width, scores);
        each(first, scores);
    }
}

/// Computes the scores `[rows, tokens]`: `queries` `[rows, width]` times `keys` `[tokens, width]`.
pub(super) fn scores_of(queries: &[f32], keys: &[f32], width: usize, scores: &mut [f32]) {
    let tokens = keys.len() / width;
    let queries = Strided {
        values: queries,
        rows: queries.len() / width,
        columns: width,
        row: width,
        column: 1,
    };
    let keys = Strided {
        values: keys,
        rows: width,
        columns: tokens,
        row: 1,
        column: width,
    };
    multiply(&queries, &keys, scores, tokens, false);
}

/// Number of lanes of an accumulator.
const LANES: usize = 16;

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn largest(row: &[f32]) -> f32 {
    let (body, rest) = row.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for part in body {
        for i in 0..LANES {
            lanes[i] = if part[i] > lanes[i] { part[i] } else { lanes[i] };
        }
    }
    let mut most = f32::NEG_INFINITY;
    for v in lanes.iter().chain(rest) {
        most = if *v > most { *v } else { most };
    }
    most
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn exponentials(row: &mut [f32], less: f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (body, rest) = row.as_chunks_mut::<LANES>();
    for part in body {
        for i in 0..LANES {
            part[i] = exp(part[i] - less);
            lanes[i] += part[i];
        }
    }
    let mut sum: f32 = lanes.iter().sum();
    for v in rest {
        *v = exp(*v - less);
        sum += *v;
    }
    sum
}

/// Softmax in place; returns the row's normaliser.
pub(super) fn softmax(row: &mut [f32]) -> f32 {
    let most = largest(row);
    let sum = exponentials(row, most);
    let share = 1.0 / sum;
    for v in row {
        *v *= share;
    }
    most + sum.ln()
}

fn log_sum_exp(row: &[f32]) -> f32 {
    let most = largest(row);
    most + exponentials(&mut row.to_vec(), most).ln()
}

/// Replaces each score by `exp(score - normaliser)`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn normalise(scores: &mut [f32], normalisers: &[f32]) {
    for (score, normaliser) in scores.iter_mut().zip(normalisers) {
        *score = exp(*score - normaliser);
    }
}
