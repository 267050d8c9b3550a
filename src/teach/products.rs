//! The two products of learning, in loops that the compiler vectorises: samples by weights, and its transpose.

use std::sync::OnceLock;

use multiversion::multiversion;
use rayon::prelude::*;

use super::decoder::LinearDecoder;
use super::tokens::Tokens;
use crate::numeric::{Aligned, Arithmetic, Kernels, PackedMatrix};

/// Classes that are computed side by side.
const LANES: usize = 8;

/// Samples that are computed at once.
const SAMPLES: usize = 8;

/// Channels whose gradients are summed side by side.
const CHANNELS: usize = 16;

/// Most classes whose gradients are summed at once.
const MOST_CLASSES: usize = 5;

/// Tokens whose logits one task computes: whole tiles.
const TOKENS_OF_TASK: usize = 252;

/// The logits of all tokens, `[count, classes]`, to the last bit as a network on the CPU computes them with this linear
/// decoder. `decoder.width` must be that of the tokens.
pub(super) fn logits_of(tokens: &Tokens, decoder: &LinearDecoder) -> Vec<f32> {
    static KERNELS: OnceLock<Kernels> = OnceLock::new();
    let size = [decoder.classes, decoder.width];
    let kernels = *KERNELS.get_or_init(Kernels::best);
    let matrix = PackedMatrix::pack(&decoder.weight, size, Arithmetic::F32, kernels);
    let layout = matrix.row_layout();
    let mut logits = vec![0f32; tokens.count() * decoder.classes];
    let tasks = logits
        .par_chunks_mut(TOKENS_OF_TASK * decoder.classes)
        .zip(tokens.values.par_chunks(TOKENS_OF_TASK * tokens.width));
    let memory = || layout.memory(TOKENS_OF_TASK);
    tasks.for_each_init(memory, |memory: &mut Aligned, (to, values)| {
        let rows = memory.units_mut().chunks_mut(layout.stride);
        for (row, values) in rows.zip(values.chunks_exact(tokens.width)) {
            layout.write(row, 0, values);
        }
        let count = values.len() / tokens.width;
        matrix
            .panels()
            .multiply(memory.units(), layout.stride, count, |place, tile| {
                let bias = &decoder.bias[place.column..][..place.columns];
                let rows = to.chunks_exact_mut(decoder.classes).skip(place.row);
                for (row, sums) in rows.zip(tile).take(place.rows) {
                    for ((to, sum), bias) in row[place.column..].iter_mut().zip(sums).zip(bias) {
                        *to = *sum + bias;
                    }
                }
            });
    });
    logits
}

/// Weights in the order in which [`Weights::logits`] reads them.
pub(super) struct Weights {
    /// For each eight classes, for each channel: their weights; absent classes have 0.
    values: Vec<[f32; LANES]>,
    bias: Vec<f32>,
    width: usize,
}

impl Weights {
    /// From weights `[classes, width]` and biases `[classes]`.
    pub(super) fn new(weight: &[f32], bias: &[f32], width: usize) -> Self {
        let mut values = vec![[0f32; LANES]; bias.len().div_ceil(LANES) * width];
        for (class, row) in weight.chunks_exact(width).enumerate() {
            for (to, weight) in values[class / LANES * width..].iter_mut().zip(row) {
                to[class % LANES] = *weight;
            }
        }
        Self {
            values,
            bias: bias.to_vec(),
            width,
        }
    }

    /// Logits `to` `[n, classes]` of samples `[n, width]`.
    pub(super) fn logits(&self, samples: &[f32], to: &mut [f32]) {
        let classes = self.bias.len();
        let tiles = samples.chunks(SAMPLES * self.width);
        for (samples, to) in tiles.zip(to.chunks_mut(SAMPLES * classes)) {
            for (block, weights) in self.values.chunks_exact(self.width).enumerate() {
                let first = block * LANES;
                let sums = tile(samples, self.width, weights);
                for (to, sums) in to.chunks_exact_mut(classes).zip(&sums) {
                    for ((to, bias), sum) in to[first..].iter_mut().zip(&self.bias[first..]).zip(sums) {
                        *to = sum + bias;
                    }
                }
            }
        }
    }
}

/// Sums over the channels of up to eight samples, for eight classes.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn tile(samples: &[f32], width: usize, weights: &[[f32; LANES]]) -> [[f32; LANES]; SAMPLES] {
    let count = samples.len() / width;
    // A sample that is missing stands for itself once more.
    let rows: [&[f32]; SAMPLES] = std::array::from_fn(|s| &samples[s.min(count - 1) * width..][..width]);
    let mut sums = [[0f32; LANES]; SAMPLES];
    for (channel, weights) in weights[..width].iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(&rows) {
            let value = row[channel];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
    }
    sums
}

/// Adds to `to` `[classes, width]` the sum over samples `[n, width]` of each one's `slopes` `[n, classes]` times it.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn add_outer(samples: &[f32], width: usize, slopes: &[f32], classes: usize, to: &mut [f32]) {
    let most = classes.div_ceil(classes.div_ceil(MOST_CLASSES));
    for (part, to) in to.chunks_mut(most * width).enumerate() {
        let class = part * most;
        match to.len() / width {
            1 => add_tile::<1>(samples, width, slopes, [classes, class], to),
            2 => add_tile::<2>(samples, width, slopes, [classes, class], to),
            3 => add_tile::<3>(samples, width, slopes, [classes, class], to),
            4 => add_tile::<4>(samples, width, slopes, [classes, class], to),
            _ => add_tile::<MOST_CLASSES>(samples, width, slopes, [classes, class], to),
        }
    }
}

/// The same for `N` classes from `class` on; `to` is theirs, `[N, width]`.
#[inline(always)]
fn add_tile<const N: usize>(
    samples: &[f32],
    width: usize,
    slopes: &[f32],
    [classes, class]: [usize; 2],
    to: &mut [f32],
) {
    let whole = width / CHANNELS * CHANNELS;
    let rows = || samples.chunks_exact(width).zip(slopes.chunks_exact(classes));
    for at in (0..whole).step_by(CHANNELS) {
        let mut sums = [[0f32; CHANNELS]; N];
        for (sample, slopes) in rows() {
            let (values, slopes) = (&sample[at..at + CHANNELS], &slopes[class..class + N]);
            for n in 0..N {
                for lane in 0..CHANNELS {
                    sums[n][lane] += slopes[n] * values[lane];
                }
            }
        }
        for (n, sums) in sums.iter().enumerate() {
            for (to, sum) in to[n * width + at..][..CHANNELS].iter_mut().zip(sums) {
                *to += sum;
            }
        }
    }
    for at in whole..width {
        for n in 0..N {
            let products = rows().map(|(sample, slopes)| slopes[class + n] * sample[at]);
            to[n * width + at] += products.sum::<f32>();
        }
    }
}
