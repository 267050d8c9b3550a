//! The modules of a Vision Transformer.

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, Linear};
use burn::tensor::Tensor;

use super::position;
use super::spec::{PositionResize, VitSpec};
use crate::model::build::Builder;
use crate::model::features::{Features, Tokens};
use crate::model::layers::Block;
use crate::model::operations;
use crate::model::probe::{Cancelled, Probe, Stage, block_done};
use crate::model::tensor_source::TensorSource;

/// A ViT without its classification head.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    /// The patch convolution (kernel = stride = P) as a linear layer over flattened patches, channel first.
    patch_embedding: Linear,
    class_token: Option<Param<Tensor<3>>>,
    distillation_token: Option<Param<Tensor<3>>>,
    positions: Param<Tensor<3>>,
    blocks: Vec<Block>,
    norm: Option<LayerNorm>,
    #[module(skip)]
    patch: usize,
    #[module(skip)]
    grid: [usize; 2],
    #[module(skip)]
    resize: PositionResize,
    /// Blocks whose outputs decoders read.
    #[module(skip)]
    taps: Vec<usize>,
}

impl VisionTransformer {
    /// Builds an encoder that keeps the outputs of the blocks `taps`.
    pub(in crate::model) fn build<S: TensorSource>(
        spec: &VitSpec,
        taps: Vec<usize>,
        b: &mut Builder<S>,
    ) -> Result<Self, S::Error> {
        let positions = spec.extra_tokens() + spec.grid[0] * spec.grid[1];
        let mut token = |exists: bool, name: &str| exists.then(|| b.param(name, [1, 1, spec.dim])).transpose();
        let class_token = token(spec.class_token, "encoder.cls_token")?;
        let distillation_token = token(spec.distilled, "encoder.dist_token")?;
        let norm = spec.final_norm.then(|| b.layer_norm("encoder.norm", spec.norm_eps));
        let norm = norm.transpose()?;
        Ok(Self {
            patch_embedding: b.linear("encoder.patch_embed.proj")?,
            class_token,
            distillation_token,
            positions: b.param("encoder.pos_embed", [1, positions, spec.dim])?,
            blocks: (0..spec.depth)
                .map(|i| Block::build(b, &format!("encoder.blocks.{i}"), spec.heads, spec.norm_eps))
                .collect::<Result<_, _>>()?,
            norm,
            patch: spec.patch,
            grid: spec.grid,
            resize: spec.position_resize,
            taps,
        })
    }

    /// Tokens that enter the first block, `[batch, extra + rows * columns, dim]`.
    ///
    /// `image` is `[batch, 3, height, width]`, normalised, both sides multiples of the patch size.
    pub fn embed(&self, image: Tensor<4>) -> Tensor<3> {
        let [batch, channels, height, width] = image.dims();
        let (p, rows, columns) = (self.patch, height / self.patch, width / self.patch);
        let patches = image
            .reshape([batch, channels, rows, p, columns, p])
            .permute([0, 2, 4, 1, 3, 5])
            .reshape([batch, rows * columns, channels * p * p]);
        let patches = operations::linear(patches, &self.patch_embedding);
        let extra = [&self.class_token, &self.distillation_token].into_iter().flatten();
        let mut tokens: Vec<_> = extra.map(|token| token.val().repeat_dim(0, batch)).collect();
        tokens.push(patches);
        Tensor::cat(tokens, 1)
            + position::position_tensor_for_grid(self.positions.val(), self.grid, [rows, columns], self.resize)
    }

    /// Runs all blocks and the final norm, if there is one, over `image` (see [`VisionTransformer::embed`]).
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub fn forward(&self, image: Tensor<4>, probe: &mut dyn Probe) -> Result<Features, Cancelled> {
        let [_, _, height, width] = image.dims();
        let mut x = self.embed(image);
        let mut taps = Vec::with_capacity(self.taps.len());
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.forward(x, Stage::Encoder(i), probe);
            block_done(probe, Stage::Encoder(i), &x)?;
            if self.taps.contains(&i) {
                taps.push((i, x.clone()));
            }
        }
        let last = match &self.norm {
            Some(norm) => norm.forward(x),
            None => x,
        };
        let tokens = Tokens {
            last,
            taps,
            extra: usize::from(self.class_token.is_some()) + usize::from(self.distillation_token.is_some()),
            grid: [height / self.patch, width / self.patch],
        };
        Ok(Features::of_tokens(tokens, self.patch))
    }
}
