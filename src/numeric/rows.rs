//! Rows of activations, the left operands of products.

use super::aligned::Aligned;
use super::bf16::{round_to_pairs, widened};
use super::kernels::Format;

/// Units between the end of a row and the start of the next. Rows of a power of two would all fall into the same few
/// sets of the first-level cache.
const GAP: usize = 16;

/// Where the rows of a buffer are and what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowLayout {
    pub(crate) format: Format,
    /// Units from the start of a row to the start of the next.
    pub(crate) stride: usize,
}

impl RowLayout {
    /// Rows of `values` values.
    pub(crate) fn of(format: Format, values: usize) -> Self {
        Self {
            format,
            stride: format.units(values) + GAP,
        }
    }

    /// Memory for `count` rows, zero at first.
    pub(crate) fn memory(self, count: usize) -> Aligned {
        Aligned::new(count * self.stride)
    }

    /// The `count` values of a row from the index `from` on, which must be even in rows of bf16.
    pub(crate) fn read(self, row: &[u32], from: usize, count: usize) -> impl Iterator<Item = f32> {
        let units = &row[self.format.units(from)..self.format.units(from + count)];
        let values = units.iter().flat_map(move |unit| match self.format {
            Format::F32 => [Some(f32::from_bits(*unit)), None],
            Format::Bf16 => widened(*unit).map(Some),
        });
        values.flatten().take(count)
    }

    /// Writes `values` into a row, from the value at index `from` on, which must be even in rows of bf16.
    #[inline]
    pub(crate) fn write(self, row: &mut [u32], from: usize, values: &[f32]) {
        let at = self.format.units(from);
        let row = &mut row[at..at + self.format.units(values.len())];
        match self.format {
            Format::F32 => {
                for (unit, value) in row.iter_mut().zip(values) {
                    *unit = value.to_bits();
                }
            }
            Format::Bf16 => round_to_pairs(values, row),
        }
    }
}
