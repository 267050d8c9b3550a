//! Looking into a forward pass: progress, cancel, block outputs, attention.

use std::ops::ControlFlow;

use burn::tensor::Tensor;

/// Which block of which part has just run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Block `0..depth` of the encoder.
    Encoder(usize),
    /// Block of the mask-transformer decoder.
    Decoder(usize),
}

/// Which map of a SETR decoder. Paths are numbered from the shallowest to the deepest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapStage {
    /// Naive and PUP: after stage `i` and its upsampling.
    Up(usize),
    /// MLA: path `i` after the sums and their convolution.
    Path(usize),
    /// MLA: the same after the head's two convolutions and its upsampling.
    Refined(usize),
}

/// Called by a network while it runs.
pub trait Probe {
    /// After each block, with the tokens `[batch, tokens, dim]` that it put out.
    /// `Break` ends the pass with [`Cancelled`].
    fn block(&mut self, stage: Stage, tokens: &Tensor<3>) -> ControlFlow<()>;

    /// Whether [`Probe::queries_and_keys`] is wanted; they are then laid out for it.
    fn wants_queries_and_keys(&self) -> bool {
        false
    }

    /// Queries and keys of a block, both `[batch, heads, tokens, head width]`. The queries are scaled already: softmax
    /// over `query · key` is the attention.
    fn queries_and_keys(&mut self, _stage: Stage, _queries: Tensor<4>, _keys: Tensor<4>) {}

    /// Whether [`Probe::residual`] is wanted.
    fn changes_residuals(&self) -> bool {
        false
    }

    /// What attention and, a second time, the MLP of a block are about to add to its tokens, `[batch, tokens, dim]`;
    /// what comes back is added instead. Training drops some of it.
    fn residual(&mut self, _stage: Stage, update: Tensor<3>) -> Tensor<3> {
        update
    }

    /// After each stage of a SETR decoder. `Break` ends the pass with [`Cancelled`].
    fn stage_done(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Whether [`Probe::map`] is wanted; upsampled maps that the pass itself can do without are then computed too.
    fn wants_maps(&self) -> bool {
        false
    }

    /// A map `[batch, rows, columns, channels]` inside a SETR decoder.
    fn map(&mut self, _stage: MapStage, _map: Tensor<4>) {}
}

/// A probe that asks for nothing.
pub struct NoProbe;

impl Probe for NoProbe {
    fn block(&mut self, _stage: Stage, _tokens: &Tensor<3>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// The pass was ended by its [`Probe`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Turns a probe's answer into a result, for use with `?`.
pub(super) fn go_on(answer: ControlFlow<()>) -> Result<(), Cancelled> {
    match answer {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Cancelled),
    }
}
