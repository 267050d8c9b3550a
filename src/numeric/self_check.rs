//! Compares kernels with the portable ones before they are used: a processor, virtual machine or emulator that computes
//! something else goes without them.

use super::bf16::pair;
use super::kernels::{Arithmetic, Kernels, Operands, TILE_COLUMNS, TILE_ROWS};

/// Units of a column.
const DEPTH: usize = 40;

/// Units of a row of activations, which are two for a unit of widened weights.
const STRIDE: usize = 2 * DEPTH + 3;

const ROWS: usize = TILE_ROWS * STRIDE;
const PANEL: usize = DEPTH * TILE_COLUMNS;

/// Whether one tile of each arithmetic is right.
pub(super) fn passes(kernels: &Kernels) -> bool {
    let reference = Kernels::portable();
    let cases = [
        (Arithmetic::F32, floats(ROWS), floats(PANEL)),
        (Arithmetic::Widened, floats(ROWS), pairs(PANEL)),
        (Arithmetic::Bf16, pairs(ROWS), pairs(PANEL)),
        (
            Arithmetic::Int8,
            bytes(ROWS, activation),
            bytes(PANEL, |i| weight(i, kernels.largest_pair()).cast_unsigned()),
        ),
    ];
    cases.iter().all(|(arithmetic, rows, panel)| {
        let operands = Operands {
            rows,
            stride: STRIDE,
            count: TILE_ROWS,
            panel,
            depth: DEPTH,
        };
        let [mut found, mut expected] = [[[f32::NAN; TILE_COLUMNS]; TILE_ROWS]; 2];
        kernels.tile(*arithmetic, &operands, &mut found);
        reference.tile(*arithmetic, &operands, &mut expected);
        let mut pairs = found.as_flattened().iter().zip(expected.as_flattened());
        // Sums of 80 products below 0.7: a hundred times their rounding. Sums of bytes are whole numbers. Written so that
        // NaN fails.
        pairs.all(|(a, b)| (a - b).abs() <= 2e-3)
    })
}

fn value(i: usize) -> f32 {
    (i * 37 % 101) as f32 / 64.0 - 0.75
}

fn floats(count: usize) -> Vec<u32> {
    (0..count).map(|i| value(i).to_bits()).collect()
}

fn pairs(count: usize) -> Vec<u32> {
    (0..count).map(|i| pair(value(i), value(i + 7))).collect()
}

fn bytes(count: usize, byte: impl Fn(usize) -> u8) -> Vec<u32> {
    let unit = |i: usize| u32::from_ne_bytes([byte(4 * i), byte(4 * i + 1), byte(4 * i + 2), byte(4 * i + 3)]);
    (0..count).map(unit).collect()
}

/// An activation; many are the largest.
fn activation(i: usize) -> u8 {
    u8::MAX - (i * 37 % 101 / (1 + i % 3)) as u8
}

/// A weight. Half of all neighbours are both at the same end of their range, where sums are largest.
fn weight(i: usize, largest_pair: Option<u8>) -> i8 {
    let largest = largest_beside_itself(largest_pair);
    match (i / 2 * 37 % 101) % 8 {
        0 | 1 => largest,
        2 | 3 => -largest,
        _ => (i * 29 % 127) as i8 - 63,
    }
}

/// The largest weight that may stand beside itself.
pub(super) fn largest_beside_itself(largest_pair: Option<u8>) -> i8 {
    largest_pair.map_or(i8::MAX, |pair| (pair / 2).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_cover_both_ends_of_their_range() {
        let activations: Vec<u8> = (0..4 * ROWS).map(activation).collect();
        assert!(activations.contains(&255) && activations.iter().any(|x| *x < 160));
        for (largest_pair, largest) in [(None, 127), (Some(128), 64)] {
            let weights: Vec<i8> = (0..4 * PANEL).map(|i| weight(i, largest_pair)).collect();
            let neighbours = || weights.chunks(2).map(|pair| i32::from(pair[0]) + i32::from(pair[1]));
            assert_eq!(
                (neighbours().max(), neighbours().min()),
                (Some(2 * largest), Some(-2 * largest))
            );
            let mut distinct = weights.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert!(distinct.len() > 100, "{} distinct weights", distinct.len());
        }
    }
}
