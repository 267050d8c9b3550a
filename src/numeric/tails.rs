//! The tails of the normal distribution, in arithmetic that the compiler can vectorise.

use super::exp;

/// The mass of both tails of the normal distribution beyond `|x|`, `1 - erf(|x| / sqrt 2)`, by the erf of Abramowitz and
/// Stegun, 7.1.26 (absolute error below 1.5e-7); and `e^(-x^2 / 2)`.
#[inline(always)]
pub(crate) fn normal_tails(x: f32) -> [f32; 2] {
    let a = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / a.mul_add(0.327_591_1, 1.0);
    let p = t.mul_add(1.061_405_4, -1.453_152_1);
    let p = p.mul_add(t, 1.421_413_7);
    let p = p.mul_add(t, -0.284_496_74);
    let p = p.mul_add(t, 0.254_829_6);
    let bell = exp(-a * a);
    [p * t * bell, bell]
}
