//! The transforms of Winograd's method.
//!
//! F(2x2, 3x3) and F(4x4, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (arXiv 1509.09308,
//! sections 4.1 and 4.3). The inputs of a tile, transformed, times the transformed kernel give the tile's outputs,
//! transformed.

/// Channels that are transformed together, one per vector lane.
pub(super) const LANES: usize = 16;

pub(super) type Lanes = [f32; LANES];

/// The three transforms in one dimension, for tiles of T outputs and P = T + 2 inputs per side.
pub(super) trait Method<const T: usize, const P: usize>: Send + Sync + std::fmt::Debug {
    /// The matrix `G` of the kernel's transform.
    const KERNEL: [[f64; 3]; P];

    /// `Bᵀ d`.
    fn inputs(d: &[Lanes; P]) -> [Lanes; P];

    /// `Aᵀ m`.
    fn outputs(m: &[Lanes; P]) -> [Lanes; T];
}

/// F(2x2, 3x3): 16 products for 4 outputs. Its sums of two values lose nothing in bf16.
#[derive(Debug)]
pub(super) struct Two;

/// F(4x4, 3x3): 36 products for 16 outputs. In bf16 its transforms would lose one and a half digits.
#[derive(Debug)]
pub(super) struct Four;

impl Method<2, 4> for Two {
    const KERNEL: [[f64; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];

    #[inline(always)]
    fn inputs(d: &[Lanes; 4]) -> [Lanes; 4] {
        let mut out = [[0.0; LANES]; 4];
        for i in 0..LANES {
            out[0][i] = d[0][i] - d[2][i];
            out[1][i] = d[1][i] + d[2][i];
            out[2][i] = d[2][i] - d[1][i];
            out[3][i] = d[1][i] - d[3][i];
        }
        out
    }

    #[inline(always)]
    fn outputs(m: &[Lanes; 4]) -> [Lanes; 2] {
        let mut out = [[0.0; LANES]; 2];
        for i in 0..LANES {
            out[0][i] = m[0][i] + m[1][i] + m[2][i];
            out[1][i] = m[1][i] - m[2][i] - m[3][i];
        }
        out
    }
}

impl Method<4, 6> for Four {
    const KERNEL: [[f64; 3]; 6] = [
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];

    #[inline(always)]
    fn inputs(d: &[Lanes; 6]) -> [Lanes; 6] {
        let mut out = [[0.0; LANES]; 6];
        for i in 0..LANES {
            let near = d[4][i] - 4.0 * d[2][i];
            let near_odd = d[3][i] - 4.0 * d[1][i];
            let far = d[4][i] - d[2][i];
            let far_odd = 2.0 * (d[3][i] - d[1][i]);
            out[0][i] = 4.0 * d[0][i] - 5.0 * d[2][i] + d[4][i];
            out[1][i] = near + near_odd;
            out[2][i] = near - near_odd;
            out[3][i] = far + far_odd;
            out[4][i] = far - far_odd;
            out[5][i] = 4.0 * d[1][i] - 5.0 * d[3][i] + d[5][i];
        }
        out
    }

    #[inline(always)]
    fn outputs(m: &[Lanes; 6]) -> [Lanes; 4] {
        let mut out = [[0.0; LANES]; 4];
        for i in 0..LANES {
            let (near, near_odd) = (m[1][i] + m[2][i], m[1][i] - m[2][i]);
            let (far, far_odd) = (m[3][i] + m[4][i], m[3][i] - m[4][i]);
            out[0][i] = m[0][i] + near + far;
            out[1][i] = near_odd + 2.0 * far_odd;
            out[2][i] = near + 4.0 * far;
            out[3][i] = near_odd + 8.0 * far_odd + m[5][i];
        }
        out
    }
}
