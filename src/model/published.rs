//! Sizes of the published networks, for timing and for training.

use super::spec::{
    DecoderSpec, EncoderSpec, HeadSpec, InferenceSpec, MlaSpec, ModelSpec, Normalisation, PositionResize, UpSpec,
    UpStage, WindowMode, WindowRules,
};

/// Sizes of the published ViT variants (arXiv 2010.11929, table 1; DeiT for tiny and small).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// 192 wide, 12 blocks.
    Tiny,
    /// 384 wide, 12 blocks.
    Small,
    /// 768 wide, 12 blocks.
    Base,
    /// 1024 wide, 24 blocks.
    Large,
}

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

impl Variant {
    /// Width, blocks and heads.
    pub fn sizes(self) -> [usize; 3] {
        match self {
            Self::Tiny => [192, 12, 3],
            Self::Small => [384, 12, 6],
            Self::Base => [768, 12, 12],
            Self::Large => [1024, 24, 16],
        }
    }
}

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

    /// Whether it is one of SETR's, which take tokens before the encoder's final norm.
    pub fn is_setr(self) -> bool {
        !matches!(self, Self::Linear | Self::Mask)
    }

    /// The decoder as mmsegmentation builds it (configs/_base_/models/setr_*.py) or Segmenter's authors do, without
    /// auxiliary heads.
    pub fn spec(self, encoder: &EncoderSpec) -> DecoderSpec {
        self.spec_with(encoder, SETR_CHANNELS, false)
    }

    /// The same with so many channels in SETR's convolutions (published: [`SETR_CHANNELS`]; the heads of MLA have half
    /// as many) and perhaps with SETR's auxiliary heads. Those of Naive and PUP look at blocks 10, 15 and 20 of 24, in
    /// proportion (mmseg configs/_base_/models/setr_naive.py and setr_pup.py); those of MLA at its four paths.
    pub fn spec_with(self, encoder: &EncoderSpec, channels: usize, auxiliary: bool) -> DecoderSpec {
        const SETR_EPS: f64 = 1e-6;
        let last = encoder.depth.saturating_sub(1);
        let head = |tap: usize, stages: &[UpStage]| UpSpec {
            tap,
            norm_eps: SETR_EPS,
            stages: stages.to_vec(),
        };
        let up = |stages: Vec<UpStage>, of_auxiliary: Vec<UpStage>| {
            let taps = [10, 15, 20].map(|layer| (encoder.depth * layer / 24).saturating_sub(1));
            let earlier = taps.iter().filter(|_| auxiliary);
            HeadSpec::Up {
                main: head(last, &stages),
                auxiliary: earlier.map(|tap| head(*tap, &of_auxiliary)).collect(),
            }
        };
        let stage = |kernel, up| UpStage { kernel, channels, up };
        let head = match self {
            Self::Linear => HeadSpec::Linear,
            Self::Mask => HeadSpec::MaskTransformer {
                layers: 2,
                heads: encoder.heads,
                norm_eps: 1e-5,
            },
            Self::Naive => up(vec![stage(1, 4)], vec![stage(1, 4)]),
            Self::Pup => up(vec![stage(3, 2); 4], vec![stage(3, 4); 2]),
            Self::Mla => HeadSpec::Mla(MlaSpec {
                taps: (1..=4).map(|i| (encoder.depth / 4 * i).saturating_sub(1)).collect(),
                norm_eps: SETR_EPS,
                channels,
                head_channels: (channels / 2).max(1),
                up: 4,
                align_corners: false,
                classifier_kernel: 1,
                auxiliary,
            }),
        };
        DecoderSpec {
            key: self.key().into(),
            head,
        }
    }
}

/// A network of published sizes, trained and run on windows of `size` pixels.
pub fn published(variant: Variant, patch: usize, decoders: &[DecoderKind], classes: usize, size: usize) -> ModelSpec {
    let [dim, depth, heads] = variant.sizes();
    let setr = decoders.iter().any(|kind| kind.is_setr());
    let segmenter = decoders.iter().any(|kind| !kind.is_setr());
    let encoder = EncoderSpec {
        dim,
        depth,
        heads,
        patch,
        grid: [(size / patch.max(1)).max(1); 2],
        class_token: true,
        distilled: false,
        final_norm: segmenter,
        norm_eps: if setr { 1e-6 } else { 1e-5 },
        position_resize: PositionResize::Bilinear,
    };
    ModelSpec {
        decoders: decoders.iter().map(|kind| kind.spec(&encoder)).collect(),
        encoder,
        classes,
        normalisation: if segmenter {
            Normalisation::VIT
        } else {
            Normalisation::IMAGENET
        },
        inference: InferenceSpec {
            window: size,
            stride: size,
            short_side: None,
            rules: WindowRules::Enlarge,
            mode: WindowMode::Slide,
            threshold: None,
        },
    }
}
