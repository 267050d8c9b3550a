//! ImageNet classifiers to start training from: their Vision Transformer without its classifier.

use std::path::Path;

use super::recipe::{OnRead, Recipe};
use super::source::{Shapes, Source};
use super::{CheckpointError, Provenance, augreg, timm};
use crate::model::{EncoderSpec, Normalisation, Weights, tensors_of_encoder};

/// An encoder without decoder.
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
    /// As [`super::Checkpoint::remarks`].
    pub remarks: Vec<String>,
}

/// What to make of the tensors of such a file.
pub(super) struct BackbonePlan {
    pub(super) encoder: EncoderSpec,
    pub(super) normalisation: Normalisation,
    pub(super) recipe: Recipe,
    pub(super) provenance: Provenance,
    /// As [`super::Checkpoint::remarks`].
    pub(super) remarks: Vec<String>,
}

/// Looks whether the tensors are those of a backbone, and of which kind.
pub(super) fn plan(shapes: &Shapes, path: &Path) -> Option<Result<BackbonePlan, CheckpointError>> {
    let plan = if timm::is_it(shapes) {
        timm::plan(shapes)
    } else if augreg::is_it(shapes) {
        augreg::plan(shapes)
    } else {
        return None;
    };
    Some(plan.map_err(|why| CheckpointError::damaged(path, why)))
}

impl BackbonePlan {
    /// Reads everything.
    pub(super) fn read(
        self,
        source: &mut dyn Source,
        path: &Path,
        on_read: OnRead,
    ) -> Result<Backbone, CheckpointError> {
        let needed = tensors_of_encoder(&self.encoder);
        let weights = self.recipe.carry_out(source, &needed, path, on_read)?;
        weights.check(&needed).map_err(|mismatch| CheckpointError::Weights {
            source: self.recipe.in_the_files_names(mismatch),
            path: path.into(),
        })?;
        Ok(Backbone {
            weights,
            encoder: self.encoder,
            normalisation: self.normalisation,
            provenance: self.provenance,
            remarks: self.remarks,
        })
    }
}
