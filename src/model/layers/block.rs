//! The pre-norm transformer block that the Vision Transformer and the mask decoder share.

use burn::module::Module;
use burn::nn::{LayerNorm, Linear};
use burn::tensor::Tensor;

use crate::model::build::Builder;
use crate::model::operations;
use crate::model::probe::{Probe, Stage};
use crate::model::tensor_source::TensorSource;

/// `x + attention(norm(x))`, then `x + mlp(norm(x))`, with an erf GELU (rstrudel segm/model/blocks.py).
#[derive(Module, Debug)]
pub(in crate::model) struct Block {
    norm1: LayerNorm,
    /// One fused projection to queries, keys and values, in this order.
    qkv: Linear,
    proj: Linear,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    #[module(skip)]
    heads: usize,
}

impl Block {
    pub(in crate::model) fn build<S: TensorSource>(
        b: &mut Builder<S>,
        name: &str,
        heads: usize,
        eps: f64,
    ) -> Result<Self, S::Error> {
        Ok(Self {
            norm1: b.layer_norm(&format!("{name}.norm1"), eps)?,
            qkv: b.linear(&format!("{name}.attn.qkv"))?,
            proj: b.linear(&format!("{name}.attn.proj"))?,
            norm2: b.layer_norm(&format!("{name}.norm2"), eps)?,
            fc1: b.linear(&format!("{name}.mlp.fc1"))?,
            fc2: b.linear(&format!("{name}.mlp.fc2"))?,
            heads,
        })
    }

    /// Tokens `[batch, tokens, dim]` to tokens of the same shape.
    pub(in crate::model) fn forward(&self, x: Tensor<3>, stage: Stage, probe: &mut dyn Probe) -> Tensor<3> {
        let qkv = operations::product(self.norm1.forward(x.clone()), &self.qkv);
        if probe.wants_queries_and_keys() {
            let [queries, keys, _] = operations::split_heads(qkv.clone(), &self.qkv, self.heads);
            probe.queries_and_keys(stage, queries, keys);
        }
        let context = operations::attention(qkv, &self.qkv, self.heads);
        let x = added(x, context, &self.proj, stage, probe);
        let hidden = operations::product(self.norm2.forward(x.clone()), &self.fc1);
        let hidden = operations::bias_gelu(hidden, &self.fc1);
        added(x, hidden, &self.fc2, stage, probe)
    }
}

/// Number of multiplications in one block.
pub(in crate::model) fn products_of_block(tokens: f64, dim: f64) -> f64 {
    12.0 * tokens * dim * dim + 2.0 * tokens * tokens * dim
}

/// `x` plus the output of the linear layer `last` for `hidden`.
fn added(x: Tensor<3>, hidden: Tensor<3>, last: &Linear, stage: Stage, probe: &mut dyn Probe) -> Tensor<3> {
    if probe.changes_residuals() {
        return x + probe.residual(stage, operations::linear(hidden, last));
    }
    operations::residual(x, operations::product(hidden, last), last)
}
