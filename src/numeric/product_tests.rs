//! Tests of the tile kernels and of packed products.

use super::bf16::to_bf16;
use super::kernels::{Operands, TILE_COLUMNS, TILE_ROWS, Tile};
use super::{Arithmetic, Format, Isa, Kernels, PackedMatrix};

const ARITHMETICS: [Arithmetic; 4] = [Arithmetic::F32, Arithmetic::Widened, Arithmetic::Bf16, Arithmetic::Int8];

/// Pseudorandom values in -1..1.
fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..count).map(|_| random.f32() * 2.0 - 1.0).collect()
}

/// A value as the format keeps it.
fn rounded(format: Format, value: f32) -> f32 {
    match format {
        // The error of bytes depends on the row; the bound allows for it.
        Format::F32 | Format::Int8 => value,
        Format::Bf16 => f32::from_bits(u32::from(to_bf16(value)) << 16),
    }
}

#[test]
fn every_processor_has_kernels_and_the_best_pass_their_check() {
    assert_eq!(
        Kernels::of(Isa::Portable).map(|kernels| kernels.isa()),
        Ok(Isa::Portable)
    );
    let detected = Isa::ALL.into_iter().find(|isa| isa.is_detected());
    assert_eq!(Some(Kernels::best().isa()), detected);
}

#[test]
fn products_of_all_sizes_agree_with_their_definition() {
    for kernels in Kernels::all() {
        for arithmetic in ARITHMETICS {
            for count in 1..=TILE_ROWS + 3 {
                for (inputs, outputs) in [(0, 5), (1, 1), (2, 31), (7, 32), (16, 33), (40, 70)] {
                    check_product(kernels, arithmetic, [count, inputs, outputs]);
                }
            }
            for inputs in 0..80 {
                check_product(kernels, arithmetic, [TILE_ROWS, inputs, 34]);
            }
        }
    }
}

fn check_product(kernels: Kernels, arithmetic: Arithmetic, [count, inputs, outputs]: [usize; 3]) {
    let weights = values(outputs * inputs, 1);
    let activations = values(count * inputs, 2);
    let packed = PackedMatrix::pack(&weights, [outputs, inputs], arithmetic, kernels);
    let layout = packed.row_layout();
    let mut rows = layout.memory(count);
    for (row, values) in rows
        .units_mut()
        .chunks_mut(layout.stride)
        .zip(activations.chunks(inputs.max(1)))
    {
        layout.write(row, 0, values);
    }
    let mut found = vec![f32::NAN; count * outputs];
    packed
        .panels()
        .multiply(rows.units(), layout.stride, count, |place, tile| {
            for (i, sums) in tile.iter().enumerate().take(place.rows) {
                let at = (place.row + i) * outputs + place.column;
                found[at..at + place.columns].copy_from_slice(&sums[..place.columns]);
            }
        });
    for row in 0..count {
        for column in 0..outputs {
            let products = (0..inputs).map(|k| {
                let value = rounded(arithmetic.rows(), activations[row * inputs + k]);
                let weight = rounded(arithmetic.weights(), weights[column * inputs + k]);
                f64::from(value) * f64::from(weight)
            });
            let expected: f64 = products.sum();
            // Each of the sums, below `inputs`, is rounded to f32.
            let bound = match arithmetic {
                // Half a step of the row, which is below 2 / 255, and of the weights, below 2 / 127, in each product.
                Arithmetic::Int8 => inputs as f64 * 1.52 / 127.0,
                _ => 1e-7 * (inputs * inputs) as f64,
            };
            let found = f64::from(found[row * outputs + column]);
            assert!(
                (found - expected).abs() <= bound,
                "{kernels:?} {arithmetic:?} {count} x {inputs} x {outputs}, [{row}, {column}]: {found} {expected}"
            );
        }
    }
}

#[test]
fn nan_and_infinity_reach_the_sums() {
    for kernels in Kernels::all() {
        for arithmetic in ARITHMETICS {
            for (special, is_there) in [
                (f32::NAN, f32::is_nan as fn(f32) -> bool),
                (f32::INFINITY, f32::is_infinite),
            ] {
                let packed = PackedMatrix::pack(&[1.0; 40 * 8], [40, 8], arithmetic, kernels);
                let layout = packed.row_layout();
                let mut row = layout.memory(1);
                layout.write(row.units_mut(), 0, &[0.0, 1.0, special, 1.0, 1.0, 1.0, 1.0, 1.0]);
                packed.panels().multiply(row.units(), layout.stride, 1, |place, tile| {
                    // Rows of bytes carry neither, but say so.
                    let is_there = |sum: &f32| is_there(*sum) || arithmetic == Arithmetic::Int8 && sum.is_nan();
                    assert!(
                        tile[0][..place.columns].iter().all(is_there),
                        "{kernels:?} {arithmetic:?}"
                    );
                });
            }
        }
    }
}

/// Whether a call panics.
fn is_refused(kernels: Kernels, arithmetic: Arithmetic, operands: &Operands) -> bool {
    let mut tile: Tile = [[0.0; TILE_COLUMNS]; TILE_ROWS];
    let call = std::panic::AssertUnwindSafe(|| kernels.tile(arithmetic, operands, &mut tile));
    std::panic::catch_unwind(call).is_err()
}

#[test]
fn operands_that_end_early_are_refused() {
    let memory = vec![0u32; 4096];
    for kernels in Kernels::all() {
        for arithmetic in ARITHMETICS {
            let units = if arithmetic == Arithmetic::Widened { 40 } else { 20 };
            let fits = Operands {
                rows: &memory[..11 * 50 + units],
                stride: 50,
                count: 12,
                panel: &memory[..20 * TILE_COLUMNS],
                depth: 20,
            };
            assert!(!is_refused(kernels, arithmetic, &fits));
            let wrong = [
                Operands {
                    rows: &fits.rows[1..],
                    ..fits
                },
                Operands {
                    panel: &fits.panel[1..],
                    ..fits
                },
                Operands { count: 0, ..fits },
                Operands {
                    count: 13,
                    stride: 0,
                    ..fits
                },
                // Wraps around to 0 if it is not checked.
                Operands {
                    stride: 1 << (usize::BITS - 1),
                    count: 3,
                    ..fits
                },
                Operands {
                    depth: usize::MAX / TILE_COLUMNS + 2,
                    ..fits
                },
            ];
            for (i, operands) in wrong.iter().enumerate() {
                assert!(
                    is_refused(kernels, arithmetic, operands),
                    "{kernels:?} {arithmetic:?} {i}"
                );
            }
        }
    }
}
