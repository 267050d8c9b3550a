//! Decoders, which turn features into class logits. Each has a folder with its sizes, modules and cost; this file lists
//! them.
//!
//! Maps are `[batch, rows, columns, channels]`, the order in which tokens come out of an encoder.

mod family;
mod kind;
mod linear;
mod logits;
mod mask;
mod setr_mla;
mod setr_up;
mod usual_confidence;

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::build::Builder;
use super::features::Features;
use super::probe::{Cancelled, Probe};
use super::spec::{SpecError, between};
use super::tensor_source::TensorSource;
use super::tensors::TensorList;

pub(super) use family::{DecoderFamily, Inputs};
pub use family::{Needs, Paper};
pub use kind::{DecoderKind, SETR_CHANNELS};
pub use linear::LinearDecoder;
use linear::LinearSpec;
pub use logits::{LastUpsampling, Logits};
pub use mask::{MaskSpec, MaskTransformer};
pub use setr_mla::{SetrMla, SetrMlaSpec};
pub use setr_up::{SetrPup, SetrPupHead, SetrPupSpec, SetrPupStage};
pub use usual_confidence::UsualConfidence;

/// Maximum number of channels, far above the 256 of every published model.
const MAX_CHANNELS: usize = 4096;

/// Epsilon of the LayerNorms of SETR's heads.
const SETR_EPS: f64 = 1e-6;

/// One decoder of a model: a main head and perhaps auxiliary ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecoderSpec {
    /// The key, unique in its model; the decoder's tensors are named `decoders.KEY.…`.
    pub key: String,
    /// Kind and sizes.
    pub head: HeadSpec,
    /// How sure the decoder is on photos like those that it was trained for, if that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_confidence: Option<UsualConfidence>,
}

impl DecoderSpec {
    /// A decoder of which nothing was measured.
    pub fn new(key: impl Into<String>, head: HeadSpec) -> Self {
        Self {
            key: key.into(),
            head,
            usual_confidence: None,
        }
    }
}

/// Kind and sizes of a decoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum HeadSpec {
    /// Segmenter: one linear layer on each patch token.
    Linear,
    /// Segmenter: class tokens that attend to the patches, then cosine similarity.
    MaskTransformer(MaskSpec),
    /// SETR Naive and PUP: convolutions with upsampling in between.
    #[serde(rename = "up")]
    SetrPup(SetrPupSpec),
    /// SETR MLA: the tokens of four blocks, summed from the deepest block on.
    #[serde(rename = "mla")]
    SetrMla(SetrMlaSpec),
}

/// A decoder, which turns features into class logits.
#[derive(Module, Debug)]
pub enum Decoder {
    /// Segmenter: one linear layer on each patch token.
    Linear(LinearDecoder),
    /// Segmenter: class tokens and cosine similarity.
    MaskTransformer(MaskTransformer),
    /// SETR Naive and PUP.
    SetrPup(SetrPup),
    /// SETR MLA.
    SetrMla(SetrMla),
}

impl HeadSpec {
    /// The spec of this decoder as a [`DecoderFamily`].
    pub(super) fn family(&self) -> &dyn DecoderFamily {
        match self {
            Self::Linear => &LinearSpec,
            Self::MaskTransformer(spec) => spec,
            Self::SetrPup(spec) => spec,
            Self::SetrMla(spec) => spec,
        }
    }

    /// The name that papers use: `Mask`, `PUP`.
    pub fn title(&self) -> &'static str {
        self.family().title()
    }

    /// The paper that the decoder is from.
    pub fn paper(&self) -> Paper {
        self.family().paper()
    }

    /// The features that it reads.
    pub fn needs(&self) -> Needs {
        self.family().needs()
    }

    /// Whether it has batch norms, which in training normalise by the whole batch.
    pub fn has_batch_norm(&self) -> bool {
        self.family().has_batch_norm()
    }

    /// Channels of its first convolution; `None` for Segmenter's decoders.
    pub fn channels(&self) -> Option<usize> {
        self.family().channels()
    }

    /// The layer of the encoder, from 0, that each auxiliary head reads.
    pub fn auxiliary_layers(&self) -> Vec<usize> {
        self.family().auxiliary_layers()
    }

    /// Number of steps in a run of one of its heads, for progress.
    pub fn steps(&self, auxiliary: Option<usize>) -> usize {
        self.family().steps(auxiliary)
    }
}

impl DecoderSpec {
    /// Kind and sizes as text: `SETR MLA, on layers 3, 6, 9, 12`.
    pub fn described(&self) -> String {
        let kind = self.head.family().described();
        let layers = self.head.auxiliary_layers();
        if layers.is_empty() {
            return kind;
        }
        let layers: Vec<_> = layers.iter().map(|layer| (layer + 1).to_string()).collect();
        format!("{kind}, auxiliary heads on layers {}", layers.join(", "))
    }

    /// Prefix of the names of its tensors, without a dot.
    pub fn prefix(&self) -> String {
        format!("decoders.{}", self.key)
    }

    pub(super) fn tensors(&self, inputs: &Inputs, list: &mut TensorList) {
        self.head.family().tensors(&self.prefix(), inputs, list);
    }

    /// Checks that the sizes are possible and within bounds.
    pub(super) fn check(&self, inputs: &Inputs) -> Result<(), SpecError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if self.key.is_empty() || self.key.len() > 40 || !self.key.chars().all(is_plain) {
            return Err(SpecError(
                "decoder key: expected up to 40 letters, digits and hyphens, found something else".into(),
            ));
        }
        let Needs { taps, levels, tokens } = self.head.needs();
        for tap in &taps {
            between("decoder tap", *tap, 0, inputs.layers.saturating_sub(1))?;
        }
        if inputs.token_width.is_none() && (tokens || !taps.is_empty()) {
            return Err(SpecError(format!(
                "the decoder {} needs an encoder with tokens, such as a Vision Transformer",
                self.key
            )));
        }
        for level in levels {
            between("decoder level", level, 0, inputs.levels.len().saturating_sub(1))?;
        }
        self.head.family().check(inputs)
    }
}

impl Decoder {
    pub(super) fn build<S: TensorSource>(
        spec: &DecoderSpec,
        inputs: &Inputs,
        b: &mut Builder<S>,
    ) -> Result<Self, S::Error> {
        let prefix = spec.prefix();
        match &spec.head {
            HeadSpec::Linear => Ok(Self::Linear(LinearDecoder::build(&prefix, b)?)),
            HeadSpec::MaskTransformer(mask) => {
                let decoder = MaskTransformer::build(&prefix, mask, inputs, b)?;
                Ok(Self::MaskTransformer(decoder))
            }
            HeadSpec::SetrPup(up) => Ok(Self::SetrPup(SetrPup::build(&prefix, up, inputs, b)?)),
            HeadSpec::SetrMla(mla) => Ok(Self::SetrMla(SetrMla::build(&prefix, mla, b)?)),
        }
    }

    /// Class logits of its main head or of an auxiliary one.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub fn forward(
        &self,
        features: &Features,
        auxiliary: Option<usize>,
        last: LastUpsampling,
        probe: &mut dyn Probe,
    ) -> Result<Logits, Cancelled> {
        match self {
            Self::Linear(decoder) => Ok(decoder.forward(features)),
            Self::MaskTransformer(decoder) => decoder.forward(features, probe),
            Self::SetrPup(decoder) => decoder.forward(features, auxiliary, last, probe),
            Self::SetrMla(decoder) => decoder.forward(features, auxiliary, probe),
        }
    }

    /// The learnt vector of each class, `[classes, dim]`, if the decoder has such.
    pub fn class_embeddings(&self) -> Option<Tensor<2>> {
        match self {
            Self::MaskTransformer(decoder) => Some(decoder.class_embeddings()),
            Self::Linear(_) | Self::SetrPup(_) | Self::SetrMla(_) => None,
        }
    }
}

fn check_kernel(side: usize) -> Result<(), SpecError> {
    match side {
        1 | 3 => Ok(()),
        side => Err(SpecError(format!("decoder kernel: expected 1 or 3, found {side}"))),
    }
}
