//! The kernels over vectors of any instruction set.
//!
//! They are plain loops: closures handed to library functions would be compiled without the instruction set, and
//! called for each vector where they are not inlined.

use super::vector::{Product, Vector};
use crate::numeric::bf16;
use crate::numeric::kernels::{Operands, TILE_COLUMNS, Tile, TileKernel};
use crate::numeric::panels::HALF;

/// A kernel for a fixed number of rows M and of columns: rows, their stride, weights, their depth, sums.
///
/// # Safety
/// The processor has the instruction set; M rows of activations, `depth` units for each column from the first on in the
/// order of [`Operands`], and M rows of a [`Tile`] from the first column on are inside their memory.
pub(super) type RawKernel = unsafe fn(*const u32, usize, *const u32, usize, *mut f32);

/// The table of a kernel for [`run`], for these numbers of rows.
macro_rules! row_counts {
    ($kernel:ident: $($rows:literal)*) => {
        [$($kernel::<$rows>),*]
    };
}
pub(super) use row_counts;

/// Units from the first to the `n`-th vector of weights of one depth.
#[inline(always)]
const fn weights_at<V: Vector>(n: usize, depth: usize) -> usize {
    let column = n * V::LANES;
    column / HALF * HALF * depth + column % HALF
}

/// Products of M rows and N vectors of columns, whose units have the same format.
///
/// # Safety
/// As [`RawKernel`].
#[inline(always)]
pub(super) unsafe fn tile_of<V: Vector, P: Product<V>, const M: usize, const N: usize>(
    x: *const u32,
    stride: usize,
    w: *const u32,
    depth: usize,
    out: *mut f32,
) {
    // SAFETY: all offsets are those of a row below M, a unit below `depth` and a column below N * LANES.
    unsafe {
        let mut sums = [[V::zero(); N]; M];
        for k in 0..depth {
            let mut weights = [V::zero(); N];
            for (n, weight) in weights.iter_mut().enumerate() {
                *weight = V::load(w.add(weights_at::<V>(n, depth) + k * HALF));
            }
            for (m, sums) in sums.iter_mut().enumerate() {
                let value = V::broadcast(x.add(m * stride + k));
                for (sum, weight) in sums.iter_mut().zip(&weights) {
                    *sum = P::add(*sum, value, *weight);
                }
            }
        }
        for sums in &mut sums {
            for sum in sums {
                *sum = P::finish(*sum);
            }
        }
        store(&sums, out);
    }
}

/// Products of f32 activations and pairs of bf16 weights.
///
/// # Safety
/// As [`RawKernel`], with rows of `2 * depth` units.
#[inline(always)]
pub(super) unsafe fn tile_widened<V: Vector, const M: usize, const N: usize>(
    x: *const u32,
    stride: usize,
    w: *const u32,
    depth: usize,
    out: *mut f32,
) {
    // SAFETY: as in `tile_of`; activations `2 * k` and `2 * k + 1` are below `2 * depth`.
    unsafe {
        let mut sums = [[V::zero(); N]; M];
        for k in 0..depth {
            // The weights are loaded once for each half, because registers for both at once are lacking.
            for half in 0..2 {
                let mut weights = [V::zero(); N];
                for (n, weight) in weights.iter_mut().enumerate() {
                    let pairs = V::load(w.add(weights_at::<V>(n, depth) + k * HALF));
                    *weight = if half == 0 { pairs.low() } else { pairs.high() };
                }
                for (m, sums) in sums.iter_mut().enumerate() {
                    let value = V::broadcast(x.add(m * stride + 2 * k + half));
                    for (sum, weight) in sums.iter_mut().zip(&weights) {
                        *sum = sum.add_product(value, *weight);
                    }
                }
            }
        }
        store(&sums, out);
    }
}

/// `depth` products for each of M x N sums, always of the same operands, which stay in the nearest cache: what a
/// processor can do when it waits for nothing else.
///
/// # Safety
/// The processor has the instruction set; M units at `x`, N vectors at `w`, and M rows of a [`Tile`] at `out` are inside
/// their memory.
#[inline(always)]
pub(super) unsafe fn peak_of<V: Vector, P: Product<V>, const M: usize, const N: usize>(
    x: *const u32,
    w: *const u32,
    depth: usize,
    out: *mut f32,
) {
    // SAFETY: units below M, vectors below N, and sums in the tile.
    unsafe {
        let mut sums = [[V::zero(); N]; M];
        for _ in 0..depth {
            // The compiler must not know that they are the same every time, or it would multiply them once for all.
            let (x, w) = (std::hint::black_box(x), std::hint::black_box(w));
            let mut weights = [V::zero(); N];
            for (n, weight) in weights.iter_mut().enumerate() {
                *weight = V::load(w.add(n * V::LANES));
            }
            for (m, sums) in sums.iter_mut().enumerate() {
                let value = V::broadcast(x.add(m));
                for (sum, weight) in sums.iter_mut().zip(&weights) {
                    *sum = P::add(*sum, value, *weight);
                }
            }
        }
        store(&sums, out);
    }
}

/// # Safety
/// As [`RawKernel`].
#[inline(always)]
unsafe fn store<V: Vector, const M: usize, const N: usize>(sums: &[[V; N]; M], out: *mut f32) {
    for (m, sums) in sums.iter().enumerate() {
        for (n, sum) in sums.iter().enumerate() {
            // SAFETY: row m and columns n * LANES onwards are in the tile.
            unsafe { sum.store(out.add(m * TILE_COLUMNS + n * V::LANES)) };
        }
    }
}

/// Calls the kernels of a table, `kernels[m - 1]` for m rows of `columns` columns, until the tile is done. Rows have
/// `units` units.
///
/// # Safety
/// The processor has the instruction set of the kernels, which read `units` units of each row.
pub(super) unsafe fn run(kernels: &[RawKernel], columns: usize, operands: &Operands, units: usize, tile: &mut Tile) {
    operands.check(units);
    let Operands {
        rows,
        stride,
        count,
        panel,
        depth,
    } = *operands;
    for column in (0..TILE_COLUMNS).step_by(columns) {
        let weights = &panel[column * depth..];
        for row in (0..count).step_by(kernels.len()) {
            let kernel = kernels[kernels.len().min(count - row) - 1];
            let values = &rows[row * stride..];
            let sums = &mut tile.as_flattened_mut()[row * TILE_COLUMNS + column..];
            // SAFETY: `check` has found all units of the rows and the panel inside their slices; `columns` is 16 or 32,
            // so `weights` starts where half a panel does; the tile has 12 rows of 32 columns, and `row` and `column`
            // plus the size of the call are within them. The caller answers for the instruction set.
            unsafe { kernel(values.as_ptr(), stride, weights.as_ptr(), depth, sums.as_mut_ptr()) };
        }
    }
}

/// Products of bf16 activations where the processor has none: the activations are widened first. Used only to check
/// kernels, because such a processor gets f32 activations.
pub(super) fn pairs_as_widened(operands: &Operands, tile: &mut Tile, widened: TileKernel) {
    operands.check(operands.depth);
    let rows = (0..operands.count).flat_map(|row| &operands.rows[row * operands.stride..][..operands.depth]);
    let rows: Vec<u32> = rows.flat_map(|unit| bf16::widened(*unit)).map(f32::to_bits).collect();
    let operands = Operands {
        rows: &rows,
        stride: 2 * operands.depth,
        ..*operands
    };
    widened(&operands, tile);
}
