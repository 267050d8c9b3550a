//! Products of rows with all panels of a packed operand.

use super::kernels::{Arithmetic, Kernels, Operands, TILE_COLUMNS, TILE_ROWS, Tile};

/// Columns whose units lie together in a panel.
pub(crate) const HALF: usize = TILE_COLUMNS / 2;

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

/// The right operand of a product, and how it is multiplied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panels<'a> {
    pub(crate) kernels: Kernels,
    pub(crate) arithmetic: Arithmetic,
    /// One panel after another; see [`Operands`].
    pub(crate) units: &'a [u32],
    /// Units of a column.
    pub(crate) depth: usize,
    /// Number of columns, without the last panel's padding.
    pub(crate) columns: usize,
}

impl Panels<'_> {
    /// Multiplies `count` rows, `stride` units apart in the format of [`Arithmetic::rows`], with every column, on the
    /// calling thread. `work` gets one tile after another, all of the rows of a panel before the next panel.
    ///
    /// # Panics
    /// When the rows or the panels end early.
    pub(crate) fn multiply(
        &self,
        rows: &[u32],
        stride: usize,
        count: usize,
        mut work: impl FnMut(TilePlace, &mut Tile),
    ) {
        let size = TILE_COLUMNS * self.depth;
        let mut tile = [[0.0; TILE_COLUMNS]; TILE_ROWS];
        for (i, column) in (0..self.columns).step_by(TILE_COLUMNS).enumerate() {
            let panel = &self.units[i * size..][..size];
            for row in (0..count).step_by(TILE_ROWS) {
                let place = TilePlace {
                    row,
                    rows: TILE_ROWS.min(count - row),
                    column,
                    columns: TILE_COLUMNS.min(self.columns - column),
                };
                let operands = Operands {
                    rows: &rows[row * stride..],
                    stride,
                    count: place.rows,
                    panel,
                    depth: self.depth,
                };
                self.kernels.tile(self.arithmetic, &operands, &mut tile);
                work(place, &mut tile);
            }
        }
    }
}
