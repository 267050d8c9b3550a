//! Backbones of ImageNet classifiers as initial weights for training: the Vision Transformer without its classifier.

use std::path::Path;

use super::file_tensors::FileTensors;
use super::source::{Shapes, Source};
use super::tensor_mapping::{OnRead, TensorMapping};
use super::{CheckpointError, Provenance, augreg, timm};
use crate::model::{EncoderSpec, Normalisation, Weights, tensors_of_encoder};

/// An encoder without a decoder.
#[derive(Clone, Debug)]
pub struct Backbone {
    /// Family and sizes of the encoder.
    pub encoder: EncoderSpec,
    /// Normalisation of the images that it was trained on.
    pub normalisation: Normalisation,
    /// Tensors under `encoder.`, as in [`crate::model::tensors_of`].
    pub weights: Weights,
    /// Origin of the weights.
    pub provenance: Provenance,
    /// As [`super::Checkpoint::remarks`].
    pub remarks: Vec<String>,
}

/// How to read a backbone from a file.
pub(super) struct BackbonePlan {
    pub(super) encoder: EncoderSpec,
    pub(super) normalisation: Normalisation,
    pub(super) mapping: TensorMapping,
    pub(super) provenance: Provenance,
    /// As [`super::Checkpoint::remarks`].
    pub(super) remarks: Vec<String>,
}

/// Plans how to read a backbone with these tensors; `None` if no known backbone has them.
pub(super) fn plan(shapes: &Shapes, path: &Path) -> Option<Result<BackbonePlan, CheckpointError>> {
    let plan = if timm::has_layout(shapes) {
        timm::plan(shapes)
    } else if augreg::has_layout(shapes) {
        augreg::plan(shapes)
    } else {
        return None;
    };
    Some(plan.map_err(|why| CheckpointError::damaged(path, why)))
}

impl BackbonePlan {
    /// Reads and checks all tensors.
    pub(super) fn read(
        self,
        source: &mut dyn Source,
        path: &Path,
        on_read: OnRead,
    ) -> Result<Backbone, CheckpointError> {
        let needed = tensors_of_encoder(&self.encoder);
        let weights = FileTensors::new(&self.mapping, source, path, on_read).read_all(&needed)?;
        Ok(Backbone {
            weights,
            encoder: self.encoder,
            normalisation: self.normalisation,
            provenance: self.provenance,
            remarks: self.remarks,
        })
    }
}
