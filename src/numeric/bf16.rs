//! bf16: the upper half of an f32. Two of them are kept in a `u32`, the first in the lower half.

use multiversion::multiversion;

/// The nearest bf16, ties to even; NaN stays NaN.
#[inline(always)]
pub(crate) fn to_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    // A NaN whose payload is in the lower half only would otherwise become infinite.
    let quiet = (bits >> 16) as u16 | 0x40;
    let rounded = (bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16) as u16;
    if value.is_nan() { quiet } else { rounded }
}

/// Two values as bf16 in one unit.
#[inline(always)]
pub(crate) fn pair(first: f32, second: f32) -> u32 {
    u32::from(to_bf16(first)) | u32::from(to_bf16(second)) << 16
}

/// The two values of a unit.
#[inline(always)]
pub(crate) fn widened(unit: u32) -> [f32; 2] {
    [f32::from_bits(unit << 16), f32::from_bits(unit & 0xffff_0000)]
}

/// The values of pairs; without the last one if there are an odd number of `values`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(crate) fn widen_pairs(units: &[u32], values: &mut [f32]) {
    let (pairs, last) = values.as_chunks_mut::<2>();
    for (unit, pair) in units.iter().zip(&mut *pairs) {
        *pair = widened(*unit);
    }
    if let ([last], Some(unit)) = (last, units.get(pairs.len())) {
        *last = widened(*unit)[0];
    }
}

/// Rounds `values` to pairs. An odd last value is paired with 0.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(crate) fn round_to_pairs(values: &[f32], units: &mut [u32]) {
    let (pairs, last) = values.as_chunks::<2>();
    for (unit, [first, second]) in units.iter_mut().zip(pairs) {
        *unit = pair(*first, *second);
    }
    if let ([last], Some(unit)) = (last, units.get_mut(pairs.len())) {
        *unit = pair(*last, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_the_nearest_and_ties_to_even() {
        for (value, bits) in [
            (1.0, 0x3f80),
            (-0.0, 0x8000),
            (f32::INFINITY, 0x7f80),
            // Exactly half-way between 0x3f80 and 0x3f81, then between 0x3f81 and 0x3f82.
            (f32::from_bits(0x3f80_8000), 0x3f80),
            (f32::from_bits(0x3f81_8000), 0x3f82),
            (f32::from_bits(0x3f80_8001), 0x3f81),
            (f32::from_bits(0x3f80_7fff), 0x3f80),
            (f32::MAX, 0x7f80),
        ] {
            assert_eq!(to_bf16(value), bits, "{value}");
        }
        for nan in [f32::NAN, f32::from_bits(0x7f80_0001), f32::from_bits(0xffff_ffff)] {
            assert!(widened(pair(nan, 0.0))[0].is_nan());
        }
    }

    #[test]
    fn pairs_keep_their_order() {
        let mut units = [9; 3];
        round_to_pairs(&[1.0, 2.0, 3.0, 4.0, 5.0], &mut units);
        assert_eq!(units.map(widened), [[1.0, 2.0], [3.0, 4.0], [5.0, 0.0]]);
        let mut values = [0.0; 5];
        widen_pairs(&units, &mut values);
        assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 5.0]);
    }
}
