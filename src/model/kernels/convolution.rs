//! 3x3 and 1x1 convolution over host memory, with an upsampling before it, one band of rows at a time.
//!
//! Maps are `[rows, columns, channels]`. With channels innermost, the three neighbours of a pixel along a row are
//! adjacent in memory. A matrix whose rows start `channels` values apart therefore already holds what a 3x1 convolution
//! multiplies: a band needs three matrix products and no copy of every neighbourhood. The upsampled map never exists as
//! a whole either, because each band interpolates the rows that it needs into memory that stays in the cache.

use multiversion::multiversion;

use super::sharing::share_out;
use super::upsampling::{Map, Upsampled};
use super::winograd;
use crate::numeric::{Strided, multiply};

/// A convolution that keeps the size of a map, and the operations after it.
pub(super) struct FusedConvolution<'a> {
    /// `[side * side * input channels, output channels]`, row by row of the kernel.
    pub(super) weight: &'a [f32],
    /// 1 or 3.
    pub(super) side: usize,
    /// Factor of each output channel, applied first.
    pub(super) scale: &'a [f32],
    /// Added to each output channel after that.
    pub(super) shift: &'a [f32],
    /// Whether negative values then become 0.
    pub(super) relu: bool,
}

/// Minimum number of pixels per task: enough to make up for packing the weights again in each matrix product.
const MIN_PIXELS: usize = 1024;

/// Rows per task, so that every thread gets the same number of tasks of nearly the same size.
fn rows_per_task(rows: usize, columns: usize) -> usize {
    let threads = rayon::current_num_threads();
    let least = MIN_PIXELS.div_ceil(columns);
    let tasks = (rows / least).max(1).next_multiple_of(threads);
    rows.div_ceil(tasks)
}

/// Resizes `map` to `size` (rows and columns) and convolves the result, with zeros around it, into `out`.
pub(super) fn convolve(map: &Map, size: [usize; 2], align_corners: bool, layer: &FusedConvolution, out: &mut [f32]) {
    let map = Upsampled::new(map, size, align_corners);
    if winograd::fits(&map, layer) {
        winograd::convolve(&map, layer, out);
    } else {
        direct(&map, layer, out);
    }
}

/// Convolves directly: one matrix product for each row of the kernel.
fn direct(map: &Upsampled, layer: &FusedConvolution, out: &mut [f32]) {
    let (rows, columns) = (map.rows, map.columns);
    let input = map.channels();
    let output = layer.scale.len();
    let margin = layer.side / 2;
    let rows_per_task = rows_per_task(rows, columns);
    // The zeros between two rows are the margins of both.
    let padded = columns + 2 * margin;
    share_out(
        out.chunks_mut(rows_per_task * columns * output),
        || Scratch::new(map, rows_per_task + 2 * margin, padded, output),
        |scratch, task, out| {
            let top = task * rows_per_task;
            let band = out.len() / (columns * output);
            let Scratch { source, product, line } = scratch;
            for (i, row) in source
                .chunks_exact_mut(padded * input)
                .take(band + 2 * margin)
                .enumerate()
            {
                let inner = &mut row[margin * input..(margin + columns) * input];
                map.row(top + i, margin, line, inner);
            }
            // The last pixels of the last row reach into zeros; the values of those between two rows are discarded.
            let pixels = band * padded - 2 * margin;
            for (down, weight) in layer.weight.chunks_exact(layer.side * input * output).enumerate() {
                let neighbours = Strided {
                    values: &source[down * padded * input..],
                    rows: pixels,
                    columns: layer.side * input,
                    row: input,
                    column: 1,
                };
                let weight = Strided {
                    values: weight,
                    rows: layer.side * input,
                    columns: output,
                    row: output,
                    column: 1,
                };
                multiply(&neighbours, &weight, product, output, down > 0);
            }
            let rows = product.chunks(padded * output);
            for (from, to) in rows.zip(out.chunks_exact_mut(columns * output)) {
                finish_row(&from[..columns * output], layer, to);
            }
        },
    );
}

/// Scratch memory of one thread.
struct Scratch {
    /// The rows of a band with the margins around them.
    source: Vec<f32>,
    /// The matrix products of the band.
    product: Vec<f32>,
    line: Vec<f32>,
}

impl Scratch {
    fn new(map: &Upsampled, rows: usize, padded: usize, output: usize) -> Self {
        Self {
            source: vec![0.0; rows * padded * map.channels()],
            product: vec![0.0; rows * padded * output],
            line: map.line(),
        }
    }
}

fn finish_row(from: &[f32], layer: &FusedConvolution, to: &mut [f32]) {
    let floor = if layer.relu { 0.0 } else { f32::NEG_INFINITY };
    let channels = layer.scale.len();
    for (from, to) in from.chunks_exact(channels).zip(to.chunks_exact_mut(channels)) {
        finish_pixel(from, layer.scale, layer.shift, floor, to);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn finish_pixel(from: &[f32], scale: &[f32], shift: &[f32], floor: f32, to: &mut [f32]) {
    for (((x, scale), shift), out) in from.iter().zip(scale).zip(shift).zip(to) {
        let value = x.mul_add(*scale, *shift);
        // With the opposite comparison, NaN would become the floor.
        *out = if value < floor { floor } else { value };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::Interpolation;

    fn value(i: usize) -> f32 {
        ((i * 37 % 101) as f32 - 50.0) * 0.02
    }

    /// The definition of the convolution, computed value by value in f64.
    fn reference(map: &Map, size: [usize; 2], align_corners: bool, layer: &FusedConvolution) -> Vec<f64> {
        let [rows, columns] = size;
        let at = |y: isize, x: isize, c: usize| -> f64 {
            if y < 0 || x < 0 || y >= rows as isize || x >= columns as isize {
                return 0.0;
            }
            let down = Interpolation::of(y as usize, map.rows, rows, align_corners);
            let across = Interpolation::of(x as usize, map.columns, columns, align_corners);
            let sample = |y: usize, x: usize| f64::from(map.values[(y * map.columns + x) * map.channels + c]);
            let line = |y: usize| {
                let weight = f64::from(across.weight);
                sample(y, across.low) * (1.0 - weight) + sample(y, across.high) * weight
            };
            let weight = f64::from(down.weight);
            line(down.low) * (1.0 - weight) + line(down.high) * weight
        };
        let (side, output, margin) = (layer.side, layer.scale.len(), (layer.side / 2) as isize);
        let mut out = Vec::new();
        for y in 0..rows as isize {
            for x in 0..columns as isize {
                for o in 0..output {
                    let mut sum = 0.0;
                    for k in 0..side * side * map.channels {
                        let (tap, c) = (k / map.channels, k % map.channels);
                        let (dy, dx) = ((tap / side) as isize - margin, (tap % side) as isize - margin);
                        sum += at(y + dy, x + dx, c) * f64::from(layer.weight[k * output + o]);
                    }
                    let value = sum * f64::from(layer.scale[o]) + f64::from(layer.shift[o]);
                    out.push(if layer.relu { value.max(0.0) } else { value });
                }
            }
        }
        out
    }

    #[test]
    fn nan_propagates() {
        for (input, output) in [(5, 7), (16, 16)] {
            let values = vec![f32::NAN; 8 * 8 * input];
            let map = Map {
                values: &values,
                rows: 8,
                columns: 8,
                channels: input,
            };
            let layer = FusedConvolution {
                weight: &vec![1.0; 9 * input * output],
                side: 3,
                scale: &vec![1.0; output],
                shift: &vec![0.0; output],
                relu: true,
            };
            let mut found = vec![0.0; 8 * 8 * output];
            convolve(&map, [8, 8], false, &layer, &mut found);
            assert!(found.iter().all(|v| v.is_nan()), "{input} channels");
        }
    }

    #[test]
    fn agrees_with_the_definition() {
        // Whole vectors of channels use Winograd's method.
        for (input, output, side, size, align_corners, relu) in [
            (5, 7, 3, [6, 4], false, true),
            (5, 7, 3, [12, 8], false, true),
            (5, 7, 3, [24, 16], true, false),
            (5, 7, 1, [6, 4], false, true),
            (5, 7, 1, [13, 9], false, false),
            (5, 7, 3, [1, 1], false, false),
            (16, 32, 3, [12, 8], false, true),
            (32, 16, 3, [13, 9], false, false),
            (16, 16, 3, [27, 3], true, false),
            (16, 16, 3, [2, 39], true, true),
        ] {
            let (rows, columns) = if size == [1, 1] { (1, 1) } else { (6, 4) };
            let values: Vec<f32> = (0..rows * columns * input).map(value).collect();
            let map = Map {
                values: &values,
                rows,
                columns,
                channels: input,
            };
            let weight: Vec<f32> = (0..side * side * input * output).map(|i| value(i + 3)).collect();
            let scale: Vec<f32> = (0..output).map(|i| 1.0 + value(i)).collect();
            let shift: Vec<f32> = (0..output).map(|i| value(i + 9)).collect();
            let layer = FusedConvolution {
                weight: &weight,
                side,
                scale: &scale,
                shift: &shift,
                relu,
            };
            let mut found = vec![0.0; size[0] * size[1] * output];
            convolve(&map, size, align_corners, &layer, &mut found);
            for (i, (found, expected)) in found
                .iter()
                .zip(reference(&map, size, align_corners, &layer))
                .enumerate()
            {
                // The transforms of Winograd's method lose about one digit, as its authors found.
                let tolerance = if input.is_multiple_of(16) { 5e-5 } else { 1e-5 };
                assert!(
                    (f64::from(*found) - expected).abs() < tolerance,
                    "{input} {output} {side} {size:?} {i}: {found} {expected}"
                );
            }
        }
    }
}
