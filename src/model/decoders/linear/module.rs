//! The layer of the linear decoder (rstrudel segm/model/decoder.py, `DecoderLinear`).

use burn::module::Module;
use burn::nn::Linear;

use crate::model::build::Builder;
use crate::model::decoders::logits::Logits;
use crate::model::features::Features;
use crate::model::operations;
use crate::model::tensor_source::TensorSource;

/// One linear layer on each patch token.
#[derive(Module, Debug)]
pub struct LinearDecoder {
    head: Linear,
}

impl LinearDecoder {
    /// Builds the decoder; `prefix` is the prefix of its tensors' names.
    pub(in crate::model) fn build<S: TensorSource>(prefix: &str, b: &mut Builder<S>) -> Result<Self, S::Error> {
        Ok(Self {
            head: b.linear(&format!("{prefix}.head"))?,
        })
    }

    /// Logits of each patch.
    pub fn forward(&self, features: &Features) -> Logits {
        Logits {
            values: operations::linear(features.tokens().patches(), &self.head),
            grid: features.tokens().grid,
        }
    }
}
