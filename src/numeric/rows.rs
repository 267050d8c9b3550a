//! Rows of activations, the left operands of products.

use super::aligned::Aligned;
use super::bf16::{round_to_pairs, widen_pairs, widened};
use super::kernels::{Arithmetic, Format};
use super::quantise::{RowScale, quantise_row};

/// Units between the end of a row and the start of the next. Rows of a power of two would all fall into the same few
/// sets of the first-level cache.
const GAP: usize = 16;

/// The units between rows also hold the scales of rows of bytes.
const _: () = assert!(GAP >= RowScale::UNITS);

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

    /// Rows of `values` values that are multiplied.
    pub(crate) fn for_products(arithmetic: Arithmetic, values: usize) -> Self {
        // A pair of weights also reads the activation after an odd last one.
        Self::of(arithmetic.rows(), values.next_multiple_of(2))
    }

    /// Memory for `count` rows, zero at first.
    pub(crate) fn memory(self, count: usize) -> Aligned {
        Aligned::new(count * self.stride)
    }

    /// The `count` values of a row from the index `from` on, which must be even in rows of bf16.
    ///
    /// # Panics
    /// For rows of bytes, which nothing reads back.
    pub(crate) fn read(self, row: &[u32], from: usize, count: usize) -> impl Iterator<Item = f32> {
        let units = &row[self.format.units(from)..self.format.units(from + count)];
        let values = units.iter().flat_map(move |unit| match self.format {
            Format::F32 => [Some(f32::from_bits(*unit)), None],
            Format::Bf16 => widened(*unit).map(Some),
            Format::Int8 => unreachable!("rows of bytes are only multiplied"),
        });
        values.flatten().take(count)
    }

    /// The values of a row of f32 or bf16, which are widened into `memory`.
    ///
    /// # Panics
    /// For rows of bytes, which nothing reads back.
    pub(crate) fn widened<'a>(self, row: &'a [u32], memory: &'a mut [f32]) -> &'a [f32] {
        let row = &row[..self.format.units(memory.len())];
        match self.format {
            Format::F32 => bytemuck::cast_slice(row),
            Format::Bf16 => {
                widen_pairs(row, memory);
                memory
            }
            Format::Int8 => unreachable!("rows of bytes are only multiplied"),
        }
    }

    /// Writes `values` into a row, from the value at index `from` on, which must be even in rows of bf16. A row of bytes is
    /// written as a whole.
    ///
    /// # Panics
    /// For a row of bytes, when `from` is not 0.
    #[inline]
    pub(crate) fn write(self, row: &mut [u32], from: usize, values: &[f32]) {
        let at = self.format.units(from);
        let (row, after) = row[at..].split_at_mut(self.format.units(values.len()));
        match self.format {
            Format::F32 => {
                for (unit, value) in row.iter_mut().zip(values) {
                    *unit = value.to_bits();
                }
            }
            Format::Bf16 => round_to_pairs(values, row),
            Format::Int8 => {
                assert_eq!(from, 0, "the scale of a row of bytes is that of all its values");
                quantise_row(values, bytemuck::cast_slice_mut(row)).write(after);
            }
        }
    }
}
