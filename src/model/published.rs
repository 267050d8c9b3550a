//! Sizes of the published networks, for timing and for training.

use super::decoders::DecoderKind;
use super::spec::{EncoderSpec, InferenceSpec, ModelSpec, Normalisation, PositionResize, WindowMode, WindowRules};

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

/// A network of published sizes, trained and run on windows of `size` pixels.
pub fn published(variant: Variant, patch: usize, decoders: &[DecoderKind], classes: usize, size: usize) -> ModelSpec {
    let [dim, depth, heads] = variant.sizes();
    let with_final_norm = decoders.iter().any(|kind| kind.takes_final_norm());
    let with_own_norms = decoders.iter().any(|kind| !kind.takes_final_norm());
    let encoder = EncoderSpec {
        dim,
        depth,
        heads,
        patch,
        grid: [(size / patch.max(1)).max(1); 2],
        class_token: true,
        distilled: false,
        final_norm: with_final_norm,
        norm_eps: if with_own_norms { 1e-6 } else { 1e-5 },
        position_resize: PositionResize::Bilinear,
    };
    ModelSpec {
        decoders: decoders.iter().map(|kind| kind.spec(&encoder)).collect(),
        encoder,
        classes,
        normalisation: if with_final_norm {
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
