//! Rows and weights as bytes.

use multiversion::multiversion;

use super::kernels::{TILE_COLUMNS, TILE_ROWS, Tile};

/// What the bytes of a row stand for: `low + step * byte`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct RowScale {
    /// The smallest value.
    pub(crate) low: f32,
    pub(crate) step: f32,
}

impl RowScale {
    /// Units that hold it after the bytes of a row.
    pub(super) const UNITS: usize = 2;

    pub(super) fn read(units: &[u32]) -> Self {
        Self {
            low: f32::from_bits(units[0]),
            step: f32::from_bits(units[1]),
        }
    }

    pub(super) fn write(self, units: &mut [u32]) {
        units[0] = self.low.to_bits();
        units[1] = self.step.to_bits();
    }
}

/// Lanes of a search: with one value per lane the compiler may vectorise.
const LANES: usize = 32;

/// Rounds `values` to bytes. A row with a value that is not finite has a scale that is not finite:
/// bytes cannot carry such values, but its products do.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn quantise_row(values: &[f32], bytes: &mut [u8]) -> RowScale {
    /// Adding it rounds to a whole number and leaves that number in the low mantissa bits.
    const ROUND: f32 = 8_388_608.0;
    let (mut low, mut high) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    // 0 if all values are finite, otherwise NaN.
    let mut zeros = [0.0f32; LANES];
    for part in values.chunks(LANES) {
        let lanes = part
            .iter()
            .zip(low.iter_mut())
            .zip(high.iter_mut())
            .zip(zeros.iter_mut());
        for (((x, low), high), zero) in lanes {
            *low = if *x < *low { *x } else { *low };
            *high = if *x > *high { *x } else { *high };
            *zero += *x * 0.0;
        }
    }
    let (mut least, mut most, mut zero) = (f32::INFINITY, f32::NEG_INFINITY, 0.0);
    for lane in 0..LANES {
        least = if low[lane] < least { low[lane] } else { least };
        most = if high[lane] > most { high[lane] } else { most };
        zero += zeros[lane];
    }
    let range = most - least;
    if values.is_empty() || zero != 0.0 || !range.is_finite() {
        bytes.fill(0);
        let low = if values.is_empty() { 0.0 } else { f32::NAN };
        return RowScale { low, step: low };
    }
    let step = range / f32::from(u8::MAX);
    // A range that is too small for a step becomes the byte 0.
    let factor = if step > f32::MIN_POSITIVE { 1.0 / step } else { 0.0 };
    for (byte, x) in bytes.iter_mut().zip(values) {
        *byte = ((*x - least) * factor + ROUND).to_bits() as u8;
    }
    RowScale { low: least, step }
}

/// Rounds the weights of an output to bytes from -127 to 127; returns the value of 1, and the sum of all bytes.
///
/// No two neighbouring weights of the same sign have a sum beyond `largest_pair`. The largest weights are rarely
/// neighbours, so this costs little precision, where half the range for every weight would cost a bit.
pub(super) fn quantise_weights(weights: &[f32], largest_pair: Option<u8>, mut put: impl FnMut(usize, u8)) -> [f32; 2] {
    let (mut largest, mut pair, mut zero) = (0.0f32, 0.0f32, 0.0f32);
    for neighbours in weights.chunks(2) {
        let [mut above, mut below] = [0.0f32; 2];
        for x in neighbours {
            // Halves, because the sum of two large values need not be finite.
            above += 0.5 * x.max(0.0);
            below -= 0.5 * x.min(0.0);
            largest = largest.max(x.abs());
            // NaN if a weight is not finite.
            zero += x * 0.0;
        }
        pair = pair.max(above).max(below);
    }
    // Each of the two can be rounded up by half.
    let limited = largest_pair.map_or(0.0, |limit| pair / (0.5 * (f32::from(limit) - 1.0)));
    let step = (largest / 127.0).max(limited) + zero;
    let factor = if step > f32::MIN_POSITIVE { 1.0 / step } else { 0.0 };
    let mut sum = 0i32;
    for (i, x) in weights.iter().enumerate() {
        let whole = (x * factor).round_ties_even() as i8;
        sum += i32::from(whole);
        put(i, whole.cast_unsigned());
    }
    [step, sum as f32]
}

/// What the bytes of the weights of each panel's outputs stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeightScales<'a> {
    /// The value of a weight of 1.
    pub(super) steps: &'a [[f32; TILE_COLUMNS]],
    /// The sum of all weights of an output.
    pub(super) sums: &'a [[f32; TILE_COLUMNS]],
}

impl WeightScales<'_> {
    /// Makes products of plain sums of bytes.
    #[inline]
    pub(super) fn apply(&self, panel: usize, rows: &[RowScale; TILE_ROWS], tile: &mut Tile) {
        scale_sums(tile, rows, &self.steps[panel], &self.sums[panel]);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn scale_sums(tile: &mut Tile, rows: &[RowScale; TILE_ROWS], steps: &[f32; TILE_COLUMNS], sums: &[f32; TILE_COLUMNS]) {
    for (tile, row) in tile.iter_mut().zip(rows) {
        for ((x, step), sum) in tile.iter_mut().zip(steps).zip(sums) {
            *x = (*x * row.step + row.low * *sum) * *step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_within_half_a_step_of_their_bytes() {
        let mut random = fastrand::Rng::with_seed(3);
        for count in [1, 2, 31, 32, 33, 100] {
            let values: Vec<f32> = (0..count).map(|_| random.f32() * 5.0 - 1.0).collect();
            let mut bytes = vec![0; count];
            let scale = quantise_row(&values, &mut bytes);
            for (value, byte) in values.iter().zip(&bytes) {
                let error = (scale.low + scale.step * f32::from(*byte) - value).abs();
                assert!(error <= 0.501 * scale.step, "{value}: {error} of {}", scale.step);
            }
        }
    }

    #[test]
    fn rows_of_one_value_are_exact_and_those_with_others_than_finite_are_marked() {
        let mut bytes = [7; 3];
        let scale = quantise_row(&[2.5; 3], &mut bytes);
        assert_eq!((scale.low, bytes), (2.5, [0; 3]));
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(quantise_row(&[1.0, value, 2.0], &mut bytes).low.is_nan());
        }
        // Both are finite, their distance is not.
        assert!(quantise_row(&[f32::MAX, -f32::MAX], &mut bytes).low.is_nan());
        assert_eq!(quantise_row(&[], &mut []), RowScale::default());
    }

    #[test]
    fn weights_keep_their_sign_and_their_largest_value() {
        let mut bytes = [0; 4];
        let [step, sum] = quantise_weights(&[-2.0, 1.0, 0.0, 0.5], None, |i, byte| bytes[i] = byte);
        assert_eq!(bytes.map(u8::cast_signed), [-127, 64, 0, 32]);
        assert_eq!((step, sum), (2.0 / 127.0, -31.0));
        assert!(quantise_weights(&[1.0, f32::NAN], None, |_, _| {})[0].is_nan());
        assert!(quantise_weights(&[1.0, f32::INFINITY], Some(128), |_, _| {})[0].is_nan());
        assert!(quantise_weights(&[f32::MAX; 2], Some(128), |_, _| {})[0].is_finite());
        assert_eq!(
            quantise_weights(&[0.0; 2], None, |_, byte| assert_eq!(byte, 0)),
            [0.0, 0.0]
        );
    }

    #[test]
    fn neighbouring_weights_stay_below_their_limit() {
        let mut random = fastrand::Rng::with_seed(4);
        for _ in 0..1000 {
            let weights: Vec<f32> = (0..9).map(|_| random.f32() * 2.0 - 1.0).collect();
            let mut bytes = [0; 9];
            let [step, _] = quantise_weights(&weights, Some(128), |i, byte| bytes[i] = byte);
            for (pair, weights) in bytes.chunks(2).zip(weights.chunks(2)) {
                let whole = pair.iter().map(|byte| i32::from(byte.cast_signed()));
                assert!(whole.clone().map(|x| x.max(0)).sum::<i32>() <= 128, "{pair:?}");
                assert!(whole.clone().map(|x| x.min(0)).sum::<i32>() >= -128, "{pair:?}");
                for (whole, weight) in whole.zip(weights) {
                    assert!((whole as f32 * step - weight).abs() <= 0.501 * step);
                }
            }
        }
    }
}
