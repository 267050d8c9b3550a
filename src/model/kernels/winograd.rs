//! 3x3 convolution by Winograd's method, which needs a quarter of the multiplications.
//!
//! F(4x4, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (arXiv 1509.09308, section 4):
//! 6x6 inputs of a tile, transformed, times the transformed kernel give 4x4 outputs, transformed. The 36 values of a
//! tile are multiplied independently, so over all tiles and channels they are 36 matrix products.

use multiversion::multiversion;
use rayon::prelude::*;

use super::convolution::FusedConvolution;
use super::sharing::share_out;
use super::upsampling::Upsampled;
use crate::numeric::{Strided, multiply};

/// Outputs of a tile per side.
const TILE: usize = 4;

/// Inputs of a tile per side: those of its outputs and one around them.
const PATCH: usize = TILE + 2;

/// Values of a transformed tile, and so matrix products.
const PRODUCTS: usize = PATCH * PATCH;

/// Channels that are transformed together, one per vector lane.
const LANES: usize = 16;

/// Maximum number of tiles per task: enough to make up for packing the weights again in each product, and few enough
/// that the transformed tiles of all threads stay in the last-level cache.
const MAX_TILES: usize = 128;

/// Minimum number of outputs per channel: below it, transforming the kernel costs more than the method saves.
const MIN_PIXELS: usize = 64;

type Lanes = [f32; LANES];

/// Whether a convolution can use Winograd's method, and whether it is worth it.
pub(super) fn fits(map: &Upsampled, layer: &FusedConvolution) -> bool {
    let whole_lanes = |channels: usize| channels.is_multiple_of(LANES);
    layer.side == 3
        && whole_lanes(map.channels())
        && whole_lanes(layer.scale.len())
        && map.rows * map.columns >= MIN_PIXELS
}

/// Convolves `map`, with zeros around it, into `out`; see [`fits`].
pub(super) fn convolve(map: &Upsampled, layer: &FusedConvolution, out: &mut [f32]) {
    let (input, output) = (map.channels(), layer.scale.len());
    let kernel = transformed_kernel(layer.weight, input, output);
    let across = map.columns.div_ceil(TILE);
    let down = map.rows.div_ceil(TILE);
    let rows_per_task = tile_rows_per_task(down, across);
    share_out(
        out.chunks_mut(rows_per_task * TILE * map.columns * output),
        || Scratch::new(map, rows_per_task, across, output),
        |scratch, task, out| {
            scratch.load(map, task * rows_per_task * TILE);
            scratch.multiply(&kernel);
            scratch.store(layer, out);
        },
    );
}

/// Rows of tiles per task, so that every thread gets the same number of tasks of nearly the same size.
fn tile_rows_per_task(down: usize, across: usize) -> usize {
    let most = (MAX_TILES / across).max(1);
    let threads = rayon::current_num_threads();
    let tasks = down.div_ceil(most).next_multiple_of(threads);
    down.div_ceil(tasks)
}

/// Scratch memory of one thread, for a band of tiles.
struct Scratch {
    /// The band's pixels and one around them, `[rows, columns, input channels]`.
    source: Vec<f32>,
    /// Pixels of a row of `source`.
    pitch: usize,
    /// Transformed inputs, a matrix `[tiles, input channels]` for each of the [`PRODUCTS`].
    inputs: Planes,
    /// Transformed outputs, a matrix `[tiles, output channels]` for each.
    outputs: Planes,
    /// Tiles in a row.
    across: usize,
    /// Rows of tiles.
    down: usize,
    columns: usize,
    line: Vec<f32>,
}

/// Matrices `[tiles, channels]`, one per value of a transformed tile.
struct Planes {
    values: Vec<f32>,
    tiles: usize,
    channels: usize,
    /// Distance from one matrix to the next, in values. It is one cache line more than a matrix takes, because the
    /// values of a tile would share few cache sets if they were a power of two apart.
    step: usize,
}

impl Planes {
    fn new(tiles: usize, channels: usize) -> Self {
        let step = tiles * channels + LANES;
        Self {
            values: vec![0.0; PRODUCTS * step],
            tiles,
            channels,
            step,
        }
    }

    fn plane(&self, i: usize) -> Strided<'_> {
        Strided {
            values: &self.values[i * self.step..][..self.tiles * self.channels],
            rows: self.tiles,
            columns: self.channels,
            row: self.channels,
            column: 1,
        }
    }
}

impl Scratch {
    fn new(map: &Upsampled, down: usize, across: usize, output: usize) -> Self {
        let pitch = across * TILE + 2;
        let tiles = down * across;
        Self {
            source: vec![0.0; (down * TILE + 2) * pitch * map.channels()],
            pitch,
            inputs: Planes::new(tiles, map.channels()),
            outputs: Planes::new(tiles, output),
            across,
            down,
            columns: map.columns,
            line: map.line(),
        }
    }

    /// Loads the band whose first row is `top` and transforms it.
    fn load(&mut self, map: &Upsampled, top: usize) {
        let channels = map.channels();
        let rows = self.source.chunks_exact_mut(self.pitch * channels);
        for (i, row) in rows.enumerate() {
            // The columns before and after are never written, so they stay zeros.
            let inner = &mut row[channels..(1 + self.columns) * channels];
            map.row(top + i, 1, &mut self.line, inner);
        }
        for tile in 0..self.down * self.across {
            let (y, x) = (tile / self.across * TILE, tile % self.across * TILE);
            let first = (y * self.pitch + x) * channels;
            let values = &mut self.inputs.values[tile * channels..];
            transform_inputs(&self.source[first..], self.pitch, channels, values, self.inputs.step);
        }
    }

    fn multiply(&mut self, kernel: &Planes) {
        let output = self.outputs.channels;
        for i in 0..PRODUCTS {
            let out = &mut self.outputs.values[i * self.outputs.step..];
            multiply(&self.inputs.plane(i), &kernel.plane(i), out, output, false);
        }
    }

    /// Writes the band to `out`; its last rows may be below the map.
    fn store(&self, layer: &FusedConvolution, out: &mut [f32]) {
        let channels = self.outputs.channels;
        let rows = out.len() / (self.columns * channels);
        let mut values = vec![0.0; TILE * TILE * channels];
        for tile in 0..self.down * self.across {
            let (top, left) = (tile / self.across * TILE, tile % self.across * TILE);
            if top >= rows {
                return;
            }
            let from = &self.outputs.values[tile * channels..];
            transform_outputs(from, self.outputs.step, layer, &mut values);
            let width = TILE.min(self.columns - left) * channels;
            let lines = values.chunks_exact(TILE * channels).take(rows - top);
            for (y, line) in lines.enumerate() {
                let at = ((top + y) * self.columns + left) * channels;
                out[at..at + width].copy_from_slice(&line[..width]);
            }
        }
    }
}

/// `G g Gᵀ` of every kernel: `weight` is `[3, 3, input, output]`.
fn transformed_kernel(weight: &[f32], input: usize, output: usize) -> Planes {
    let mut planes = Planes::new(input, output);
    let mut rows: Vec<Vec<&mut [f32]>> = (0..input).map(|_| Vec::with_capacity(PRODUCTS)).collect();
    for plane in planes.values.chunks_exact_mut(planes.step) {
        for (rows, row) in rows.iter_mut().zip(plane.chunks_exact_mut(output)) {
            rows.push(row);
        }
    }
    rows.par_iter_mut().enumerate().for_each(|(i, rows)| {
        transform_kernels(&weight[i * output..], input * output, rows);
    });
    planes
}

/// Transforms the kernels of one input channel: nine rows of `weight`, `step` apart, to 36.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn transform_kernels(weight: &[f32], step: usize, out: &mut [&mut [f32]]) {
    let output = out.first().map_or(0, |row| row.len());
    for c in (0..output).step_by(LANES) {
        let mut down = [[[0.0f32; LANES]; 3]; PATCH];
        for x in 0..3 {
            let column: [Lanes; 3] = std::array::from_fn(|y| lanes(weight, (y * 3 + x) * step + c));
            for (row, value) in down.iter_mut().zip(kernel_line(column)) {
                row[x] = value;
            }
        }
        for (y, row) in down.into_iter().enumerate() {
            for (x, value) in kernel_line(row).into_iter().enumerate() {
                out[y * PATCH + x][c..c + LANES].copy_from_slice(&value);
            }
        }
    }
}

/// `Bᵀ d B` of a tile, whose first pixel is the first of `source`; its values are written `step` apart.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn transform_inputs(source: &[f32], pitch: usize, channels: usize, out: &mut [f32], step: usize) {
    for c in (0..channels).step_by(LANES) {
        let mut down = [[[0.0f32; LANES]; PATCH]; PATCH];
        for x in 0..PATCH {
            let column: [Lanes; PATCH] = std::array::from_fn(|y| lanes(source, (y * pitch + x) * channels + c));
            for (row, value) in down.iter_mut().zip(input_line(column)) {
                row[x] = value;
            }
        }
        for (y, row) in down.into_iter().enumerate() {
            for (x, value) in input_line(row).into_iter().enumerate() {
                out[(y * PATCH + x) * step + c..][..LANES].copy_from_slice(&value);
            }
        }
    }
}

/// `Aᵀ m A` of a tile, then scale, shift and ReLU; `out` is `[4, 4, channels]`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn transform_outputs(from: &[f32], step: usize, layer: &FusedConvolution, out: &mut [f32]) {
    let channels = layer.scale.len();
    let floor = if layer.relu { 0.0 } else { f32::NEG_INFINITY };
    for c in (0..channels).step_by(LANES) {
        let mut down = [[[0.0f32; LANES]; PATCH]; TILE];
        for x in 0..PATCH {
            let column: [Lanes; PATCH] = std::array::from_fn(|y| lanes(from, (y * PATCH + x) * step + c));
            for (row, value) in down.iter_mut().zip(output_line(column)) {
                row[x] = value;
            }
        }
        let (scale, shift) = (lanes(layer.scale, c), lanes(layer.shift, c));
        for (y, row) in down.into_iter().enumerate() {
            for (x, value) in output_line(row).into_iter().enumerate() {
                let out = &mut out[(y * TILE + x) * channels + c..][..LANES];
                for i in 0..LANES {
                    let value = value[i].mul_add(scale[i], shift[i]);
                    // With the opposite comparison, NaN would become the floor.
                    out[i] = if value < floor { floor } else { value };
                }
            }
        }
    }
}

#[inline(always)]
fn lanes(values: &[f32], at: usize) -> Lanes {
    let mut lanes = [0.0; LANES];
    lanes.copy_from_slice(&values[at..at + LANES]);
    lanes
}

/// `G g`.
#[inline(always)]
fn kernel_line(g: [Lanes; 3]) -> [Lanes; PATCH] {
    let mut out = [[0.0; LANES]; PATCH];
    for i in 0..LANES {
        let [a, b, c] = [g[0][i], g[1][i], g[2][i]];
        let even = (a + c) * (1.0 / 6.0);
        let far = a * (1.0 / 24.0) + c * (1.0 / 6.0);
        out[0][i] = a * 0.25;
        out[1][i] = -even - b * (1.0 / 6.0);
        out[2][i] = -even + b * (1.0 / 6.0);
        out[3][i] = far + b * (1.0 / 12.0);
        out[4][i] = far - b * (1.0 / 12.0);
        out[5][i] = c;
    }
    out
}

/// `Bᵀ d`.
#[inline(always)]
fn input_line(d: [Lanes; PATCH]) -> [Lanes; PATCH] {
    let mut out = [[0.0; LANES]; PATCH];
    for i in 0..LANES {
        let near = d[4][i] - 4.0 * d[2][i];
        let near_odd = d[3][i] - 4.0 * d[1][i];
        let far = d[4][i] - d[2][i];
        let far_odd = 2.0 * (d[3][i] - d[1][i]);
        out[0][i] = 4.0 * d[0][i] - 5.0 * d[2][i] + d[4][i];
        out[1][i] = near + near_odd;
        out[2][i] = near - near_odd;
        out[3][i] = far + far_odd;
        out[4][i] = far - far_odd;
        out[5][i] = 4.0 * d[1][i] - 5.0 * d[3][i] + d[5][i];
    }
    out
}

/// `Aᵀ m`.
#[inline(always)]
fn output_line(m: [Lanes; PATCH]) -> [Lanes; TILE] {
    let mut out = [[0.0; LANES]; TILE];
    for i in 0..LANES {
        let (near, near_odd) = (m[1][i] + m[2][i], m[1][i] - m[2][i]);
        let (far, far_odd) = (m[3][i] + m[4][i], m[3][i] - m[4][i]);
        out[0][i] = m[0][i] + near + far;
        out[1][i] = near_odd + 2.0 * far_odd;
        out[2][i] = near + 4.0 * far;
        out[3][i] = near_odd + 8.0 * far_odd + m[5][i];
    }
    out
}
