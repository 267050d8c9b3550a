//! Encoders, which turn images into features. Each family has a folder; this file lists them.

mod family;
mod vit;

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::build::Builder;
use super::features::Features;
use super::probe::{Cancelled, Probe};
use super::spec::SpecError;
use super::tensor_source::TensorSource;
use super::tensors::TensorList;
use super::weights::HostTensor;
use family::EncoderFamily;

pub(super) use family::cells;
pub use family::{AttentionSpec, LevelSpec, Refit, RefitError};
pub use vit::{PositionResize, Variant, VisionTransformer, VitSpec, resized_positions};
pub(super) use vit::{position_tensor_for_grid, positions_for_grid};

/// Family and sizes of an encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum EncoderSpec {
    /// A Vision Transformer.
    Vit(VitSpec),
}

/// An encoder, which turns images into features.
#[derive(Module, Debug)]
pub enum Encoder {
    /// A Vision Transformer.
    Vit(VisionTransformer),
}

impl EncoderSpec {
    /// The names of the families in files.
    pub const FAMILIES: [&str; 1] = ["vit"];

    /// The spec of this encoder as an [`EncoderFamily`].
    fn family(&self) -> &dyn EncoderFamily {
        match self {
            Self::Vit(spec) => spec,
        }
    }

    /// The sizes of a Vision Transformer, for code that shows or cuts patches; `None` for another family.
    pub fn vit(&self) -> Option<&VitSpec> {
        match self {
            Self::Vit(spec) => Some(spec),
        }
    }

    /// The same, mutable.
    pub fn vit_mut(&mut self) -> Option<&mut VitSpec> {
        match self {
            Self::Vit(spec) => Some(spec),
        }
    }

    /// Title for users: `ViT-T/16`.
    pub fn title(&self) -> String {
        self.family().title()
    }

    /// Its parts of a model's title: the variant and the end of the title, such as `T` and `/16`.
    pub fn title_parts(&self) -> [String; 2] {
        self.family().title_parts()
    }

    /// Its sizes as text, each with a name.
    pub fn described(&self) -> Vec<(&'static str, String)> {
        self.family().described()
    }

    /// Number of pixels of which the sides of images must be multiples.
    pub fn multiple(&self) -> usize {
        self.family().multiple()
    }

    /// Number of layers, for progress and for layer-wise learning rates.
    pub fn layers(&self) -> usize {
        self.family().layers()
    }

    /// Its output maps, the finest first.
    pub fn levels(&self) -> Vec<LevelSpec> {
        self.family().levels()
    }

    /// The sizes of its attention, if its attention can be traced.
    pub fn attention(&self) -> Option<AttentionSpec> {
        self.family().attention()
    }

    /// Height and width in pixels of the images that it was trained with, if its sizes determine them.
    pub fn trained_size(&self) -> Option<[usize; 2]> {
        self.family().trained_size()
    }

    /// Number of multiplications for a window of these sides in pixels.
    pub(super) fn products(&self, window: [usize; 2]) -> f64 {
        self.family().products(window)
    }

    /// Bytes of the features of a window of these sides in pixels, with `taps` tapped layers.
    pub(super) fn feature_bytes(&self, window: [usize; 2], taps: usize) -> usize {
        self.family().feature_bytes(window, taps)
    }

    pub(super) fn tensors(&self, list: &mut TensorList) {
        self.family().tensors(list);
    }

    /// Checks that its sizes are possible and within bounds.
    pub(super) fn check(&self) -> Result<(), SpecError> {
        self.family().check()
    }

    /// Whether a final norm, which not every decoder needs, follows its last layer.
    pub fn has_final_norm(&self) -> bool {
        self.family().has_final_norm()
    }

    /// The same encoder with or without a final norm.
    #[must_use]
    pub fn with_final_norm(&self, is_there: bool) -> Self {
        self.family().with_final_norm(is_there)
    }

    /// Its sizes for continued training with the sizes of `refit`.
    ///
    /// # Errors
    /// When it cannot be trained with these sizes.
    pub fn refit(&self, refit: &Refit) -> Result<Self, RefitError> {
        self.family().refit(refit)
    }

    /// Converts a tensor of this encoder for the encoder `to`, which [`EncoderSpec::refit`] made.
    pub fn refit_tensor(&self, to: &Self, name: &str, stored: HostTensor) -> HostTensor {
        self.family().refit_tensor(to, name, stored)
    }
}

impl Encoder {
    /// Builds an encoder that keeps the outputs of the layers `taps`.
    pub(super) fn build<S: TensorSource>(
        spec: &EncoderSpec,
        taps: Vec<usize>,
        b: &mut Builder<S>,
    ) -> Result<Self, S::Error> {
        match spec {
            EncoderSpec::Vit(spec) => Ok(Self::Vit(VisionTransformer::build(spec, taps, b)?)),
        }
    }

    /// Features of `image` `[batch, 3, height, width]`, normalised, both sides multiples of [`EncoderSpec::multiple`].
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub fn forward(&self, image: Tensor<4>, probe: &mut dyn Probe) -> Result<Features, Cancelled> {
        match self {
            Self::Vit(encoder) => encoder.forward(image, probe),
        }
    }

    /// The Vision Transformer, if it is one.
    pub fn vit(&self) -> Option<&VisionTransformer> {
        match self {
            Self::Vit(encoder) => Some(encoder),
        }
    }
}
