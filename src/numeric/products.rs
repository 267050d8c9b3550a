//! Products of strided matrices in f32 or bf16: both operands change from one product to the next, so they are packed
//! for each.

use multiversion::multiversion;

use super::aligned::Aligned;
use super::bf16::{pair, round_to_pairs};
use super::kernels::{Arithmetic, Format, Kernels, TILE_COLUMNS, TILE_ROWS};
use super::matrix::{Strided, check_product, multiply};
use super::panels::{HALF, Panels};
use super::rows::RowLayout;

/// Rows of the left operand that are packed at a time: they stay in the second-level cache.
const ROWS: usize = 8 * TILE_ROWS;

/// How strided matrices are multiplied.
#[derive(Clone, Copy, Debug)]
pub enum Products {
    /// In f32.
    F32,
    /// Both operands are rounded to bf16; sums are f32. The kernels should multiply bf16 themselves: others widen it again.
    Bf16(Kernels),
}

impl Products {
    /// `out = a b`, or `out += a b` when `add`; the rows of `out` are `out_row` values apart. Runs on the calling thread
    /// alone.
    ///
    /// # Panics
    /// When the sizes do not match, or a matrix has no values or reaches beyond its slice.
    pub(crate) fn multiply(self, a: &Strided, b: &Strided, out: &mut [f32], out_row: usize, add: bool) {
        match self {
            Self::F32 => multiply(a, b, out, out_row, add),
            Self::Bf16(kernels) => multiply_rounded(kernels, a, b, out, out_row, add),
        }
    }
}

fn multiply_rounded(kernels: Kernels, a: &Strided, b: &Strided, out: &mut [f32], out_row: usize, add: bool) {
    check_product(a, b, out, out_row);
    let units = packed_columns(b);
    let panels = Panels {
        kernels,
        arithmetic: Arithmetic::Bf16,
        units: units.units(),
        depth: Format::Bf16.units(b.rows),
        columns: b.columns,
        scales: None,
    };
    let layout = RowLayout::for_products(Arithmetic::Bf16, a.columns);
    let mut rows = layout.memory(ROWS.min(a.rows));
    for first in (0..a.rows).step_by(ROWS) {
        let count = ROWS.min(a.rows - first);
        pack_rows(a, first, rows.units_mut(), layout.stride, count);
        panels.multiply(rows.units(), layout.stride, count, |place, tile| {
            for (i, sums) in tile.iter().enumerate().take(place.rows) {
                let out = &mut out[(first + place.row + i) * out_row + place.column..][..place.columns];
                match add {
                    true => out.iter_mut().zip(sums).for_each(|(out, sum)| *out += *sum),
                    false => out.copy_from_slice(&sums[..place.columns]),
                }
            }
        });
    }
}

/// Rows `first` to `first + count` of a matrix as pairs, `stride` units apart.
fn pack_rows(matrix: &Strided, first: usize, units: &mut [u32], stride: usize, count: usize) {
    let values = &matrix.values[first * matrix.row..];
    if matrix.column == 1 {
        let depth = Format::Bf16.units(matrix.columns);
        for (i, row) in units.chunks_mut(stride).enumerate().take(count) {
            round_to_pairs(&values[i * matrix.row..][..matrix.columns], &mut row[..depth]);
        }
    } else {
        pair_columns(
            values,
            matrix.columns,
            [matrix.column, matrix.row],
            count,
            units,
            [1, stride],
        );
    }
}

/// The columns of a matrix as panels of pairs; see [`super::kernels::Operands`].
fn packed_columns(matrix: &Strided) -> Aligned {
    let depth = Format::Bf16.units(matrix.rows);
    let mut packed = Aligned::new(matrix.columns.div_ceil(TILE_COLUMNS) * TILE_COLUMNS * depth);
    let halves = packed.units_mut().chunks_exact_mut(HALF * depth);
    for (half, first) in halves.zip((0..matrix.columns).step_by(HALF)) {
        let values = &matrix.values[first * matrix.column..];
        let count = HALF.min(matrix.columns - first);
        pair_columns(values, matrix.rows, [matrix.row, matrix.column], count, half, [HALF, 1]);
    }
    packed
}

/// Pairs the values of `count` columns along their `depth` values; an odd last one is paired with 0. `steps` are those
/// from a value of a column to the next and from a column to the next, in `values` and in `units`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn pair_columns(
    values: &[f32],
    depth: usize,
    [down, across]: [usize; 2],
    count: usize,
    units: &mut [u32],
    [unit_down, unit_across]: [usize; 2],
) {
    for at in 0..depth.div_ceil(2) {
        let upper = &values[2 * at * down..];
        let units = &mut units[at * unit_down..];
        if 2 * at + 1 == depth {
            for column in 0..count {
                units[column * unit_across] = pair(upper[column * across], 0.0);
            }
            continue;
        }
        let lower = &upper[down..];
        if across == 1 && unit_across == 1 {
            for ((unit, first), second) in units[..count].iter_mut().zip(upper).zip(lower) {
                *unit = pair(*first, *second);
            }
        } else {
            for column in 0..count {
                units[column * unit_across] = pair(upper[column * across], lower[column * across]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bf16::widened;
    use super::*;

    /// A matrix of `rows` and `columns` in `values`, whose rows, or with `turned` columns, are 3 values longer.
    fn strided(values: &[f32], rows: usize, columns: usize, turned: bool) -> Strided<'_> {
        let matrix = |rows, columns| Strided {
            values,
            rows,
            columns,
            row: columns + 3,
            column: 1,
        };
        match turned {
            true => matrix(columns, rows).transposed(),
            false => matrix(rows, columns),
        }
    }

    fn values(random: &mut fastrand::Rng, count: usize) -> Vec<f32> {
        (0..count).map(|_| random.f32() * 2.0 - 1.0).collect()
    }

    fn rounded(value: f32) -> f64 {
        f64::from(widened(pair(value, 0.0))[0])
    }

    #[test]
    fn products_of_rounded_operands_are_exact_to_the_sums() {
        let mut random = fastrand::Rng::with_seed(7);
        for kernels in Kernels::all() {
            for case in 0..48 {
                let [rows, depth, columns] = [1 + random.usize(..110), 1 + random.usize(..40), 1 + random.usize(..70)];
                let [turned_a, turned_b, add] = [case % 2 == 1, case / 2 % 2 == 1, case / 4 % 2 == 1];
                let a = values(&mut random, (rows + 3) * (depth + 3));
                let b = values(&mut random, (depth + 3) * (columns + 3));
                let (a, b) = (
                    strided(&a, rows, depth, turned_a),
                    strided(&b, depth, columns, turned_b),
                );
                let before = values(&mut random, rows * (columns + 5));
                let mut out = before.clone();
                Products::Bf16(kernels).multiply(&a, &b, &mut out, columns + 5, add);
                for (at, (found, before)) in out.iter().zip(&before).enumerate() {
                    let (row, column) = (at / (columns + 5), at % (columns + 5));
                    let product = |k: usize| {
                        rounded(a.values[row * a.row + k * a.column]) * rounded(b.values[k * b.row + column * b.column])
                    };
                    let expected = match (column < columns, add) {
                        (true, false) => (0..depth).map(product).sum(),
                        (true, true) => f64::from(*before) + (0..depth).map(product).sum::<f64>(),
                        // Between the rows nothing is written.
                        (false, _) => f64::from(*before),
                    };
                    let error = (f64::from(*found) - expected).abs();
                    // 40 sums of at most 40, each rounded to 24 bits.
                    assert!(
                        error <= 40.0 * 40.0 / f64::from(1 << 24),
                        "{kernels:?} {row} {column}: {error}"
                    );
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "a.columns == b.rows")]
    fn operands_of_other_sizes_are_refused() {
        let values = [1.0; 12];
        let a = Strided::rows(&values, 3);
        Products::Bf16(Kernels::portable()).multiply(&a, &a, &mut [0.0; 12], 3, false);
    }
}
