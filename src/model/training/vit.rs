//! The Vision Transformer forward and backward, for one image.

use burn::tensor::{Device, Tensor, TensorData};

use super::block::{Block, BlockTrace, Kept};
use super::linear::{Linear, add};
use super::memory::Buffer;
use super::norm::{Norm, RowStatistics};
use super::parameters::{Gradients, Parameters, Slot};
use crate::model::encoders::{PositionResize, VitSpec, position_tensor_for_grid, positions_for_grid};
use crate::model::probe::Stage;
use crate::model::weights::{Weights, WeightsMismatch};

/// See [`crate::model::VisionTransformer`].
#[derive(Debug)]
pub(super) struct Vit {
    patch_embedding: Linear,
    /// Class and distillation token, if there are any.
    extra: Vec<Slot>,
    positions: Slot,
    blocks: Vec<Block>,
    norm: Option<Norm>,
    dim: usize,
    patch: usize,
    grid: [usize; 2],
    resize: PositionResize,
}

/// What the backward pass needs.
#[derive(Debug)]
pub(super) struct VitTrace {
    /// Flattened patches, `[rows * columns, channels * patch * patch]`.
    patches: Buffer,
    grid: [usize; 2],
    blocks: Vec<BlockTrace>,
    /// The tokens after the last block, and their statistics.
    last: Option<(Buffer, RowStatistics)>,
}

impl VitTrace {
    /// Rows and columns of patches.
    pub(super) fn grid(&self) -> [usize; 2] {
        self.grid
    }
}

impl Vit {
    pub(super) fn new<'a>(
        parameters: &mut Parameters<'a>,
        weights: &'a Weights,
        spec: &VitSpec,
    ) -> Result<Self, WeightsMismatch> {
        let mut extra = Vec::new();
        for (exists, name) in [(spec.class_token, "cls_token"), (spec.distilled, "dist_token")] {
            if exists {
                extra.push(parameters.add(weights, format!("encoder.{name}"))?);
            }
        }
        let patch_embedding = Linear::new(parameters, weights, "encoder.patch_embed.proj")?;
        let positions = parameters.add(weights, "encoder.pos_embed".into())?;
        let sizes = (spec.heads, spec.dim, spec.norm_eps);
        let blocks = (0..spec.depth).map(|i| Block::new(parameters, weights, &format!("encoder.blocks.{i}"), sizes));
        let blocks = blocks.collect::<Result<_, _>>()?;
        let norm = spec
            .final_norm
            .then(|| Norm::new(parameters, weights, "encoder.norm", spec.norm_eps));
        Ok(Self {
            patch_embedding,
            extra,
            positions,
            blocks,
            norm: norm.transpose()?,
            dim: spec.dim,
            patch: spec.patch,
            grid: spec.grid,
            resize: spec.position_resize,
        })
    }

    /// Width of a token.
    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// Number of tokens before the patches.
    pub(super) fn extra_tokens(&self) -> usize {
        self.extra.len()
    }

    /// Tokens `[extra + rows * columns, dim]` of normalised pixels `[channels, height, width]`, both sides multiples of
    /// the patch size.
    pub(super) fn forward(
        &self,
        parameters: &Parameters,
        pixels: &[f32],
        [width, height]: [usize; 2],
        mut kept: impl FnMut(Stage, usize) -> Kept,
    ) -> (Buffer, VitTrace) {
        let grid = [height / self.patch, width / self.patch];
        let positions = parameters.tensor(self.positions);
        let mut x = parameters
            .memory
            .copy(&positions_for_grid(positions, self.grid, grid, self.resize));
        let patches = parameters.memory.copy(&flattened(pixels, [width, height], self.patch));
        let (extra, rest) = x.split_at_mut(self.extra.len() * self.dim);
        for (x, token) in extra.chunks_exact_mut(self.dim).zip(&self.extra) {
            add(x, &parameters[*token]);
        }
        add(rest, &self.patch_embedding.forward(parameters, &patches));
        let tokens = x.len() / self.dim;
        let blocks = self.blocks.iter().enumerate();
        let blocks = blocks.map(|(i, block)| block.forward(parameters, &mut x, || kept(Stage::Encoder(i), tokens)));
        let blocks = blocks.collect();
        let (out, last) = match &self.norm {
            Some(norm) => {
                let (out, rows) = norm.forward(parameters, &x);
                (out, Some((x, rows)))
            }
            None => (x, None),
        };
        let trace = VitTrace {
            patches,
            grid,
            blocks,
            last,
        };
        (out, trace)
    }

    /// Adds the gradients of all parameters, from that of the tokens.
    pub(super) fn backward(&self, parameters: &Parameters, trace: VitTrace, mut dx: Buffer, gradients: &mut Gradients) {
        if let (Some(norm), Some((x, rows))) = (&self.norm, &trace.last) {
            let zeros = parameters.memory.zeros(dx.len());
            let dy = std::mem::replace(&mut dx, zeros);
            norm.backward(parameters, x, rows, &dy, &mut dx, gradients);
        }
        for (block, trace) in self.blocks.iter().zip(trace.blocks).rev() {
            block.backward(parameters, trace, &mut dx, gradients);
        }
        let (extra, patches) = dx.split_at(self.extra.len() * self.dim);
        for (dx, token) in extra.chunks_exact(self.dim).zip(&self.extra) {
            add(gradients.of(*token), dx);
        }
        self.patch_embedding
            .learn(parameters, &trace.patches, patches, gradients);
        let positions = self.positions_backward(parameters, trace.grid, &dx);
        add(gradients.of(self.positions), &positions);
    }

    /// The gradient of the stored position embeddings from that of the resized ones.
    fn positions_backward(&self, parameters: &Parameters, grid: [usize; 2], dx: &[f32]) -> Vec<f32> {
        let stored = parameters.tensor(self.positions);
        if dx.len() == stored.values.len() {
            return dx.to_vec();
        }
        // Resizing is linear, and small: its gradient is left to burn.
        let device = Device::flex().autodiff();
        let tensor = |values: &[f32]| {
            let data = TensorData::new(values.to_vec(), [1, values.len() / self.dim, self.dim]);
            Tensor::<3>::from_data(data, &device)
        };
        let stored = tensor(&stored.values).require_grad();
        let resized = position_tensor_for_grid(stored.clone(), self.grid, grid, self.resize);
        let gradient = stored.grad(&(resized * tensor(dx)).sum().backward());
        match gradient.map(|gradient| gradient.into_data().try_into_vec()) {
            Some(Ok(values)) => values,
            _ => unreachable!("resized position embeddings depend on the stored ones, and are f32 on the CPU"),
        }
    }
}

/// Patches of pixels `[channels, height, width]`, row by row: `[rows * columns, channels * patch * patch]`.
fn flattened(pixels: &[f32], [width, height]: [usize; 2], patch: usize) -> Vec<f32> {
    let channels = pixels.len() / (width * height);
    let mut out = Vec::with_capacity(pixels.len());
    for top in (0..height / patch * patch).step_by(patch) {
        for left in (0..width / patch * patch).step_by(patch) {
            for channel in 0..channels {
                for y in top..top + patch {
                    out.extend_from_slice(&pixels[(channel * height + y) * width + left..][..patch]);
                }
            }
        }
    }
    out
}
