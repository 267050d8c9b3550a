//! Sizes of the published networks, for timing and for training.

use super::decoders::DecoderKind;
use super::encoders::Variant;
use super::spec::{InferenceSpec, ModelSpec, Normalisation, Padding, WindowMode, WindowRules};

/// A network of published sizes, trained and run on windows of `size` pixels.
pub fn published(variant: Variant, patch: usize, decoders: &[DecoderKind], classes: usize, size: usize) -> ModelSpec {
    let with_final_norm = decoders.iter().any(|kind| kind.takes_final_norm());
    let with_own_norms = decoders.iter().any(|kind| !kind.takes_final_norm());
    let norm_eps = if with_own_norms { 1e-6 } else { 1e-5 };
    let encoder = variant.encoder(patch, size, with_final_norm, norm_eps);
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
            padding: Padding::Zero,
        },
    }
}
