//! Observing a forward pass: progress, cancelling, block outputs, attention.

use std::ops::ControlFlow;

use burn::tensor::Tensor;

/// A block of the encoder or of a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Block `0..depth` of the encoder.
    Encoder(usize),
    /// Block of the mask-transformer decoder.
    Decoder(usize),
}

/// A map inside a SETR decoder. Paths are numbered from the shallowest to the deepest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapStage {
    /// Naive and PUP: after stage `i` and its upsampling.
    Up(usize),
    /// MLA: path `i` after the sums and their convolution.
    Path(usize),
    /// MLA: the same after the head's two convolutions and its upsampling.
    Refined(usize),
}

/// What a network calls during a forward pass.
pub trait Probe {
    /// Called after each block. `Break` ends the pass with [`Cancelled`].
    fn block(&mut self, stage: Stage) -> ControlFlow<()>;

    /// Whether [`Probe::tokens`] is to be called; only then are tokens copied for it.
    fn wants_tokens(&self) -> bool {
        false
    }

    /// Receives the output tokens `[batch, tokens, dim]` of a block, before [`Probe::block`] is called for it.
    fn tokens(&mut self, _stage: Stage, _tokens: &Tensor<3>) {}

    /// Whether [`Probe::queries_and_keys`] is to be called; only then are queries and keys split into heads for it.
    fn wants_queries_and_keys(&self) -> bool {
        false
    }

    /// Receives queries and keys of a block, both `[batch, heads, tokens, head width]`. The queries are already scaled:
    /// softmax over `query · key` is the attention.
    fn queries_and_keys(&mut self, _stage: Stage, _queries: Tensor<4>, _keys: Tensor<4>) {}

    /// Whether [`Probe::residual`] is to be called.
    fn changes_residuals(&self) -> bool {
        false
    }

    /// Receives the update `[batch, tokens, dim]` that attention and, in a second call, the MLP of a block would add to
    /// its tokens; the returned tensor is added instead. Training uses it for drop path and dropout.
    fn residual(&mut self, _stage: Stage, update: Tensor<3>) -> Tensor<3> {
        update
    }

    /// Called after each stage of a SETR decoder. `Break` ends the pass with [`Cancelled`].
    fn stage_done(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Whether [`Probe::map`] is to be called; only then are upsampled maps computed that the pass itself does not
    /// need.
    fn wants_maps(&self) -> bool {
        false
    }

    /// Receives a map `[batch, rows, columns, channels]` inside a SETR decoder.
    fn map(&mut self, _stage: MapStage, _map: Tensor<4>) {}
}

/// A probe that asks for nothing.
pub struct NoProbe;

impl Probe for NoProbe {
    fn block(&mut self, _stage: Stage) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// The [`Probe`] ended the pass.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Tells a probe that a block is done.
pub(super) fn block_done(probe: &mut dyn Probe, stage: Stage, tokens: &Tensor<3>) -> Result<(), Cancelled> {
    if probe.wants_tokens() {
        probe.tokens(stage, tokens);
    }
    check_cancelled(probe.block(stage))
}

/// Turns a probe's answer into a result, for use with `?`.
pub(super) fn check_cancelled(answer: ControlFlow<()>) -> Result<(), Cancelled> {
    match answer {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Cancelled),
    }
}
