//! The published decoders, for timing and for training.

use super::setr_up::SetrPupSpec;
use super::{DecoderSpec, HeadSpec, MaskSpec, SetrMlaSpec};
use crate::model::encoders::EncoderSpec;

/// The kinds of decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecoderKind {
    /// Segmenter, linear.
    Linear,
    /// Segmenter, mask transformer with two blocks.
    Mask,
    /// SETR Naive.
    Naive,
    /// SETR PUP.
    Pup,
    /// SETR MLA.
    Mla,
}

/// Channels of SETR's convolutions in every published model.
pub const SETR_CHANNELS: usize = 256;

impl DecoderKind {
    /// All kinds, in the usual order.
    pub const ALL: [Self; 5] = [Self::Linear, Self::Mask, Self::Naive, Self::Pup, Self::Mla];

    /// The key of such a decoder in a model: `linear`, `mask`, ….
    pub fn key(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Mask => "mask",
            Self::Naive => "naive",
            Self::Pup => "pup",
            Self::Mla => "mla",
        }
    }

    /// The kind with this key.
    pub fn with_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// Title for users.
    pub fn title(self) -> &'static str {
        match self {
            Self::Linear => "Linear",
            Self::Mask => "Mask",
            Self::Naive => "Naive",
            Self::Pup => "PUP",
            Self::Mla => "MLA",
        }
    }

    /// Whether it reads the output of the encoder's final norm, as Segmenter's decoders do; the others have their own
    /// norms.
    pub fn takes_final_norm(self) -> bool {
        match self {
            Self::Linear | Self::Mask => true,
            Self::Naive | Self::Pup | Self::Mla => false,
        }
    }

    /// The decoder as mmsegmentation builds it (configs/_base_/models/setr_*.py) or Segmenter's authors do, without
    /// auxiliary heads.
    pub fn spec(self, encoder: &EncoderSpec) -> DecoderSpec {
        self.spec_with(encoder, SETR_CHANNELS, false)
    }

    /// Like [`DecoderKind::spec`], with `channels` channels in SETR's convolutions (published: [`SETR_CHANNELS`]; the
    /// heads of MLA have half as many) and, if `auxiliary`, with SETR's auxiliary heads. Those of Naive and PUP read
    /// blocks 10, 15 and 20 of 24, in proportion; those of MLA read its four paths.
    pub fn spec_with(self, encoder: &EncoderSpec, channels: usize, auxiliary: bool) -> DecoderSpec {
        let layers = encoder.layers();
        let heads = encoder.attention().map_or(1, |attention| attention.heads);
        let head = match self {
            Self::Linear => HeadSpec::Linear,
            Self::Mask => HeadSpec::MaskTransformer(MaskSpec::published(heads)),
            Self::Naive => HeadSpec::SetrPup(SetrPupSpec::naive(layers, channels, auxiliary)),
            Self::Pup => HeadSpec::SetrPup(SetrPupSpec::pup(layers, channels, auxiliary)),
            Self::Mla => HeadSpec::SetrMla(SetrMlaSpec::published(layers, channels, auxiliary)),
        };
        DecoderSpec::new(self.key(), head)
    }
}
