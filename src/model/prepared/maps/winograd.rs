//! 3x3 convolution by Winograd's method, which needs 4/9 (F(2x2)) or 1/4 (F(4x4)) of the multiplications.
//!
//! The values of a transformed tile are multiplied independently, so over all tiles and channels they are 16 or 36
//! matrix products, each of whose operands, for the tiles of a task, fit into a second-level cache.

use std::marker::PhantomData;

use multiversion::multiversion;
use rayon::prelude::*;

use super::super::linear::PreparedLinear;
use super::super::partition::Pool;
use super::super::tile_operations::Columns;
use super::Map;
use super::methods::{LANES, Lanes, Method};
use super::upsampling::Upsampled;
use crate::numeric::{
    Aligned, Arithmetic, Format, Kernels, PackedMatrix, RowLayout, TILE_COLUMNS, TILE_ROWS, Tile, pair,
};

/// Maximum number of tiles per task: enough to read the weights rarely, and few enough that the transformed inputs of
/// all threads stay in the last-level cache.
const MAX_TILES: usize = 128;

/// Pixels that go through the layer after a convolution at a time.
const ROWS_AFTER: usize = 43 * TILE_ROWS;

/// A 3x3 convolution with padding, its kernel transformed and packed. `M` is [`Method<T, P>`].
#[derive(Debug)]
pub(super) struct Winograd<M, const T: usize, const P: usize> {
    /// `[output, input]` for each value of a transformed tile, row by row.
    matrices: Vec<PackedMatrix>,
    /// Layout of the transformed inputs, `[input]`.
    layout: RowLayout,
    method: PhantomData<M>,
}

/// What follows a convolution: the bias of each panel's outputs, and perhaps ReLU.
#[derive(Debug)]
pub(super) struct Finish {
    pub(super) bias: Vec<Columns>,
    pub(super) relu: bool,
}

impl<M: Method<T, P>, const T: usize, const P: usize> Winograd<M, T, P> {
    /// Transforms `weights` `[output, input, 3, 3]`; `arithmetic` is [`Arithmetic::F32`] or [`Arithmetic::Bf16`].
    pub(super) fn pack(weights: &[f32], [output, input]: [usize; 2], arithmetic: Arithmetic, kernels: Kernels) -> Self {
        let matrices = (0..P * P).map(|i| {
            let (down, across) = (M::KERNEL[i / P], M::KERNEL[i % P]);
            let factors: [f64; 9] = std::array::from_fn(|k| down[k / 3] * across[k % 3]);
            let transformed = weights.par_chunks_exact(9).map(|kernel| {
                let terms = kernel.iter().zip(factors);
                terms.map(|(weight, factor)| f64::from(*weight) * factor).sum::<f64>() as f32
            });
            let transformed: Vec<f32> = transformed.collect();
            PackedMatrix::pack(&transformed, [output, input], arithmetic, kernels)
        });
        Self {
            matrices: matrices.collect(),
            layout: RowLayout::for_products(arithmetic, input),
            method: PhantomData,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.matrices.iter().map(PackedMatrix::bytes).sum()
    }

    fn outputs(&self) -> usize {
        self.matrices.first().map_or(0, PackedMatrix::outputs)
    }

    /// Convolves `map`, with zeros around it, and takes each pixel through the layer `then`, if there is one: the map
    /// between them, which can be the largest of a network, is never in memory as a whole.
    pub(super) fn convolve(&self, map: &Upsampled, finish: &Finish, then: Option<&PreparedLinear>) -> Map {
        let across = map.columns.div_ceil(T);
        let down = tile_rows_per_task(map.rows.div_ceil(T), across);
        let output = then.map_or(self.outputs(), PreparedLinear::outputs);
        let mut out = Map::zeros([map.rows, map.columns], output);
        let bands = out.values.par_chunks_mut((down * T * map.columns * output).max(1));
        let pool = Pool::new();
        bands.enumerate().for_each(|(band, out)| {
            pool.with(
                || Scratch::<P>::new(map, [down, across], T, self.layout, finish.bias.len()),
                |scratch| {
                    scratch.load::<M, T>(map, band * down * T);
                    let Some(then) = then else {
                        self.multiply(map.columns, scratch, finish, out);
                        return;
                    };
                    let mut between = std::mem::take(&mut scratch.between);
                    between.resize(out.len() / output * self.outputs(), 0.0);
                    self.multiply(map.columns, scratch, finish, &mut between);
                    let rows = between.chunks(ROWS_AFTER * self.outputs());
                    for (rows, out) in rows.zip(out.chunks_mut(ROWS_AFTER * output)) {
                        then.add_outputs(rows, &mut scratch.rows, out);
                    }
                    scratch.between = between;
                },
            );
        });
        out
    }

    /// Multiplies the transformed inputs and writes the rows of `out`, which may be fewer than those of the tiles.
    fn multiply(&self, columns: usize, scratch: &mut Scratch<P>, finish: &Finish, out: &mut [f32]) {
        let output = self.outputs();
        let stride = self.layout.stride;
        let tiles = scratch.down * scratch.across;
        let panels = finish.bias.len().max(1);
        let blocks = tiles.div_ceil(TILE_ROWS).max(1);
        let products = scratch.products.chunks_exact_mut(panels * blocks);
        for (i, (matrix, products)) in self.matrices.iter().zip(products).enumerate() {
            for (panel, products) in products.chunks_exact_mut(blocks).enumerate() {
                for (first, products) in (0..tiles).step_by(TILE_ROWS).zip(products) {
                    let rows = &scratch.inputs.units()[(i * tiles + first) * stride..];
                    let count = TILE_ROWS.min(tiles - first);
                    matrix.panels().tile(panel, rows, stride, count, products);
                }
            }
        }
        for (panel, bias) in finish.bias.iter().enumerate() {
            for tile in 0..tiles {
                let place = Place {
                    top: tile / scratch.across * T,
                    left: tile % scratch.across * T,
                    columns,
                    channel: panel * TILE_COLUMNS,
                    channels: output,
                };
                let products = Products {
                    tiles: &scratch.products[panel * blocks + tile / TILE_ROWS..],
                    step: panels * blocks,
                    row: tile % TILE_ROWS,
                };
                write_outputs::<M, T, P>(products, bias, finish.relu, place, out);
            }
        }
    }
}

/// Rows of tiles per task, so that every thread gets the same number of tasks of nearly the same size.
fn tile_rows_per_task(down: usize, across: usize) -> usize {
    let most = (MAX_TILES / across.max(1)).max(1);
    let threads = rayon::current_num_threads();
    let tasks = down.div_ceil(most).next_multiple_of(threads);
    down.div_ceil(tasks.max(1)).max(1)
}

/// Memory of a task, for a band of tiles.
struct Scratch<const P: usize> {
    /// The band's pixels and one around them, `[rows, columns, channels]`.
    source: Vec<f32>,
    /// Pixels of a row of `source`.
    pitch: usize,
    /// Transformed inputs: rows `[tiles]` for each value of a transformed tile.
    inputs: Aligned,
    layout: RowLayout,
    /// Products: twelve tiles by 32 output channels, for all tiles, all channels and each value of a transformed tile.
    products: Vec<Tile>,
    /// Rows of tiles.
    down: usize,
    /// Tiles in a row.
    across: usize,
    line: Vec<f32>,
    /// The convolved band, and rows of it, where a layer follows.
    between: Vec<f32>,
    rows: Aligned,
}

impl<const P: usize> Scratch<P> {
    fn new(map: &Upsampled, [down, across]: [usize; 2], side: usize, layout: RowLayout, panels: usize) -> Self {
        let pitch = across * side + 2;
        Self {
            source: vec![0.0; (down * side + 2) * pitch * map.channels()],
            pitch,
            inputs: layout.memory(P * P * down * across),
            layout,
            products: vec![[[0.0; TILE_COLUMNS]; TILE_ROWS]; P * P * panels * (down * across).div_ceil(TILE_ROWS)],
            down,
            across,
            line: map.line(),
            between: Vec::new(),
            rows: Aligned::default(),
        }
    }

    /// Loads the band whose first row is `top` and transforms it.
    fn load<M: Method<T, P>, const T: usize>(&mut self, map: &Upsampled, top: usize) {
        let channels = map.channels();
        let rows = self.source.chunks_exact_mut(self.pitch * channels);
        for (i, row) in rows.enumerate() {
            // The columns before and after are never written, so they stay zeros.
            let inner = &mut row[channels..(1 + map.columns) * channels];
            map.row(top + i, 1, &mut self.line, inner);
        }
        let tiles = self.down * self.across;
        let stride = self.layout.stride;
        for tile in 0..tiles {
            let (y, x) = (tile / self.across * T, tile % self.across * T);
            let source = Source {
                values: &self.source[(y * self.pitch + x) * channels..],
                pitch: self.pitch,
                channels,
            };
            let rows = &mut self.inputs.units_mut()[tile * stride..];
            transform_inputs::<M, T, P>(source, rows, tiles * stride, self.layout.format);
        }
    }
}

/// The inputs of a tile: its first pixel is the first of `values`.
#[derive(Clone, Copy)]
struct Source<'a> {
    values: &'a [f32],
    /// Pixels of a row.
    pitch: usize,
    channels: usize,
}

/// `Bᵀ d B` of a tile; its values are written `step` units apart.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn transform_inputs<M: Method<T, P>, const T: usize, const P: usize>(
    source: Source,
    out: &mut [u32],
    step: usize,
    format: Format,
) {
    let Source {
        values,
        pitch,
        channels,
    } = source;
    for c in (0..channels).step_by(LANES) {
        let count = LANES.min(channels - c);
        let mut down = [[[0.0f32; LANES]; P]; P];
        for x in 0..P {
            let mut column = [[0.0f32; LANES]; P];
            for (y, lanes) in column.iter_mut().enumerate() {
                let at = (y * pitch + x) * channels + c;
                if count == LANES {
                    lanes.copy_from_slice(&values[at..at + LANES]);
                } else {
                    lanes[..count].copy_from_slice(&values[at..at + count]);
                }
            }
            let transformed = M::inputs(&column);
            for (row, value) in down.iter_mut().zip(&transformed) {
                row[x] = *value;
            }
        }
        for (y, row) in down.iter().enumerate() {
            let transformed = M::inputs(row);
            for (x, lanes) in transformed.iter().enumerate() {
                let at = (y * P + x) * step;
                match format {
                    Format::F32 => {
                        let to = &mut out[at + c..][..count];
                        for (unit, value) in to.iter_mut().zip(lanes) {
                            *unit = value.to_bits();
                        }
                    }
                    Format::Bf16 => {
                        let to = &mut out[at + c / 2..][..count.div_ceil(2)];
                        for (unit, [first, second]) in to.iter_mut().zip(lanes.as_chunks::<2>().0) {
                            *unit = pair(*first, *second);
                        }
                    }
                    Format::Int8 => unreachable!("convolutions multiply f32 or bf16"),
                }
            }
        }
    }
}

/// Where the outputs of a tile go in a band `[rows, columns, channels]`.
#[derive(Clone, Copy)]
struct Place {
    top: usize,
    left: usize,
    columns: usize,
    /// The first channel.
    channel: usize,
    channels: usize,
}

/// The products of a tile.
#[derive(Clone, Copy)]
struct Products<'a> {
    /// Those for the first value of the transformed tile are in the first, those for the others each `step` further.
    tiles: &'a [Tile],
    step: usize,
    row: usize,
}

/// `Aᵀ m A` of a tile, with what follows the convolution. Outputs beyond the band are left out.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn write_outputs<M: Method<T, P>, const T: usize, const P: usize>(
    products: Products,
    bias: &Columns,
    relu: bool,
    place: Place,
    out: &mut [f32],
) {
    let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
    let width = place.columns * place.channels;
    for half in 0..TILE_COLUMNS / LANES {
        let channel = place.channel + half * LANES;
        if channel >= place.channels {
            return;
        }
        let count = LANES.min(place.channels - channel);
        let mut down = [[[0.0f32; LANES]; P]; T];
        for x in 0..P {
            let mut column = [[0.0f32; LANES]; P];
            for (y, lanes) in column.iter_mut().enumerate() {
                *lanes = half_of(&products.tiles[(y * P + x) * products.step][products.row], half);
            }
            let transformed = M::outputs(&column);
            for (row, value) in down.iter_mut().zip(&transformed) {
                row[x] = *value;
            }
        }
        let bias = half_of(bias, half);
        let lines = out.chunks_exact_mut(width).skip(place.top);
        for (line, row) in lines.zip(&down) {
            let mut transformed = M::outputs(row);
            for lanes in &mut transformed {
                for (x, b) in lanes.iter_mut().zip(&bias) {
                    let value = *x + *b;
                    // With the opposite comparison, NaN would become the floor.
                    *x = if value < floor { floor } else { value };
                }
            }
            let pixels = line.chunks_exact_mut(place.channels).skip(place.left);
            for (pixel, lanes) in pixels.zip(&transformed) {
                let to = &mut pixel[channel..];
                if count == LANES {
                    to[..LANES].copy_from_slice(lanes);
                } else {
                    to[..count].copy_from_slice(&lanes[..count]);
                }
            }
        }
    }
}

#[inline(always)]
fn half_of(columns: &Columns, half: usize) -> Lanes {
    columns.as_chunks::<LANES>().0[half]
}
