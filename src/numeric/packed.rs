//! Weights in the order in which the kernels read them.

use rayon::prelude::*;

use super::aligned::Aligned;
use super::bf16::pair;
use super::kernels::{Arithmetic, Format, Kernels, Operands, TILE_COLUMNS, TILE_ROWS, Tile};

/// Columns of half a panel.
const HALF: usize = TILE_COLUMNS / 2;

/// The weights `[outputs, inputs]` of a linear layer, packed once for many products.
///
/// Panels of 32 outputs, padded with zeros; see [`Operands`].
pub(crate) struct PackedMatrix {
    kernels: Kernels,
    arithmetic: Arithmetic,
    outputs: usize,
    inputs: usize,
    panels: Aligned,
}

impl std::fmt::Debug for PackedMatrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "PackedMatrix([{}, {}], {:?})",
            self.outputs, self.inputs, self.arithmetic
        )
    }
}

/// The part of a product that a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TilePlace {
    /// First row.
    pub(crate) row: usize,
    /// Number of rows.
    pub(crate) rows: usize,
    /// First column, a multiple of 32.
    pub(crate) column: usize,
    /// Number of columns; the others of the tile are padding.
    pub(crate) columns: usize,
}

impl PackedMatrix {
    /// Packs `weights`, row by row `[outputs, inputs]`.
    ///
    /// # Panics
    /// When there are not `outputs * inputs` weights.
    pub(crate) fn pack(
        weights: &[f32],
        [outputs, inputs]: [usize; 2],
        arithmetic: Arithmetic,
        kernels: Kernels,
    ) -> Self {
        assert_eq!(weights.len(), outputs * inputs, "weights of another size");
        let depth = arithmetic.weights().units(inputs);
        let mut panels = Aligned::new(outputs.div_ceil(TILE_COLUMNS) * TILE_COLUMNS * depth);
        if depth > 0 {
            let halves = panels.units_mut().par_chunks_mut(HALF * depth).enumerate();
            halves.for_each(|(i, half)| {
                let rows = weights.chunks_exact(inputs).skip(i * HALF).take(HALF);
                for (column, row) in rows.enumerate() {
                    let to = half.iter_mut().skip(column).step_by(HALF);
                    match arithmetic.weights() {
                        Format::F32 => to.zip(row).for_each(|(unit, value)| *unit = value.to_bits()),
                        Format::Bf16 => to.zip(row.chunks(2)).for_each(|(unit, values)| {
                            *unit = pair(values[0], values.get(1).copied().unwrap_or(0.0));
                        }),
                    }
                }
            });
        }
        Self {
            kernels,
            arithmetic,
            outputs,
            inputs,
            panels,
        }
    }

    /// Number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Number of inputs.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// What its products multiply.
    pub(crate) fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
    }

    /// Size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.panels.units())
    }

    /// Multiplies `count` rows, `stride` units apart in the format of [`Arithmetic::rows`], with every output, on the
    /// calling thread. `finish` gets one tile after another, all of the rows of a panel before the next panel.
    ///
    /// # Panics
    /// When the rows end early.
    pub(crate) fn multiply(
        &self,
        rows: &[u32],
        stride: usize,
        count: usize,
        mut finish: impl FnMut(TilePlace, &mut Tile),
    ) {
        let depth = self.arithmetic.weights().units(self.inputs);
        let mut tile = [[0.0; TILE_COLUMNS]; TILE_ROWS];
        for (i, column) in (0..self.outputs).step_by(TILE_COLUMNS).enumerate() {
            let panel = &self.panels.units()[i * TILE_COLUMNS * depth..][..TILE_COLUMNS * depth];
            for row in (0..count).step_by(TILE_ROWS) {
                let place = TilePlace {
                    row,
                    rows: TILE_ROWS.min(count - row),
                    column,
                    columns: TILE_COLUMNS.min(self.outputs - column),
                };
                let operands = Operands {
                    rows: &rows[row * stride..],
                    stride,
                    count: place.rows,
                    panel,
                    depth,
                };
                self.kernels.tile(self.arithmetic, &operands, &mut tile);
                finish(place, &mut tile);
            }
        }
    }
}
