//! Softmax attention over host memory, some rows of queries at a time.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::numeric::{Strided, exp, multiply};

/// Maximum number of rows of queries per task. Each task packs all keys and values for the matrix kernel again, which a
/// few hundred rows make up for; more rows would push their scores (300 x 1025 values, 1.2 MiB) out of the second-level
/// cache. Measured on ViT-B at 1025 tokens: 64 rows cost 5 % of the whole run.
const MAX_ROWS: usize = 320;

/// Rows per task, so that every thread gets the same number of tasks of nearly the same size.
fn rows_per_task(tokens: usize) -> usize {
    let threads = rayon::current_num_threads();
    let rounds = tokens.div_ceil(threads * MAX_ROWS);
    tokens.div_ceil(threads * rounds)
}

/// `softmax(q kᵀ / sqrt(head width)) v` per head.
///
/// `qkv` is `[batch, tokens, 3, heads, head width]`; `bias` `[3, heads, head width]` is added to it in place, and the
/// queries are scaled there too. `context` `[batch, tokens, heads, head width]` receives the result.
pub(super) fn attention(qkv: &mut [f32], bias: &[f32], heads: usize, tokens: usize, context: &mut [f32]) {
    let width = bias.len();
    let dim = width / 3;
    let head = dim / heads;
    let scale = (head as f32).powf(-0.5);
    let rows_per_task = rows_per_task(tokens);
    qkv.par_chunks_mut(width * rows_per_task).for_each(|rows| {
        for row in rows.chunks_exact_mut(width) {
            add_bias_and_scale_queries(row, bias, scale);
        }
    });
    for (qkv, context) in qkv
        .chunks_exact(tokens * width)
        .zip(context.chunks_exact_mut(tokens * dim))
    {
        context.par_chunks_mut(rows_per_task * dim).enumerate().for_each_init(
            || vec![0.0f32; rows_per_task * tokens],
            |scores, (chunk, context)| {
                let rows = context.len() / dim;
                let queries = &qkv[chunk * rows_per_task * width..];
                let scores = &mut scores[..rows * tokens];
                for h in 0..heads {
                    let at = h * head;
                    let key = Strided {
                        values: &qkv[dim + at..],
                        rows: head,
                        columns: tokens,
                        row: 1,
                        column: width,
                    };
                    let value = Strided {
                        values: &qkv[2 * dim + at..],
                        rows: tokens,
                        columns: head,
                        row: width,
                        column: 1,
                    };
                    let query = Strided {
                        values: &queries[at..],
                        rows,
                        columns: head,
                        row: width,
                        column: 1,
                    };
                    multiply(&query, &key, scores, tokens, false);
                    for row in scores.chunks_exact_mut(tokens) {
                        softmax_row(row);
                    }
                    let weights = Strided {
                        values: scores,
                        rows,
                        columns: tokens,
                        row: tokens,
                        column: 1,
                    };
                    multiply(&weights, &value, &mut context[at..], dim, false);
                }
            },
        );
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn add_bias_and_scale_queries(row: &mut [f32], bias: &[f32], scale: f32) {
    let dim = row.len() / 3;
    for (x, b) in row.iter_mut().zip(bias) {
        *x += *b;
    }
    for x in &mut row[..dim] {
        *x *= scale;
    }
}

/// Lanes of an accumulator: with one sum per lane the compiler may vectorise without reordering a sum.
const LANES: usize = 32;

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn softmax_row(row: &mut [f32]) {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (body, rest) = row.split_at(row.len() / LANES * LANES);
    for part in body.chunks_exact(LANES) {
        for (m, x) in lanes.iter_mut().zip(part) {
            *m = if *x > *m { *x } else { *m };
        }
    }
    let mut max = f32::NEG_INFINITY;
    for x in lanes.iter().chain(rest) {
        max = if *x > max { *x } else { max };
    }
    let mut sums = [0.0f32; LANES];
    let (body, rest) = row.split_at_mut(row.len() / LANES * LANES);
    for part in body.chunks_exact_mut(LANES) {
        for (s, x) in sums.iter_mut().zip(part) {
            *x = exp(*x - max);
            *s += *x;
        }
    }
    let mut sum = 0.0;
    for x in rest {
        *x = exp(*x - max);
        sum += *x;
    }
    for s in sums {
        sum += s;
    }
    let scale = 1.0 / sum;
    for x in row {
        *x *= scale;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn agrees_with_the_definition() {
        let (tokens, heads, head) = (70, 2, 8);
        let dim = heads * head;
        let value = |i: usize| ((i * 37 % 101) as f32 - 50.0) * 0.03;
        let bias: Vec<f32> = (0..3 * dim).map(|i| value(i + 5)).collect();
        let qkv: Vec<f32> = (0..tokens * 3 * dim).map(value).collect();
        let at = |t: usize, part: usize, h: usize, d: usize| {
            let c = part * dim + h * head + d;
            f64::from(qkv[t * 3 * dim + c] + bias[c])
        };
        let mut ours = vec![0.0; tokens * dim];
        super::attention(&mut qkv.clone(), &bias, heads, tokens, &mut ours);
        for h in 0..heads {
            for q in 0..tokens {
                let score =
                    |k: usize| (0..head).map(|d| at(q, 0, h, d) * at(k, 1, h, d)).sum::<f64>() / (head as f64).sqrt();
                let weights: Vec<f64> = (0..tokens).map(|k| score(k).exp()).collect();
                let sum: f64 = weights.iter().sum();
                for d in 0..head {
                    let expected: f64 = (0..tokens).map(|k| weights[k] / sum * at(k, 2, h, d)).sum();
                    let found = f64::from(ours[q * dim + h * head + d]);
                    assert!((found - expected).abs() < 1e-5, "{q} {h} {d}: {found} {expected}");
                }
            }
        }
    }
}
