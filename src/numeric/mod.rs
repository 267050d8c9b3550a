//! Arithmetic that several rooms share: half-pixel interpolation, a vectorisable `e^x`, and matrix products in host
//! memory, of strided matrices and of packed ones.

mod aligned;
mod bf16;
mod exp;
#[cfg(all(test, unix))]
mod guard_tests;
mod isa;
mod kernels;
mod matrix;
mod packed;
mod panels;
mod peak;
#[cfg(test)]
mod product_tests;
mod products;
mod quantise;
mod rows;
mod self_check;
mod simd;
mod tails;

pub(crate) use aligned::Aligned;
pub(crate) use bf16::pair;
pub(crate) use exp::exp;
pub use isa::Isa;
pub use kernels::{Arithmetic, Format, Kernels, KernelsError};
pub(crate) use kernels::{TILE_COLUMNS, TILE_ROWS, Tile};
pub(crate) use matrix::{Strided, multiply};
pub(crate) use packed::PackedMatrix;
pub(crate) use panels::{HALF, Panels, TilePlace};
pub use products::Products;
pub(crate) use rows::RowLayout;
pub(crate) use tails::normal_tails;

/// The position of an output sample among the input samples: two neighbours and the weight of the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interpolation {
    /// Index of the lower neighbour.
    pub low: usize,
    /// Index of the upper neighbour, or `low` at the edge.
    pub high: usize,
    /// Weight of `high`, 0..1.
    pub weight: f32,
}

impl Interpolation {
    /// Position of output sample `i` of `to` among `from` input samples, by half-pixel centres without anti-aliasing:
    /// PyTorch's `interpolate(mode="bilinear", align_corners=False)`, which the upstream projects use almost
    /// everywhere.
    pub fn half_pixel(i: usize, from: usize, to: usize) -> Self {
        Self::at(((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0), from)
    }

    /// The same, with the first and the last samples aligned: PyTorch's `align_corners=True`.
    pub fn corners(i: usize, from: usize, to: usize) -> Self {
        let step = if to > 1 {
            (from - 1) as f64 / (to - 1) as f64
        } else {
            0.0
        };
        Self::at(i as f64 * step, from)
    }

    /// [`Interpolation::corners`] or [`Interpolation::half_pixel`].
    pub fn of(i: usize, from: usize, to: usize, align_corners: bool) -> Self {
        if align_corners {
            Self::corners(i, from, to)
        } else {
            Self::half_pixel(i, from, to)
        }
    }

    fn at(at: f64, from: usize) -> Self {
        let low = (at as usize).min(from - 1);
        Self {
            low,
            high: (low + 1).min(from - 1),
            weight: (at - low as f64) as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Interpolation;

    #[test]
    fn doubling_gives_quarters() {
        let weights: Vec<_> = (0..4).map(|i| Interpolation::half_pixel(i, 2, 4)).collect();
        let expected = [(0, 1, 0.0), (0, 1, 0.25), (0, 1, 0.75), (1, 1, 0.25)];
        for (found, (low, high, weight)) in weights.iter().zip(expected) {
            assert_eq!(*found, Interpolation { low, high, weight });
        }
    }

    #[test]
    fn corners_stay_corners() {
        let weights: Vec<_> = (0..5).map(|i| Interpolation::corners(i, 3, 5)).collect();
        let expected = [(0, 1, 0.0), (0, 1, 0.5), (1, 2, 0.0), (1, 2, 0.5), (2, 2, 0.0)];
        for (found, (low, high, weight)) in weights.iter().zip(expected) {
            assert_eq!(*found, Interpolation { low, high, weight });
        }
        assert_eq!(Interpolation::corners(0, 4, 1).low, 0);
    }

    #[test]
    fn the_same_size_is_the_identity() {
        for i in 0..5 {
            assert_eq!(Interpolation::half_pixel(i, 5, 5).low, i);
            assert_eq!(Interpolation::half_pixel(i, 5, 5).weight, 0.0);
        }
    }
}
