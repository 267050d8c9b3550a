//! The decoders as they are published, for timing and for training.

use super::setr_up::UpDecoderSpec;
use super::{DecoderSpec, HeadSpec, MaskSpec, MlaSpec};
use crate::model::encoders::EncoderSpec;

/// The five decoders.
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
    /// All of them, in the order in which people list them.
    pub const ALL: [Self; 5] = [Self::Linear, Self::Mask, Self::Naive, Self::Pup, Self::Mla];

    /// `linear`, `mask`, …: the key of such a decoder in a model.
    pub fn key(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Mask => "mask",
            Self::Naive => "naive",
            Self::Pup => "pup",
            Self::Mla => "mla",
        }
    }

    /// The one with a key.
    pub fn with_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Linear => "Linear",
            Self::Mask => "Mask",
            Self::Naive => "Naive",
            Self::Pup => "PUP",
            Self::Mla => "MLA",
        }
    }

    /// Whether it takes what comes out of the encoder's final norm, as Segmenter's decoders do; the others have norms of
    /// their own.
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

    /// The same with so many channels in SETR's convolutions (published: [`SETR_CHANNELS`]; the heads of MLA have half
    /// as many) and perhaps with SETR's auxiliary heads. Those of Naive and PUP look at blocks 10, 15 and 20 of 24, in
    /// proportion; those of MLA at its four paths.
    pub fn spec_with(self, encoder: &EncoderSpec, channels: usize, auxiliary: bool) -> DecoderSpec {
        let layers = encoder.layers();
        let heads = encoder.attention().map_or(1, |attention| attention.heads);
        let head = match self {
            Self::Linear => HeadSpec::Linear,
            Self::Mask => HeadSpec::MaskTransformer(MaskSpec::published(heads)),
            Self::Naive => HeadSpec::Up(UpDecoderSpec::naive(layers, channels, auxiliary)),
            Self::Pup => HeadSpec::Up(UpDecoderSpec::pup(layers, channels, auxiliary)),
            Self::Mla => HeadSpec::Mla(MlaSpec::published(layers, channels, auxiliary)),
        };
        DecoderSpec {
            key: self.key().into(),
            head,
        }
    }
}
