//! The Vision Transformer encoder (arXiv 2010.11929; rstrudel segm/model/vit.py).

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, Linear};
use burn::tensor::Tensor;

use super::block::Block;
use super::build::Builder;
use super::probe::{Cancelled, Probe, Stage, go_on};
use super::spec::EncoderSpec;
use super::weights::WeightsMismatch;
use super::{kernels, position};

/// What the encoder knows about a picture; a decoder turns it into logits. Worth keeping: decoders are cheap.
#[derive(Clone, Debug)]
pub struct Features {
    /// All tokens after the final norm, `[batch, extra + rows * columns, dim]`.
    pub tokens: Tensor<3>,
    /// Tokens before the first patch.
    pub extra: usize,
    /// Rows and columns of patches.
    pub grid: [usize; 2],
}

impl Features {
    /// The patch tokens, `[batch, rows * columns, dim]`, row by row.
    pub fn patches(&self) -> Tensor<3> {
        let patches = self.grid[0] * self.grid[1];
        self.tokens.clone().narrow(1, self.extra, patches)
    }
}

/// A ViT without its classification head.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    /// The patch convolution (kernel = stride = P) as a linear layer over flattened patches, channel first.
    patch_embedding: Linear,
    class_token: Param<Tensor<3>>,
    distillation_token: Option<Param<Tensor<3>>>,
    positions: Param<Tensor<3>>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    #[module(skip)]
    patch: usize,
    #[module(skip)]
    grid: [usize; 2],
}

impl VisionTransformer {
    pub(super) fn build(spec: &EncoderSpec, b: &mut Builder) -> Result<Self, WeightsMismatch> {
        let positions = spec.extra_tokens() + spec.grid[0] * spec.grid[1];
        let distillation_token = match spec.distilled {
            true => Some(b.param("encoder.dist_token", [1, 1, spec.dim])?),
            false => None,
        };
        Ok(Self {
            patch_embedding: b.linear("encoder.patch_embed.proj")?,
            class_token: b.param("encoder.cls_token", [1, 1, spec.dim])?,
            distillation_token,
            positions: b.param("encoder.pos_embed", [1, positions, spec.dim])?,
            blocks: (0..spec.depth)
                .map(|i| Block::build(b, &format!("encoder.blocks.{i}"), spec.heads, spec.norm_eps))
                .collect::<Result<_, _>>()?,
            norm: b.layer_norm("encoder.norm", spec.norm_eps)?,
            patch: spec.patch,
            grid: spec.grid,
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
        let patches = kernels::linear(patches, &self.patch_embedding);
        let mut tokens = vec![self.class_token.val().repeat_dim(0, batch)];
        if let Some(token) = &self.distillation_token {
            tokens.push(token.val().repeat_dim(0, batch));
        }
        tokens.push(patches);
        Tensor::cat(tokens, 1) + position::for_grid(self.positions.val(), self.grid, [rows, columns])
    }

    /// Runs all blocks and the final norm over `image` (see [`VisionTransformer::embed`]).
    ///
    /// # Errors
    /// [`Cancelled`] when the probe says so.
    pub fn forward(&self, image: Tensor<4>, probe: &mut dyn Probe) -> Result<Features, Cancelled> {
        let [_, _, height, width] = image.dims();
        let mut x = self.embed(image);
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.forward(x, Stage::Encoder(i), probe);
            go_on(probe.block(Stage::Encoder(i), &x))?;
        }
        Ok(Features {
            tokens: self.norm.forward(x),
            extra: 1 + usize::from(self.distillation_token.is_some()),
            grid: [height / self.patch, width / self.patch],
        })
    }
}
