//! ImageNet classifiers to start training from: their Vision Transformer without its classifier.

use std::path::Path;

use super::recipe::{OnRead, Recipe};
use super::source::{Shapes, Source};
use super::{CheckpointError, Provenance};
use crate::model::{EncoderSpec, Normalisation, Weights};

/// A Vision Transformer without decoder.
#[derive(Clone, Debug)]
pub struct Backbone {
    /// Its sizes.
    pub encoder: EncoderSpec,
    /// How its pictures were normalised.
    pub normalisation: Normalisation,
    /// Tensors under `encoder.`, as in [`crate::model::tensors_of`].
    pub weights: Weights,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// What to make of the tensors of such a file.
pub(super) struct BackbonePlan {
    pub(super) encoder: EncoderSpec,
    pub(super) normalisation: Normalisation,
    pub(super) recipe: Recipe,
    pub(super) provenance: Provenance,
}

/// Looks whether the tensors are those of a backbone, and of which kind.
pub(super) fn plan(shapes: &Shapes) -> Option<Result<BackbonePlan, String>> {
    if super::timm::is_it(shapes) {
        Some(super::timm::plan(shapes))
    } else if super::augreg::is_it(shapes) {
        Some(super::augreg::plan(shapes))
    } else {
        None
    }
}

impl BackbonePlan {
    /// Reads everything.
    pub(super) fn read(
        self,
        source: &mut dyn Source,
        path: &Path,
        on_read: OnRead,
    ) -> Result<Backbone, CheckpointError> {
        Ok(Backbone {
            weights: self.recipe.carry_out(source, path, on_read)?,
            encoder: self.encoder,
            normalisation: self.normalisation,
            provenance: self.provenance,
        })
    }
}
