//! Converts an encoder to other sizes of patches and images, for continued training.

use super::super::family::{Refit, RefitError};
use super::position::resized_positions;
use super::spec::{PositionResize, VitSpec};
use crate::model::weights::HostTensor;

impl VitSpec {
    pub(super) fn refitted(&self, refit: &Refit) -> Result<Self, RefitError> {
        let Refit {
            patch,
            crop,
            final_norm,
        } = *refit;
        let own = self.patch;
        if patch == 0 || !patch.is_multiple_of(own) && !own.is_multiple_of(patch) {
            return Err(RefitError::Patch { own, found: patch });
        }
        if crop == 0 || !crop.is_multiple_of(patch) {
            return Err(RefitError::Crop { patch, crop });
        }
        Ok(Self {
            patch,
            grid: [crop / patch; 2],
            position_resize: PositionResize::Bilinear,
            // As in the published encoders, however this one was trained: rstrudel's have a final norm and an epsilon
            // of 1e-5, SETR's have neither.
            final_norm,
            norm_eps: if final_norm { 1e-5 } else { 1e-6 },
            ..self.clone()
        })
    }

    pub(super) fn refitted_tensor(&self, to: &Self, name: &str, stored: HostTensor) -> HostTensor {
        match name {
            "encoder.pos_embed" => resized_positions(&stored, self.grid, to.grid, PositionResize::Bilinear),
            "encoder.patch_embed.proj.weight" => resampled_patches(stored, to.patch),
            _ => stored,
        }
    }
}

/// Resamples patch filters `[dim, 3, side, side]` to another side. Their response to an image that is enlarged or
/// reduced by the ratio of the sides stays the same.
fn resampled_patches(stored: HostTensor, side: usize) -> HostTensor {
    let own = stored.shape.last().copied().unwrap_or(side);
    if own == side {
        return stored;
    }
    let mut values = Vec::with_capacity(stored.values.len() / (own * own) * side * side);
    for filter in stored.values.chunks_exact(own * own) {
        for y in 0..side {
            for x in 0..side {
                values.push(match own > side {
                    // A pixel stands for a block of equal pixels.
                    true => {
                        let step = own / side;
                        let rows = y * step..(y + 1) * step;
                        rows.map(|row| filter[row * own + x * step..][..step].iter().sum::<f32>())
                            .sum()
                    }
                    // A block is seen as its mean.
                    false => {
                        let step = side / own;
                        filter[y / step * own + x / step] / (step * step) as f32
                    }
                });
            }
        }
    }
    let mut shape = stored.shape;
    let axes = shape.len();
    shape[axes - 2..].fill(side);
    HostTensor { shape, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resampled_filters_respond_alike() {
        let own = HostTensor {
            shape: vec![1, 1, 4, 4],
            values: (0..16).map(|i| i as f32).collect(),
        };
        // An image of one colour gives the same response.
        for side in [2, 8] {
            let resampled = resampled_patches(own.clone(), side);
            assert_eq!(resampled.shape, [1, 1, side, side]);
            let sum: f32 = resampled.values.iter().sum();
            assert!((sum - 120.0).abs() < 1e-3, "{side}: {sum}");
        }
        // The original filter responds to an enlarged patch as the resampled filter does to the patch.
        let small = [3.0, -1.0, 0.5, 2.0];
        let enlarged = |i: usize| small[i / 4 / 2 * 2 + i % 4 / 2];
        let to_own: f32 = own.values.iter().enumerate().map(|(i, w)| w * enlarged(i)).sum();
        let resampled = resampled_patches(own.clone(), 2).values;
        let to_small: f32 = resampled.iter().zip(small).map(|(w, v)| w * v).sum();
        assert!((to_own - to_small).abs() < 1e-4, "{to_own} {to_small}");
        // The resampled filter responds to a larger patch as the original does to the means of its blocks.
        let large = |i: usize| (i * 7 % 13) as f32;
        let mean = |i: usize| {
            let (y, x) = (i / 4 * 2, i % 4 * 2);
            [(0, 0), (0, 1), (1, 0), (1, 1)]
                .map(|(dy, dx)| large((y + dy) * 8 + x + dx))
                .iter()
                .sum::<f32>()
                / 4.0
        };
        let to_own: f32 = own.values.iter().enumerate().map(|(i, w)| w * mean(i)).sum();
        let resampled = resampled_patches(own.clone(), 8).values;
        let to_large: f32 = resampled.iter().enumerate().map(|(i, w)| w * large(i)).sum();
        assert!((to_own - to_large).abs() < 1e-2, "{to_own} {to_large}");
    }
}
