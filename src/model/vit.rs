//! The Vision Transformer encoder (arXiv 2010.11929; rstrudel segm/model/vit.py).

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, Linear};
use burn::tensor::Tensor;

use super::build::Builder;
use super::layers::Block;
use super::probe::{Cancelled, Probe, Stage, go_on};
use super::spec::{EncoderSpec, PositionResize};
use super::weights::WeightsMismatch;
use super::{kernels, position};

/// What the encoder knows about a picture; a decoder turns it into logits. Worth keeping: decoders are cheap.
#[derive(Clone, Debug)]
pub struct Features {
    /// All tokens after the last block and the final norm, if there is one, `[batch, extra + rows * columns, dim]`.
    pub tokens: Tensor<3>,
    /// All tokens after the blocks that decoders take, before any final norm: block from 0, ascending, and tokens.
    pub taps: Vec<(usize, Tensor<3>)>,
    /// Tokens before the first patch.
    pub extra: usize,
    /// Rows and columns of patches.
    pub grid: [usize; 2],
}

impl Features {
    /// The patch tokens, `[batch, rows * columns, dim]`, row by row.
    pub fn patches(&self) -> Tensor<3> {
        self.without_extra(&self.tokens)
    }

    /// The patch tokens after block `block`, before any final norm, `[batch, rows * columns, dim]`.
    ///
    /// # Panics
    /// When no decoder of the network takes that block's output.
    pub fn tap(&self, block: usize) -> Tensor<3> {
        match self.taps.iter().find(|(at, _)| *at == block) {
            Some((_, tokens)) => self.without_extra(tokens),
            None => panic!("the output of block {block} was not kept"),
        }
    }

    /// The same, normed, as a map `[batch, rows, columns, dim]`.
    pub(super) fn tap_map(&self, block: usize, norm: &LayerNorm) -> Tensor<4> {
        let tokens = norm.forward(self.tap(block));
        let [batch, _, dim] = tokens.dims();
        tokens.reshape([batch, self.grid[0], self.grid[1], dim])
    }

    /// Bytes that the tokens take.
    pub fn bytes(&self) -> usize {
        let kept = self.taps.iter().map(|(_, tokens)| tokens).chain([&self.tokens]);
        kept.map(|tokens| tokens.dims().iter().product::<usize>() * size_of::<f32>())
            .sum()
    }

    fn without_extra(&self, tokens: &Tensor<3>) -> Tensor<3> {
        let patches = self.grid[0] * self.grid[1];
        tokens.clone().narrow(1, self.extra, patches)
    }
}

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
    /// Blocks whose outputs decoders take.
    #[module(skip)]
    taps: Vec<usize>,
}

impl VisionTransformer {
    /// An encoder that keeps what the blocks `taps` put out.
    pub(super) fn build(spec: &EncoderSpec, taps: Vec<usize>, b: &mut Builder) -> Result<Self, WeightsMismatch> {
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
        let patches = kernels::linear(patches, &self.patch_embedding);
        let extra = [&self.class_token, &self.distillation_token].into_iter().flatten();
        let mut tokens: Vec<_> = extra.map(|token| token.val().repeat_dim(0, batch)).collect();
        tokens.push(patches);
        Tensor::cat(tokens, 1) + position::for_grid(self.positions.val(), self.grid, [rows, columns], self.resize)
    }

    /// Runs all blocks and the final norm, if there is one, over `image` (see [`VisionTransformer::embed`]).
    ///
    /// # Errors
    /// [`Cancelled`] when the probe says so.
    pub fn forward(&self, image: Tensor<4>, probe: &mut dyn Probe) -> Result<Features, Cancelled> {
        let [_, _, height, width] = image.dims();
        let mut x = self.embed(image);
        let mut taps = Vec::with_capacity(self.taps.len());
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.forward(x, Stage::Encoder(i), probe);
            go_on(probe.block(Stage::Encoder(i), &x))?;
            if self.taps.contains(&i) {
                taps.push((i, x.clone()));
            }
        }
        let tokens = match &self.norm {
            Some(norm) => norm.forward(x),
            None => x,
        };
        Ok(Features {
            tokens,
            taps,
            extra: usize::from(self.class_token.is_some()) + usize::from(self.distillation_token.is_some()),
            grid: [height / self.patch, width / self.patch],
        })
    }
}
