//! Which decoders a model has, their sizes, and what can be looked at.

use serde::{Deserialize, Serialize};

use super::{EncoderSpec, SpecError, between, divides};

/// One decoder of a model: a main head and perhaps auxiliary ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecoderSpec {
    /// Unique in its model; its tensors are named `decoders.KEY.…`.
    pub key: String,
    /// What it is.
    pub head: HeadSpec,
}

/// Kind and sizes of a decoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum HeadSpec {
    /// One linear layer on each patch token (Segmenter, section 3.2 of the paper, "Linear").
    Linear,
    /// Class tokens that attend to the patches, then cosine similarity (Segmenter, "Mask Transformer").
    MaskTransformer {
        /// Number of blocks; 2 in almost every released checkpoint.
        layers: usize,
        /// Attention heads per block.
        heads: usize,
        /// Epsilon of every LayerNorm of the decoder.
        norm_eps: f64,
    },
    /// SETR Naive and PUP: convolutions with upsampling in between.
    Up {
        /// The head that makes the prediction.
        main: UpSpec,
        /// Heads on earlier blocks that helped in training.
        auxiliary: Vec<UpSpec>,
    },
    /// SETR MLA: four blocks' tokens, added up from the deepest on.
    Mla(MlaSpec),
}

/// A head of SETR Naive or PUP: LayerNorm, stages, a 1x1 convolution to the classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpSpec {
    /// The encoder block whose output it takes, from 0.
    pub tap: usize,
    /// Epsilon of its LayerNorm.
    pub norm_eps: f64,
    /// From first to last.
    pub stages: Vec<UpStage>,
}

/// Convolution, batch norm, ReLU, bilinear upsampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpStage {
    /// Side of the convolution's kernel, 1 or 3.
    pub kernel: usize,
    /// Channels that it puts out.
    pub channels: usize,
    /// Factor of the upsampling; 1 for none.
    pub up: usize,
}

/// Sizes of SETR MLA. Everything that comes in fours is ordered from the shallowest block to the deepest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MlaSpec {
    /// The encoder blocks whose outputs it takes, from 0, ascending.
    pub taps: Vec<usize>,
    /// Epsilon of its LayerNorms.
    pub norm_eps: f64,
    /// Channels of a path; 256 in every published model.
    pub channels: usize,
    /// Channels of a path in the head; 128 in every published model.
    pub head_channels: usize,
    /// Factor by which each path is upsampled before they are put side by side.
    pub up: usize,
    /// Whether that upsampling aligns corners: true in the official code, false in mmsegmentation.
    pub align_corners: bool,
    /// Side of the last convolution's kernel: 3 in the official code, 1 in mmsegmentation.
    pub classifier_kernel: usize,
    /// Whether each path has an auxiliary head of its own.
    pub auxiliary: bool,
}

/// One map of class logits that a model can put out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Output {
    /// Index of the decoder in [`super::ModelSpec::decoders`].
    pub decoder: usize,
    /// Index of an auxiliary head of that decoder; `None` for its main head.
    pub auxiliary: Option<usize>,
}

impl Output {
    /// The main head of a decoder.
    pub const fn main(decoder: usize) -> Self {
        Self {
            decoder,
            auxiliary: None,
        }
    }
}

impl HeadSpec {
    /// The name that papers use: `Mask`, `PUP`.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Linear => "Linear",
            Self::MaskTransformer { .. } => "Mask",
            Self::Up { main, .. } if main.stages.iter().all(|stage| stage.kernel == 1) => "Naive",
            Self::Up { .. } => "PUP",
            Self::Mla(_) => "MLA",
        }
    }

    /// Whether it is one of SETR's decoders, not of Segmenter's.
    pub fn is_setr(&self) -> bool {
        matches!(self, Self::Up { .. } | Self::Mla(_))
    }

    /// Whether it has batch norms, which in training normalise by the whole batch.
    pub fn has_batch_norm(&self) -> bool {
        match self {
            Self::Linear | Self::MaskTransformer { .. } => false,
            Self::Up { .. } | Self::Mla(_) => true,
        }
    }

    /// Channels of SETR's first convolution; none for Segmenter's decoders.
    pub fn channels(&self) -> Option<usize> {
        match self {
            Self::Linear | Self::MaskTransformer { .. } => None,
            Self::Up { main, .. } => main.stages.first().map(|stage| stage.channels),
            Self::Mla(mla) => Some(mla.channels),
        }
    }

    /// Encoder blocks, from 0, whose outputs it takes before any final norm.
    pub fn taps(&self) -> Vec<usize> {
        match self {
            Self::Linear | Self::MaskTransformer { .. } => Vec::new(),
            Self::Up { main, auxiliary } => auxiliary.iter().chain([main]).map(|head| head.tap).collect(),
            Self::Mla(mla) => mla.taps.clone(),
        }
    }

    /// The encoder block, from 0, that each auxiliary head looks at.
    pub fn auxiliary_taps(&self) -> Vec<usize> {
        match self {
            Self::Linear | Self::MaskTransformer { .. } => Vec::new(),
            Self::Up { auxiliary, .. } => auxiliary.iter().map(|head| head.tap).collect(),
            Self::Mla(mla) if mla.auxiliary => mla.taps.clone(),
            Self::Mla(_) => Vec::new(),
        }
    }

    /// Logits per patch and side that one of its heads puts out, on patches of `patch` pixels; `left_out` when the last
    /// upsampling is left to whoever resizes the logits, where it can be.
    pub fn logits_per_patch(&self, auxiliary: Option<usize>, patch: usize, left_out: bool) -> usize {
        let of_up = |head: &UpSpec| match head.stages.last() {
            Some(last) if left_out && head.up() == patch => head.up() / last.up,
            _ => head.up(),
        };
        match self {
            Self::Linear | Self::MaskTransformer { .. } => 1,
            Self::Up { .. } => self.up_head(auxiliary).map_or(1, of_up),
            Self::Mla(mla) if auxiliary.is_none() => mla.up,
            Self::Mla(_) => 1,
        }
    }

    /// Values per patch of the largest map on the way to the logits of one of its heads, at most.
    pub fn largest_map(&self, auxiliary: Option<usize>) -> usize {
        match self {
            Self::Linear | Self::MaskTransformer { .. } => 0,
            Self::Up { .. } => {
                let mut side = 1;
                let stages = self.up_head(auxiliary).map_or(&[][..], |head| &head.stages);
                let maps = stages.iter().map(|stage| {
                    side *= stage.up;
                    side * side * stage.channels
                });
                maps.max().unwrap_or(0)
            }
            Self::Mla(mla) => mla.taps.len() * mla.channels.max(mla.head_channels * mla.up * mla.up),
        }
    }

    pub(super) fn up_head(&self, auxiliary: Option<usize>) -> Option<&UpSpec> {
        match (self, auxiliary) {
            (Self::Up { main, .. }, None) => Some(main),
            (Self::Up { auxiliary, .. }, Some(i)) => auxiliary.get(i),
            _ => None,
        }
    }

    /// Steps of a run of one of its heads, for progress.
    pub fn steps(&self, auxiliary: Option<usize>) -> usize {
        match self {
            Self::Linear => 0,
            Self::MaskTransformer { layers, .. } => *layers,
            Self::Up { .. } => self.up_head(auxiliary).map_or(0, |head| head.stages.len()),
            Self::Mla(mla) if auxiliary.is_none() => mla.taps.len(),
            Self::Mla(_) => 1,
        }
    }
}

impl DecoderSpec {
    /// Checks that the sizes are possible and within bounds.
    pub(super) fn check(&self, encoder: &EncoderSpec) -> Result<(), SpecError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if self.key.is_empty() || self.key.len() > 40 || !self.key.chars().all(is_plain) {
            return Err(SpecError(
                "decoder key: expected up to 40 letters, digits and hyphens, found something else".into(),
            ));
        }
        for tap in self.head.taps() {
            between("decoder tap", tap, 0, encoder.depth - 1)?;
        }
        match &self.head {
            HeadSpec::Linear => Ok(()),
            HeadSpec::MaskTransformer { layers, heads, .. } => {
                between("decoder layers", *layers, 1, 128)?;
                between("decoder heads", *heads, 1, 128)?;
                divides("dim", encoder.dim, "decoder heads", *heads)
            }
            HeadSpec::Up { main, auxiliary } => {
                between("auxiliary heads", auxiliary.len(), 0, 16)?;
                auxiliary.iter().chain([main]).try_for_each(UpSpec::check)
            }
            HeadSpec::Mla(mla) => mla.check(),
        }
    }
}

impl UpSpec {
    /// Factor of all upsamplings together.
    pub fn up(&self) -> usize {
        self.stages.iter().map(|stage| stage.up).product()
    }

    fn check(&self) -> Result<(), SpecError> {
        between("decoder stages", self.stages.len(), 1, 8)?;
        for stage in &self.stages {
            kernel(stage.kernel)?;
            between("decoder channels", stage.channels, 1, MOST_CHANNELS)?;
            between("upsampling", stage.up, 1, 16)?;
        }
        between("upsampling of all stages", self.up(), 1, 64)
    }
}

impl MlaSpec {
    fn check(&self) -> Result<(), SpecError> {
        between("decoder taps", self.taps.len(), 1, 16)?;
        between("decoder channels", self.channels, 1, MOST_CHANNELS)?;
        between("decoder head channels", self.head_channels, 1, MOST_CHANNELS)?;
        between("upsampling", self.up, 1, 16)?;
        kernel(self.classifier_kernel)
    }
}

/// Far above the 256 of every published model.
const MOST_CHANNELS: usize = 4096;

fn kernel(side: usize) -> Result<(), SpecError> {
    match side {
        1 | 3 => Ok(()),
        _ => Err(SpecError(format!("decoder kernel: expected 1 or 3, found {side}"))),
    }
}
