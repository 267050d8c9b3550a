//! `e^x` in arithmetic that the compiler can vectorise.

/// `e^x` with a relative error below 3e-7, for `-87 <= x <= 88`; `e^-87` (1e-38) for anything smaller.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`, then a Taylor polynomial of degree 6 in `r` (remainder `r^7 / 7!`,
/// at most 1.2e-7), then `n` put into the exponent bits.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// `1.5 * 2^23`: adding it rounds to an integer and leaves that integer in the low mantissa bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, so that `n * HIGH` is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, x));
    let p = r.mul_add(1.0 / 720.0, 1.0 / 120.0);
    let p = p.mul_add(r, 1.0 / 24.0);
    let p = p.mul_add(r, 1.0 / 6.0);
    let p = p.mul_add(r, 0.5);
    let p = p.mul_add(r, 1.0);
    let p = p.mul_add(r, 1.0);
    p * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

#[cfg(test)]
mod tests {
    #[test]
    fn agrees_with_the_standard_library() {
        let mut x = -86.0f32;
        while x < 87.0 {
            let (ours, theirs) = (super::exp(x), x.exp());
            assert!(((ours - theirs) / theirs).abs() < 3e-7, "{x}: {ours} {theirs}");
            x += 0.0137;
        }
        assert!(super::exp(-1e9) < 1e-37);
    }
}
