//! Records an attention trace while a network runs.

use std::ops::ControlFlow;

use burn::tensor::Tensor;

use super::trace::{AttentionTrace, TracedLayer};
use crate::model::{Probe, Stage};

/// A probe that records queries, keys and tokens of every block, and reports finished blocks and stages to another
/// probe.
///
/// Only for a batch size of 1. Recorded values are copied to host memory immediately.
pub struct Recorder<'a> {
    trace: AttentionTrace,
    /// Shape, queries and keys of the current block.
    waiting: Option<([usize; 3], Vec<f32>, Vec<f32>)>,
    problem: Option<String>,
    next: &'a mut dyn Probe,
}

impl<'a> Recorder<'a> {
    /// Creates a recorder without any blocks; `next` is the other probe.
    pub fn new(next: &'a mut dyn Probe) -> Self {
        Self {
            trace: AttentionTrace::default(),
            waiting: None,
            problem: None,
            next,
        }
    }

    /// The trace of a pass with patch size `patch` in pixels, by a network with `classes` classes.
    ///
    /// Grid and extra tokens are not known here: the caller must set them from the
    /// [`Features`](crate::model::Features) of the pass.
    ///
    /// # Errors
    /// When values could not be copied from the device.
    pub fn finish(self, patch: usize, classes: usize) -> Result<AttentionTrace, String> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let classes = if self.trace.decoder.is_empty() { 0 } else { classes };
        Ok(AttentionTrace {
            patch,
            classes,
            ..self.trace
        })
    }

    fn host<const D: usize>(&mut self, tensor: Tensor<D>) -> Vec<f32> {
        let values = tensor.try_into_data().map_err(|e| e.to_string());
        let values = values.and_then(|data| data.convert::<f32>().try_into_vec().map_err(|e| format!("{e:?}")));
        values.unwrap_or_else(|problem| {
            self.problem = Some(problem);
            Vec::new()
        })
    }
}

impl Probe for Recorder<'_> {
    fn wants_tokens(&self) -> bool {
        true
    }

    fn tokens(&mut self, stage: Stage, tokens: &Tensor<3>) {
        let states = self.host(tokens.clone());
        if let Some((shape, queries, keys)) = self.waiting.take().filter(|_| self.problem.is_none()) {
            let layer = TracedLayer::new(shape, &queries, &keys, &states);
            match stage {
                Stage::Encoder(_) => self.trace.encoder.push(layer),
                Stage::Decoder(_) => self.trace.decoder.push(layer),
            }
        }
    }

    fn block(&mut self, stage: Stage) -> ControlFlow<()> {
        if self.problem.is_some() {
            return ControlFlow::Break(());
        }
        self.next.block(stage)
    }

    fn wants_queries_and_keys(&self) -> bool {
        true
    }

    fn queries_and_keys(&mut self, _stage: Stage, queries: Tensor<4>, keys: Tensor<4>) {
        let [_, heads, tokens, width] = queries.dims();
        let (queries, keys) = (self.host(queries), self.host(keys));
        self.waiting = Some(([heads, tokens, width], queries, keys));
    }

    fn stage_done(&mut self) -> ControlFlow<()> {
        self.next.stage_done()
    }
}
