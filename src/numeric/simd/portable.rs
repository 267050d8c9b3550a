//! Kernels without intrinsics: the reference for the others, and what runs on other processors.

use crate::numeric::bf16;
use crate::numeric::kernels::{KernelTable, Operands, Tile};
use crate::numeric::panels::HALF;

/// Calls `add` for each row's sums, each half of the columns and each unit, with the unit's index, the row and the
/// weights of 16 columns.
#[inline(always)]
fn over_units(operands: &Operands, tile: &mut Tile, add: impl Fn(&mut [f32; HALF], usize, &[u32], &[u32; HALF])) {
    let depth = operands.depth;
    for (i, sums) in tile.iter_mut().take(operands.count).enumerate() {
        let row = &operands.rows[i * operands.stride..];
        let (halves, _) = sums.as_chunks_mut::<HALF>();
        for (half, sums) in halves.iter_mut().enumerate() {
            *sums = [0.0; HALF];
            let (weights, _) = operands.panel[half * HALF * depth..][..HALF * depth].as_chunks::<HALF>();
            for (k, weights) in weights.iter().enumerate() {
                add(sums, k, row, weights);
            }
        }
    }
}

fn f32(operands: &Operands, tile: &mut Tile) {
    operands.check(operands.depth);
    over_units(operands, tile, |sums, k, row, weights| {
        let value = f32::from_bits(row[k]);
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += value * f32::from_bits(*weight);
        }
    });
}

fn widened(operands: &Operands, tile: &mut Tile) {
    operands.check(2 * operands.depth);
    over_units(operands, tile, |sums, k, row, weights| {
        let [first, second] = [row[2 * k], row[2 * k + 1]].map(f32::from_bits);
        for (sum, weight) in sums.iter_mut().zip(weights) {
            let [low, high] = bf16::widened(*weight);
            *sum += first * low;
            *sum += second * high;
        }
    });
}

fn bf16(operands: &Operands, tile: &mut Tile) {
    operands.check(operands.depth);
    over_units(operands, tile, |sums, k, row, weights| {
        let [first, second] = bf16::widened(row[k]);
        for (sum, weight) in sums.iter_mut().zip(weights) {
            let [low, high] = bf16::widened(*weight);
            *sum += first * low;
            *sum += second * high;
        }
    });
}

fn int8(operands: &Operands, tile: &mut Tile) {
    operands.check(operands.depth);
    let depth = operands.depth;
    for (i, sums) in tile.iter_mut().take(operands.count).enumerate() {
        let row = &operands.rows[i * operands.stride..][..depth];
        let (halves, _) = sums.as_chunks_mut::<HALF>();
        for (half, sums) in halves.iter_mut().enumerate() {
            let mut whole = [0i32; HALF];
            let (weights, _) = operands.panel[half * HALF * depth..][..HALF * depth].as_chunks::<HALF>();
            for (unit, weights) in row.iter().zip(weights) {
                let values = unit.to_ne_bytes();
                for (sum, weight) in whole.iter_mut().zip(weights) {
                    for (value, weight) in values.iter().zip(weight.to_ne_bytes()) {
                        *sum += i32::from(*value) * i32::from(weight.cast_signed());
                    }
                }
            }
            for (sum, whole) in sums.iter_mut().zip(whole) {
                *sum = whole as f32;
            }
        }
    }
}

pub(super) const KERNELS: KernelTable = KernelTable {
    f32,
    widened,
    bf16,
    int8,
    largest_pair: None,
};
