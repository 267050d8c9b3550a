//! Products of rows with all panels of a packed operand.

use super::kernels::{Arithmetic, Kernels, Operands, TILE_COLUMNS, TILE_ROWS, Tile};
use super::quantise::{RowScale, WeightScales};

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
    /// Of bytes.
    pub(crate) scales: Option<WeightScales<'a>>,
}

impl Panels<'_> {
    /// Multiplies up to 12 rows, `stride` units apart in the format of [`Arithmetic::rows`], with the columns of a panel.
    ///
    /// # Panics
    /// When the rows or the panels end early, or there are no or more than 12 rows.
    #[inline]
    pub(crate) fn tile(&self, panel: usize, rows: &[u32], stride: usize, count: usize, tile: &mut Tile) {
        let size = TILE_COLUMNS * self.depth;
        let operands = Operands {
            rows,
            stride,
            count,
            panel: &self.units[panel * size..][..size],
            depth: self.depth,
        };
        self.kernels.tile(self.arithmetic, &operands, tile);
        if let Some(scales) = &self.scales {
            let mut of_rows = [RowScale::default(); TILE_ROWS];
            for (i, scale) in of_rows.iter_mut().enumerate().take(count) {
                *scale = RowScale::read(&rows[i * stride + self.depth..]);
            }
            scales.apply(panel, &of_rows, tile);
        }
    }

    /// Multiplies `count` rows with every column, on the calling thread. `work` gets one tile after another, all of the
    /// rows of a panel before the next panel.
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
        let mut tile = [[0.0; TILE_COLUMNS]; TILE_ROWS];
        for (panel, column) in (0..self.columns).step_by(TILE_COLUMNS).enumerate() {
            for row in (0..count).step_by(TILE_ROWS) {
                let place = TilePlace {
                    row,
                    rows: TILE_ROWS.min(count - row),
                    column,
                    columns: TILE_COLUMNS.min(self.columns - column),
                };
                self.tile(panel, &rows[row * stride..], stride, place.rows, &mut tile);
                work(place, &mut tile);
            }
        }
    }
}
