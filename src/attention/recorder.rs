//! Keeps what is needed for looking inside while a network runs.

use std::ops::ControlFlow;

use burn::tensor::Tensor;

use super::kept::{Inside, Layer};
use crate::model::{Probe, Stage};

/// A probe that keeps queries, keys and tokens of every block, and passes everything else on to another one.
///
/// One batch element; what is kept is taken to host memory at once.
pub struct Recorder<'a> {
    inside: Inside,
    /// Of the block that is running: shape, queries and keys.
    waiting: Option<([usize; 3], Vec<f32>, Vec<f32>)>,
    problem: Option<String>,
    next: &'a mut dyn Probe,
}

impl<'a> Recorder<'a> {
    /// Keeps nothing yet.
    pub fn new(next: &'a mut dyn Probe) -> Self {
        Self {
            inside: Inside::default(),
            waiting: None,
            problem: None,
            next,
        }
    }

    /// What was kept of a pass over patches of `patch` pixels, by a network with `classes` classes. Grid and extra
    /// tokens are those of the [`Features`](crate::model::Features) that the pass left, and not known here.
    ///
    /// # Errors
    /// When the device could not deliver.
    pub fn finish(self, patch: usize, classes: usize) -> Result<Inside, String> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let classes = if self.inside.decoder.is_empty() { 0 } else { classes };
        Ok(Inside {
            patch,
            classes,
            ..self.inside
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
    fn block(&mut self, stage: Stage, tokens: &Tensor<3>) -> ControlFlow<()> {
        let states = self.host(tokens.clone());
        if let Some((shape, queries, keys)) = self.waiting.take().filter(|_| self.problem.is_none()) {
            let layer = Layer::new(shape, &queries, &keys, &states);
            match stage {
                Stage::Encoder(_) => self.inside.encoder.push(layer),
                Stage::Decoder(_) => self.inside.decoder.push(layer),
            }
        }
        if self.problem.is_some() {
            return ControlFlow::Break(());
        }
        self.next.block(stage, tokens)
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
