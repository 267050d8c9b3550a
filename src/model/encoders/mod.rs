//! Encoders: pictures to features. A folder for each family, and here the one list of them.

mod family;
mod vit;

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::build::Builder;
use super::features::Features;
use super::probe::{Cancelled, Probe};
use super::spec::SpecError;
use super::tensors::TensorList;
use super::weights::{HostTensor, WeightsMismatch};
use family::Family;

pub use family::{AttentionSpec, LevelSpec, Refit, RefitError};
pub use vit::{PositionResize, Variant, VisionTransformer, VitSpec, resized_positions};

/// Family and sizes of an encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum EncoderSpec {
    /// A Vision Transformer.
    Vit(VitSpec),
}

/// An encoder: pictures to features.
#[derive(Module, Debug)]
pub enum Encoder {
    /// A Vision Transformer.
    Vit(VisionTransformer),
}

impl EncoderSpec {
    /// The families, as files name them.
    pub const FAMILIES: [&str; 1] = ["vit"];

    /// What it says of itself.
    fn family(&self) -> &dyn Family {
        match self {
            Self::Vit(spec) => spec,
        }
    }

    /// The sizes of a Vision Transformer, for what shows or cuts patches; nothing for another family.
    pub fn vit(&self) -> Option<&VitSpec> {
        match self {
            Self::Vit(spec) => Some(spec),
        }
    }

    /// The same, to be changed.
    pub fn vit_mut(&mut self) -> Option<&mut VitSpec> {
        match self {
            Self::Vit(spec) => Some(spec),
        }
    }

    /// What people call it: `ViT-T/16`.
    pub fn title(&self) -> String {
        self.family().title()
    }

    /// What titles of models say of it: its variant, and what stands behind everything. `T` and `/16`.
    pub fn title_parts(&self) -> [String; 2] {
        self.family().title_parts()
    }

    /// Its sizes for people, each with a name.
    pub fn described(&self) -> Vec<(&'static str, String)> {
        self.family().described()
    }

    /// Sides of pictures have to be multiples of so many pixels.
    pub fn multiple(&self) -> usize {
        self.family().multiple()
    }

    /// Number of its layers: its steps, for progress and for learning rates.
    pub fn layers(&self) -> usize {
        self.family().layers()
    }

    /// The maps that it puts out, the finest first.
    pub fn levels(&self) -> Vec<LevelSpec> {
        self.family().levels()
    }

    /// Its attention, where it has any to look into.
    pub fn attention(&self) -> Option<AttentionSpec> {
        self.family().attention()
    }

    /// Height and width in pixels of the pictures that it was trained with, where its sizes tell.
    pub fn trained_size(&self) -> Option<[usize; 2]> {
        self.family().trained_size()
    }

    /// Products of a window of these sides in pixels.
    pub(super) fn products(&self, window: [usize; 2]) -> f64 {
        self.family().products(window)
    }

    /// Bytes of the features of a window of these sides in pixels, when so many layers are tapped.
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

    /// Whether a norm follows its last layer that not every decoder needs.
    pub fn has_final_norm(&self) -> bool {
        self.family().has_final_norm()
    }

    /// The same with or without such a norm.
    #[must_use]
    pub fn with_final_norm(&self, is_there: bool) -> Self {
        self.family().with_final_norm(is_there)
    }

    /// Its sizes for training on.
    ///
    /// # Errors
    /// When it cannot be trained so.
    pub fn refit(&self, refit: &Refit) -> Result<Self, RefitError> {
        self.family().refit(refit)
    }

    /// A tensor of it for what [`EncoderSpec::refit`] has made of it.
    pub fn refit_tensor(&self, to: &Self, name: &str, stored: HostTensor) -> HostTensor {
        self.family().refit_tensor(to, name, stored)
    }
}

impl Encoder {
    /// One that keeps what the layers `taps` put out.
    pub(super) fn build(spec: &EncoderSpec, taps: Vec<usize>, b: &mut Builder) -> Result<Self, WeightsMismatch> {
        match spec {
            EncoderSpec::Vit(spec) => Ok(Self::Vit(VisionTransformer::build(spec, taps, b)?)),
        }
    }

    /// Features of `image` `[batch, 3, height, width]`, normalised, both sides multiples of [`EncoderSpec::multiple`].
    ///
    /// # Errors
    /// [`Cancelled`] when the probe says so.
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
