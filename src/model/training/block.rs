//! A pre-norm transformer block forward and backward.

use multiversion::multiversion;

use super::attention::{Attention, ScoreStatistics};
use super::gelu;
use super::linear::{Linear, add, add_to_each_row};
use super::memory::Buffer;
use super::norm::{Norm, RowStatistics};
use super::parameters::{Gradients, Parameters};
use crate::model::weights::{Weights, WeightsMismatch};

/// What is kept of the values that attention or MLP of a block would add.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// All of them.
    All,
    /// All of them, multiplied by a factor; with 0 nothing is added.
    Scaled(f32),
    /// Each multiplied by its own factor, `[tokens, dim]`.
    Each(Vec<f32>),
}

/// A block; see [`crate::model::layers::Block`].
#[derive(Debug)]
pub(super) struct Block {
    norm1: Norm,
    qkv: Linear,
    attention: Attention,
    proj: Linear,
    norm2: Norm,
    fc1: Linear,
    fc2: Linear,
}

/// What the backward pass of a block needs.
#[derive(Debug)]
pub(super) struct BlockTrace {
    attention: Option<AttentionTrace>,
    mlp: Option<MlpTrace>,
}

#[derive(Debug)]
struct AttentionTrace {
    /// The tokens that entered.
    x: Buffer,
    rows: RowStatistics,
    qkv: Buffer,
    scores: ScoreStatistics,
    context: Buffer,
    kept: Kept,
}

#[derive(Debug)]
struct MlpTrace {
    /// The tokens that entered.
    x: Buffer,
    rows: RowStatistics,
    /// What enters the GELU.
    hidden: Buffer,
    kept: Kept,
}

impl Block {
    pub(super) fn new<'a>(
        parameters: &mut Parameters<'a>,
        weights: &'a Weights,
        name: &str,
        (heads, dim, epsilon): (usize, usize, f64),
    ) -> Result<Self, WeightsMismatch> {
        let part = |part: &str| format!("{name}.{part}");
        Ok(Self {
            norm1: Norm::new(parameters, weights, &part("norm1"), epsilon)?,
            qkv: Linear::new(parameters, weights, &part("attn.qkv"))?,
            attention: Attention { heads, dim },
            proj: Linear::new(parameters, weights, &part("attn.proj"))?,
            norm2: Norm::new(parameters, weights, &part("norm2"), epsilon)?,
            fc1: Linear::new(parameters, weights, &part("mlp.fc1"))?,
            fc2: Linear::new(parameters, weights, &part("mlp.fc2"))?,
        })
    }

    /// Adds attention and MLP to the tokens `x`; `kept` says what is kept of each.
    pub(super) fn forward(&self, parameters: &Parameters, x: &mut [f32], mut kept: impl FnMut() -> Kept) -> BlockTrace {
        let attention = self.attend(parameters, x, kept());
        let mlp = self.mlp(parameters, x, kept());
        BlockTrace { attention, mlp }
    }

    fn attend(&self, parameters: &Parameters, x: &mut [f32], kept: Kept) -> Option<AttentionTrace> {
        if kept == Kept::Scaled(0.0) {
            return None;
        }
        let entered = parameters.memory.copy(x);
        let (normed, rows) = self.norm1.forward(parameters, x);
        let qkv = self.qkv.forward(parameters, &normed);
        let (context, scores) = self.attention.forward(parameters, &qkv);
        let mut update = self.proj.forward(parameters, &context);
        kept.apply(&mut update);
        add(x, &update);
        Some(AttentionTrace {
            x: entered,
            rows,
            qkv,
            scores,
            context,
            kept,
        })
    }

    fn mlp(&self, parameters: &Parameters, x: &mut [f32], kept: Kept) -> Option<MlpTrace> {
        if kept == Kept::Scaled(0.0) {
            return None;
        }
        let entered = parameters.memory.copy(x);
        let (normed, rows) = self.norm2.forward(parameters, x);
        let mut hidden = self.fc1.product(parameters, &normed);
        let mut activated = parameters.memory.used(hidden.len());
        gelu::forward(&mut hidden, self.fc1.bias(parameters), &mut activated);
        let mut update = self.fc2.product(parameters, &activated);
        add_to_each_row(&mut update, self.fc2.bias(parameters));
        kept.apply(&mut update);
        add(x, &update);
        Some(MlpTrace {
            x: entered,
            rows,
            hidden,
            kept,
        })
    }

    /// Turns the gradient `dx` of the tokens that left into that of the tokens that entered.
    pub(super) fn backward(
        &self,
        parameters: &Parameters,
        trace: BlockTrace,
        dx: &mut [f32],
        gradients: &mut Gradients,
    ) {
        if let Some(trace) = trace.mlp {
            self.mlp_backward(parameters, trace, dx, gradients);
        }
        if let Some(trace) = trace.attention {
            self.attend_backward(parameters, &trace, dx, gradients);
        }
    }

    fn mlp_backward(&self, parameters: &Parameters, trace: MlpTrace, dx: &mut [f32], gradients: &mut Gradients) {
        let mut update = parameters.memory.copy(dx);
        trace.kept.apply(&mut update);
        let mut hidden = self.fc2.backward(parameters, &update);
        let mut activated = parameters.memory.used(hidden.len());
        gelu::backward(&trace.hidden, &mut hidden, &mut activated);
        self.fc2.learn(parameters, &activated, &update, gradients);
        let normed = self.norm2.again(parameters, &trace.x, &trace.rows);
        self.fc1.learn(parameters, &normed, &hidden, gradients);
        let normed = self.fc1.backward(parameters, &hidden);
        self.norm2
            .backward(parameters, &trace.x, &trace.rows, &normed, dx, gradients);
    }

    fn attend_backward(
        &self,
        parameters: &Parameters,
        trace: &AttentionTrace,
        dx: &mut [f32],
        gradients: &mut Gradients,
    ) {
        let mut update = parameters.memory.copy(dx);
        trace.kept.apply(&mut update);
        self.proj.learn(parameters, &trace.context, &update, gradients);
        let context = self.proj.backward(parameters, &update);
        let qkv = self
            .attention
            .backward(parameters, &trace.qkv, &trace.context, &trace.scores, &context);
        let normed = self.norm1.again(parameters, &trace.x, &trace.rows);
        self.qkv.learn(parameters, &normed, &qkv, gradients);
        let normed = self.qkv.backward(parameters, &qkv);
        self.norm1
            .backward(parameters, &trace.x, &trace.rows, &normed, dx, gradients);
    }
}

impl Kept {
    fn apply(&self, update: &mut [f32]) {
        match self {
            Self::All => {}
            Self::Scaled(factor) => multiply_all(update, *factor),
            Self::Each(factors) => multiply_each(update, factors),
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn multiply_all(values: &mut [f32], factor: f32) {
    for x in values {
        *x *= factor;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn multiply_each(values: &mut [f32], factors: &[f32]) {
    for (x, factor) in values.iter_mut().zip(factors) {
        *x *= *factor;
    }
}
