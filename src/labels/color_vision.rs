//! Colours as they look with and without colour vision deficiency.

/// Colour vision as matrices over linear RGB: with all cones, and without those for long, middle and short wavelengths
/// (Machado, Oliveira and Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
/// severity 1.0).
pub(super) const VISIONS: [[[f32; 3]; 3]; 4] = [
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
];

/// A colour as seen with each of [`VISIONS`], as linear RGB.
pub(super) fn linear_as_seen(color: [u8; 3]) -> [[f32; 3]; VISIONS.len()] {
    let linear = color.map(linear);
    VISIONS.map(|vision| product(&vision, linear).map(|value| value.clamp(0.0, 1.0)))
}

/// The transfer function of sRGB.
fn linear(value: u8) -> f32 {
    let value = f32::from(value) / 255.0;
    if value <= 0.04045 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

pub(super) fn product(matrix: &[[f32; 3]; 3], [x, y, z]: [f32; 3]) -> [f32; 3] {
    matrix.map(|[a, b, c]| a * x + b * y + c * z)
}
