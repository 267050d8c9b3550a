//! The Vision Transformer over packed weights.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::blocks::{BlockSizes, PreparedBlocks};
use super::linear::PreparedLinear;
use super::norm::PreparedNorm;
use super::partition::{Pool, rows_per_task};
use super::tile_operations::add_to_rows;
use super::{ProductPlan, normalised};
use crate::model::encoders::{PositionResize, VitSpec, positions_for_grid};
use crate::model::features::{Features, Tokens};
use crate::model::probe::{Cancelled, Probe, Stage};
use crate::model::tensor_source::TensorSource;
use crate::model::weights::HostTensor;
use crate::numeric::Kernels;

/// A ViT without its classification head.
#[derive(Debug)]
pub(super) struct PreparedVit {
    patch_embedding: PreparedLinear,
    /// Class and distillation token, if there are any, one after another.
    extra_tokens: Vec<f32>,
    positions: HostTensor,
    blocks: PreparedBlocks,
    norm: Option<PreparedNorm>,
    dim: usize,
    patch: usize,
    grid: [usize; 2],
    resize: PositionResize,
    taps: Vec<usize>,
}

impl PreparedVit {
    /// Takes the encoder's tensors out of `tensors`; the outputs of the blocks `taps` are kept.
    pub(super) fn take<S: TensorSource>(
        tensors: &mut S,
        spec: &VitSpec,
        taps: Vec<usize>,
        plan: ProductPlan,
        kernels: Kernels,
    ) -> Result<Self, S::Error> {
        let mut extra_tokens = Vec::new();
        for (exists, name) in [(spec.class_token, "cls_token"), (spec.distilled, "dist_token")] {
            if exists {
                extra_tokens.extend(tensors.take(&format!("encoder.{name}"))?.values);
            }
        }
        let sizes = BlockSizes {
            count: spec.depth,
            heads: spec.heads,
            dim: spec.dim,
            epsilon: spec.norm_eps,
        };
        let norm = spec
            .final_norm
            .then(|| PreparedNorm::take(tensors, "encoder.norm", spec.norm_eps));
        let norm = norm.transpose()?;
        Ok(Self {
            patch_embedding: PreparedLinear::take(tensors, "encoder.patch_embed.proj", plan.rest, kernels)?,
            extra_tokens,
            positions: tensors.take("encoder.pos_embed")?,
            blocks: PreparedBlocks::take(tensors, "encoder.blocks", &sizes, plan, kernels)?,
            norm,
            dim: spec.dim,
            patch: spec.patch,
            grid: spec.grid,
            resize: spec.position_resize,
            taps,
        })
    }

    pub(super) fn bytes(&self) -> usize {
        let values = self.positions.values.len() + self.extra_tokens.len();
        let norm = self.norm.as_ref().map_or(0, PreparedNorm::bytes);
        self.patch_embedding.bytes() + self.blocks.bytes() + norm + values * size_of::<f32>()
    }

    /// Features of normalised pixels `[images, channels, height, width]`, both sides multiples of the patch size.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub(super) fn forward(
        &self,
        pixels: &[f32],
        [channels, height, width]: [usize; 3],
        probe: &mut dyn Probe,
    ) -> Result<Features, Cancelled> {
        let grid = [height / self.patch, width / self.patch];
        let mut last = Vec::new();
        let mut taps: Vec<(usize, Vec<f32>)> = self.taps.iter().map(|tap| (*tap, Vec::new())).collect();
        for pixels in pixels.chunks_exact(channels * height * width) {
            let mut x = self.embed(pixels, [height, width], grid);
            self.blocks.run(&mut x, Stage::Encoder, probe, |i, x| {
                let tap = taps.iter_mut().find(|(tap, _)| *tap == i);
                if let Some((_, values)) = tap {
                    values.extend_from_slice(x);
                }
            })?;
            last.extend(match &self.norm {
                Some(norm) => normalised(norm, &x, self.dim),
                None => x,
            });
        }
        let extra = self.extra_tokens.len() / self.dim;
        let tokens = extra + grid[0] * grid[1];
        let tensor = |values: Vec<f32>| {
            let shape = [values.len() / (tokens * self.dim), tokens, self.dim];
            Tensor::<3>::from_data(TensorData::new(values, shape), &Device::flex())
        };
        let tokens = Tokens {
            last: tensor(last),
            taps: taps.into_iter().map(|(tap, values)| (tap, tensor(values))).collect(),
            extra,
            grid,
        };
        Ok(Features::of_tokens(tokens, self.patch))
    }

    /// Tokens that enter the first block, `[extra + rows * columns, dim]`.
    fn embed(&self, pixels: &[f32], [height, width]: [usize; 2], [rows, columns]: [usize; 2]) -> Vec<f32> {
        let (patch, dim) = (self.patch, self.dim);
        let positions = positions_for_grid(&self.positions, self.grid, [rows, columns], self.resize);
        let mut x = positions.into_owned();
        let (extra, patches) = x.split_at_mut(self.extra_tokens.len());
        for (x, token) in extra.iter_mut().zip(&self.extra_tokens) {
            *x += *token;
        }
        let layout = self.patch_embedding.input_layout();
        let per_task = rows_per_task(rows * columns);
        let pool = Pool::new();
        let scratch = || (vec![0.0; 3 * patch * patch], layout.memory(per_task));
        patches
            .par_chunks_mut(per_task * dim)
            .enumerate()
            .for_each(|(task, x)| {
                pool.with(scratch, |(values, memory)| {
                    let count = x.len() / dim;
                    for (i, to) in memory.units_mut().chunks_mut(layout.stride).take(count).enumerate() {
                        let at = task * per_task + i;
                        let corner = at / columns * patch * width + at % columns * patch;
                        // Channel by channel, row by row, like the kernel of a convolution.
                        for (line, values) in values.chunks_exact_mut(patch).enumerate() {
                            let (channel, y) = (line / patch, line % patch);
                            values.copy_from_slice(&pixels[channel * height * width + corner + y * width..][..patch]);
                        }
                        layout.write(to, 0, values);
                    }
                    self.patch_embedding
                        .multiply(memory.units(), count, |place, tile, bias| {
                            add_to_rows(tile, place, bias, x, dim);
                        });
                });
            });
        x
    }
}
