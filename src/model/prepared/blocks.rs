//! Pre-norm transformer blocks over packed weights.
//!
//! There are two parallel steps in a block: keys and values are packed for all heads, then each task takes some rows
//! through attention, projection and MLP, and on to the queries, keys and values of the next block. What it hands from
//! layer to layer stays in its own memory.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::ProductPlan;
use super::attention::{AttentionShape, KeysAndValues, Scores};
use super::entry::Entry;
use super::linear::PreparedLinear;
use super::norm::PreparedNorm;
use super::partition::{Pool, rows_per_task};
use super::tile_operations::{add_bias, add_to_rows, bias_gelu, write_to_rows};
use crate::model::probe::{Cancelled, Probe, Stage, check_cancelled};
use crate::model::tensor_source::TensorSource;
use crate::numeric::{Kernels, RowLayout};

/// The blocks of an encoder or of a decoder.
#[derive(Debug)]
pub(super) struct PreparedBlocks {
    shape: AttentionShape,
    blocks: Vec<PreparedBlock>,
}

#[derive(Debug)]
struct PreparedBlock {
    norm1: PreparedNorm,
    /// To queries, which it scales for [`KeysAndValues::attend`], keys and values.
    qkv: PreparedLinear,
    proj: PreparedLinear,
    norm2: PreparedNorm,
    fc1: PreparedLinear,
    fc2: PreparedLinear,
}

/// Memory of a task.
struct Scratch {
    /// A row of f32.
    row: Vec<f32>,
    /// What enters the projection, `fc1` and `qkv`, one after another.
    narrow: Entry,
    /// What enters `fc2`.
    hidden: Entry,
    scores: Scores,
}

/// Sizes of blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockSizes {
    pub(super) count: usize,
    pub(super) heads: usize,
    /// Width of a token.
    pub(super) dim: usize,
    pub(super) epsilon: f64,
}

impl PreparedBlocks {
    /// Takes the tensors of the blocks `prefix.0`, `prefix.1`, … out of `tensors`.
    pub(super) fn take<S: TensorSource>(
        tensors: &mut S,
        prefix: &str,
        sizes: &BlockSizes,
        plan: ProductPlan,
        kernels: Kernels,
    ) -> Result<Self, S::Error> {
        let head = sizes.dim / sizes.heads;
        let plan = plan.for_heads(head);
        let shape = AttentionShape {
            heads: sizes.heads,
            dim: sizes.dim,
            arithmetic: plan.operands,
            kernels,
        };
        let blocks = (0..sizes.count).map(|i| {
            let name = |part: &str| format!("{prefix}.{i}.{part}");
            let mut linear = |part: &str, arithmetic| PreparedLinear::take(tensors, &name(part), arithmetic, kernels);
            let proj = linear("attn.proj", plan.proj)?;
            let (fc1, fc2) = (linear("mlp.fc1", plan.fc1)?, linear("mlp.fc2", plan.fc2)?);
            let mut weight = tensors.take(&name("attn.qkv.weight"))?;
            let mut bias = tensors.take(&name("attn.qkv.bias"))?;
            let scale = std::f32::consts::LOG2_E / (head as f32).sqrt();
            let queries = weight.values.iter_mut().take(sizes.dim * sizes.dim);
            queries
                .chain(bias.values.iter_mut().take(sizes.dim))
                .for_each(|x| *x *= scale);
            let qkv = PreparedLinear::pack(&weight, &bias.values, plan.qkv, kernels);
            let mut norm = |part: &str| PreparedNorm::take(tensors, &name(part), sizes.epsilon);
            Ok(PreparedBlock {
                norm1: norm("norm1")?,
                qkv,
                proj,
                norm2: norm("norm2")?,
                fc1,
                fc2,
            })
        });
        Ok(Self {
            shape,
            blocks: blocks.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn bytes(&self) -> usize {
        let of_block = |block: &PreparedBlock| {
            let linear = [&block.qkv, &block.proj, &block.fc1, &block.fc2];
            let norms = [&block.norm1, &block.norm2];
            linear.map(PreparedLinear::bytes).iter().sum::<usize>()
                + norms.map(PreparedNorm::bytes).iter().sum::<usize>()
        };
        self.blocks.iter().map(of_block).sum()
    }

    /// Runs all blocks over `x` `[tokens, dim]`, in place; `done` gets the tokens after each.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    ///
    /// # Panics
    /// When the probe changes residuals, which only training does, on the burn modules.
    pub(super) fn run(
        &self,
        x: &mut [f32],
        stage: fn(usize) -> Stage,
        probe: &mut dyn Probe,
        mut done: impl FnMut(usize, &[f32]),
    ) -> Result<(), Cancelled> {
        assert!(!probe.changes_residuals(), "prepared blocks add their own residuals");
        let Some(first) = self.blocks.first() else {
            return Ok(());
        };
        let dim = self.shape.dim;
        let tokens = x.len() / dim;
        let layout = self.shape.layout();
        let mut qkv = layout.memory(tokens);
        let mut packed = KeysAndValues::new(self.shape, tokens);
        let rows = rows_per_task(tokens);
        let (values, units) = (rows * dim, rows * layout.stride);
        let pool = Pool::new();
        let scratch = || Scratch::new(first, &self.shape, rows, tokens);
        let tasks = x.par_chunks(values).zip(qkv.units_mut().par_chunks_mut(units));
        tasks.for_each(|(x, qkv)| pool.with(scratch, |scratch| first.project(x, qkv, layout, scratch)));
        for (i, block) in self.blocks.iter().enumerate() {
            if probe.wants_queries_and_keys() {
                let [queries, keys] = [0, 1].map(|part| self.heads(qkv.units(), part, tokens));
                probe.queries_and_keys(stage(i), queries, keys);
            }
            packed.pack(qkv.units());
            let next = self.blocks.get(i + 1);
            let tasks = x.par_chunks_mut(values).zip(qkv.units_mut().par_chunks_mut(units));
            tasks.for_each(|(x, qkv)| {
                pool.with(scratch, |scratch| {
                    block.finish(x, qkv, &packed, scratch);
                    if let Some(next) = next {
                        next.project(x, qkv, layout, scratch);
                    }
                });
            });
            if probe.wants_tokens() {
                let tensor = TensorData::new(x.to_vec(), [1, tokens, dim]);
                probe.tokens(stage(i), &Tensor::from_data(tensor, &Device::flex()));
            }
            check_cancelled(probe.block(stage(i)))?;
            done(i, x);
        }
        Ok(())
    }

    /// Queries (0) or keys (1) of rows, `[1, heads, tokens, head width]`, the queries as a [`Probe`] expects them.
    fn heads(&self, qkv: &[u32], part: usize, tokens: usize) -> Tensor<4> {
        let (heads, head) = (self.shape.heads, self.shape.head());
        let layout = self.shape.layout();
        // In the blocks the exponent is base 2.
        let factor = if part == 0 { std::f32::consts::LN_2 } else { 1.0 };
        let mut values = Vec::with_capacity(tokens * self.shape.dim);
        for h in 0..heads {
            for row in qkv.chunks(layout.stride).take(tokens) {
                let from = part * self.shape.dim + h * head;
                values.extend(layout.read(row, from, head).map(|value| value * factor));
            }
        }
        Tensor::from_data(TensorData::new(values, [1, heads, tokens, head]), &Device::flex())
    }
}

impl PreparedBlock {
    /// Queries, keys and values of rows.
    fn project(&self, x: &[f32], qkv: &mut [u32], layout: RowLayout, scratch: &mut Scratch) {
        let rows = normalise_rows(&self.norm1, x, &self.qkv, scratch);
        self.qkv.multiply(scratch.narrow.parts(), rows, |place, tile, bias| {
            add_bias(tile, bias);
            write_to_rows(tile, place, layout.format, qkv, layout.stride);
        });
    }

    /// Adds attention and MLP to rows `x`, whose queries are in `qkv`.
    fn finish(&self, x: &mut [f32], qkv: &[u32], packed: &KeysAndValues, scratch: &mut Scratch) {
        let dim = self.proj.outputs();
        let rows = x.len() / dim;
        let Scratch { narrow, scores, .. } = scratch;
        let layout = narrow.layout();
        packed.attend(qkv, rows, scores, narrow.parts_mut(), layout);
        self.proj.multiply(narrow.complete(rows), rows, |place, tile, bias| {
            add_to_rows(tile, place, bias, x, dim);
        });
        normalise_rows(&self.norm2, x, &self.fc1, scratch);
        let Scratch { narrow, hidden, .. } = scratch;
        let layout = hidden.layout();
        let to = hidden.parts_mut();
        self.fc1.multiply(narrow.parts(), rows, |place, tile, bias| {
            bias_gelu(tile, bias);
            write_to_rows(tile, place, layout.format, to, layout.stride);
        });
        self.fc2.multiply(hidden.complete(rows), rows, |place, tile, bias| {
            add_to_rows(tile, place, bias, x, dim);
        });
    }
}

/// Normalises the rows of `x` into the scratch memory that `reader` reads; returns their number.
fn normalise_rows(norm: &PreparedNorm, x: &[f32], reader: &PreparedLinear, scratch: &mut Scratch) -> usize {
    let layout = reader.input_layout();
    let dim = scratch.row.len();
    let to = scratch.narrow.parts_mut().chunks_mut(layout.stride);
    for (row, to) in x.chunks_exact(dim).zip(to) {
        norm.normalise(row, &mut scratch.row);
        layout.write(to, 0, &scratch.row);
    }
    x.len() / dim
}

impl Scratch {
    fn new(block: &PreparedBlock, shape: &AttentionShape, rows: usize, tokens: usize) -> Self {
        let format = shape.layout().format;
        let also = [&block.qkv, &block.fc1].map(|layer| layer.input_layout().stride);
        Self {
            row: vec![0.0; shape.dim],
            narrow: Entry::new(&block.proj, format, rows, &also),
            hidden: Entry::new(&block.fc2, format, rows, &[]),
            scores: Scores::new(shape, tokens),
        }
    }
}
