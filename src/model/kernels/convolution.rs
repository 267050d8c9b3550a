//! Upsampling and 3x3 or 1x1 convolution over host memory, a band of rows at a time.
//!
//! Maps are `[rows, columns, channels]`. With channels innermost the three neighbours of a pixel along a row lie side
//! by side, so the rows of a matrix that begins `channels` values further each time are already what a 3x1 convolution
//! multiplies: three matrix products per band and no copy of every neighbourhood. The upsampled map never exists as a
//! whole either, for each band interpolates the rows that it needs into memory that stays in the cache.

use multiversion::multiversion;
use rayon::prelude::*;

use super::matrix::{Strided, multiply};
use crate::numeric::Between;

/// A map in host memory.
pub(super) struct Map<'a> {
    /// `[rows, columns, channels]`.
    pub(super) values: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) channels: usize,
}

/// Where an upsampled map takes its values from.
struct Resampling {
    /// Per row of the upsampled map.
    rows: Vec<Between>,
    /// Per column.
    columns: Vec<Between>,
}

impl Resampling {
    fn new(map: &Map, [rows, columns]: [usize; 2], align_corners: bool) -> Self {
        let along = |from: usize, to: usize| (0..to).map(|i| Between::of(i, from, to, align_corners)).collect();
        Self {
            rows: along(map.rows, rows),
            columns: along(map.columns, columns),
        }
    }

    /// Row `y` of the upsampled map; `line` has room for a row of the map itself.
    fn row(&self, map: &Map, y: usize, line: &mut [f32], out: &mut [f32]) {
        let pitch = map.columns * map.channels;
        let Between { low, high, weight } = self.rows[y];
        mix(
            &map.values[low * pitch..][..pitch],
            &map.values[high * pitch..][..pitch],
            weight,
            line,
        );
        let channels = map.channels;
        for (out, across) in out.chunks_exact_mut(channels).zip(&self.columns) {
            mix(
                &line[across.low * channels..][..channels],
                &line[across.high * channels..][..channels],
                across.weight,
                out,
            );
        }
    }
}

/// Resizes `map` to `size` (rows and columns).
pub(super) fn upsample(map: &Map, size: [usize; 2], align_corners: bool) -> Vec<f32> {
    let resampling = Resampling::new(map, size, align_corners);
    let pitch = size[1] * map.channels;
    let mut out = vec![0.0; size[0] * pitch];
    out.par_chunks_exact_mut(pitch).enumerate().for_each_init(
        || vec![0.0; map.columns * map.channels],
        |line, (y, out)| resampling.row(map, y, line, out),
    );
    out
}

/// A convolution that keeps the size of a map, and what follows it.
pub(super) struct Layer<'a> {
    /// `[side * side * input channels, output channels]`, row by row of the kernel.
    pub(super) weight: &'a [f32],
    /// 1 or 3.
    pub(super) side: usize,
    /// Each output channel is multiplied by this,
    pub(super) scale: &'a [f32],
    /// then this is added,
    pub(super) shift: &'a [f32],
    /// and then negative values may become 0.
    pub(super) relu: bool,
}

/// Fewest pixels per task: enough to make up for laying out the weights anew in each matrix product.
const LEAST_PIXELS: usize = 1024;

/// Rows per task such that every thread gets as many tasks of nearly the same size.
fn rows_per_task(rows: usize, columns: usize) -> usize {
    let threads = rayon::current_num_threads();
    let least = LEAST_PIXELS.div_ceil(columns);
    let tasks = (rows / least).max(1).next_multiple_of(threads);
    rows.div_ceil(tasks)
}

/// Resizes `map` to `size` (rows and columns) and convolves the result, with zeros around it.
pub(super) fn convolve(map: &Map, size: [usize; 2], align_corners: bool, layer: &Layer) -> Vec<f32> {
    let [rows, columns] = size;
    let input = map.channels;
    let output = layer.scale.len();
    let margin = layer.side / 2;
    let resampling = (size != [map.rows, map.columns]).then(|| Resampling::new(map, size, align_corners));
    let rows_per_task = rows_per_task(rows, columns);
    // Between two rows there are the zeros that both of them need beyond their ends.
    let padded = columns + 2 * margin;
    let mut out = vec![0.0; rows * columns * output];
    out.par_chunks_mut(rows_per_task * columns * output)
        .enumerate()
        .for_each_init(
            || Scratch::new(map, rows_per_task + 2 * margin, padded, output),
            |scratch, (task, out)| {
                let top = task * rows_per_task;
                let band = out.len() / (columns * output);
                let Scratch { source, product, line } = scratch;
                for (i, row) in source
                    .chunks_exact_mut(padded * input)
                    .take(band + 2 * margin)
                    .enumerate()
                {
                    let inner = &mut row[margin * input..(margin + columns) * input];
                    // Rows above the first and below the last are zeros.
                    match (top + i).checked_sub(margin).filter(|y| *y < rows) {
                        None => inner.fill(0.0),
                        Some(y) => match &resampling {
                            Some(resampling) => resampling.row(map, y, line, inner),
                            None => inner.copy_from_slice(&map.values[y * columns * input..][..columns * input]),
                        },
                    }
                }
                // The last pixels of the last row reach into zeros; those between two rows give values nobody takes.
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
    out
}

/// Memory of one thread.
struct Scratch {
    /// The rows of a band with the margins around them.
    source: Vec<f32>,
    /// Their products.
    product: Vec<f32>,
    /// One row of the map before it is upsampled along the row.
    line: Vec<f32>,
}

impl Scratch {
    fn new(map: &Map, rows: usize, padded: usize, output: usize) -> Self {
        Self {
            source: vec![0.0; rows * padded * map.channels],
            product: vec![0.0; rows * padded * output],
            line: vec![0.0; map.columns * map.channels],
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn mix(low: &[f32], high: &[f32], weight: f32, out: &mut [f32]) {
    for ((o, l), h) in out.iter_mut().zip(low).zip(high) {
        *o = (*h - *l).mul_add(weight, *l);
    }
}

fn finish_row(from: &[f32], layer: &Layer, to: &mut [f32]) {
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
        *out = if value > floor { value } else { floor };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(i: usize) -> f32 {
        ((i * 37 % 101) as f32 - 50.0) * 0.02
    }

    /// The definition, one value after the other, in f64.
    fn reference(map: &Map, size: [usize; 2], align_corners: bool, layer: &Layer) -> Vec<f64> {
        let [rows, columns] = size;
        let at = |y: isize, x: isize, c: usize| -> f64 {
            if y < 0 || x < 0 || y >= rows as isize || x >= columns as isize {
                return 0.0;
            }
            let down = Between::of(y as usize, map.rows, rows, align_corners);
            let across = Between::of(x as usize, map.columns, columns, align_corners);
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
    fn agrees_with_the_definition() {
        let (input, output) = (5, 7);
        for (side, size, align_corners, relu) in [
            (3, [6, 4], false, true),
            (3, [12, 8], false, true),
            (3, [24, 16], true, false),
            (1, [6, 4], false, true),
            (1, [13, 9], false, false),
            (3, [1, 1], false, false),
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
            let layer = Layer {
                weight: &weight,
                side,
                scale: &scale,
                shift: &shift,
                relu,
            };
            let found = convolve(&map, size, align_corners, &layer);
            for (i, (found, expected)) in found
                .iter()
                .zip(reference(&map, size, align_corners, &layer))
                .enumerate()
            {
                assert!(
                    (f64::from(*found) - expected).abs() < 1e-5,
                    "{side} {size:?} {i}: {found} {expected}"
                );
            }
        }
    }
}
