//! The picture that is shown, with its result.

use std::sync::Arc;

use super::gpu::{GpuLabels, GpuPhoto};
use super::inspector::{Found, Reading};
use super::results::ResultKey;
use crate::engine::{ModelInfo, OpenPhoto, Segmented};

/// A result whose masks can be drawn.
#[derive(Clone)]
pub(super) struct ShownMasks {
    pub(super) result: Segmented,
    pub(super) labels: Arc<GpuLabels>,
}

/// A photo, what of it is on the GPU, and what is known about it.
pub(super) struct Document {
    pub(super) photo: OpenPhoto,
    /// `None` until it is on the GPU.
    pub(super) texture: Option<Arc<GpuPhoto>>,
    /// The newest result.
    pub(super) result: Option<Segmented>,
    /// What it belongs to.
    key: Option<ResultKey>,
    /// The masks that are drawn; those of the result before while the newest ones are on their way to the GPU.
    pub(super) masks: Option<ShownMasks>,
    /// Number of the newest result: labels that come from the upload with another are out of date.
    version: u64,
}

impl Document {
    pub(super) fn new(photo: OpenPhoto) -> Self {
        Self {
            photo,
            texture: None,
            result: None,
            key: None,
            masks: None,
            version: 0,
        }
    }

    /// Takes a newer result; its masks have to be uploaded under `version`, which no result had before.
    pub(super) fn set_result(&mut self, result: Segmented, key: ResultKey, version: u64) {
        self.version = version;
        self.key = Some(key);
        self.result = Some(result);
    }

    /// Whether it has the result that belongs to `key`.
    pub(super) fn has_result_of(&self, key: &ResultKey) -> bool {
        self.result.is_some() && self.key.as_ref() == Some(key)
    }

    /// Takes the class names of the model in use, and forgets results of another model under other names: the class
    /// list would count them wrongly.
    pub(super) fn rename_classes(&mut self, model: &Arc<ModelInfo>) {
        let results = self
            .result
            .iter_mut()
            .chain(self.masks.iter_mut().map(|masks| &mut masks.result));
        for result in results.filter(|result| result.model.id == model.id) {
            result.model = model.clone();
        }
        let shown = self.result.iter().chain(self.masks.iter().map(|masks| &masks.result));
        if shown.into_iter().any(|result| result.model.classes != model.classes) {
            self.clear_result();
        }
    }

    /// Forgets the result, as when another model has other classes.
    pub(super) fn clear_result(&mut self) {
        self.result = None;
        self.key = None;
        self.masks = None;
    }

    /// Takes labels that are on the GPU now.
    pub(super) fn set_labels(&mut self, version: u64, labels: Arc<GpuLabels>) {
        if let Some(result) = self.result.clone().filter(|_| version == self.version) {
            self.masks = Some(ShownMasks { result, labels });
        }
    }

    /// Whether everything that is known of it can be drawn.
    pub(super) fn is_on_gpu(&self) -> bool {
        self.texture.is_some() && (self.result.is_none() || self.masks.is_some())
    }

    /// Pixels and regions per class.
    pub(super) fn found(&self) -> Option<Found<'_>> {
        self.result.as_ref().map(|result| Found {
            pixels: &result.counts,
            regions: &result.region_counts,
        })
    }

    /// The class at a pixel.
    pub(super) fn label_at(&self, [x, y]: [usize; 2]) -> Option<u16> {
        self.result.as_ref()?.prediction.labels.map.get(x, y)
    }

    /// Class probabilities at a pixel: a few hundred multiplications over the kept logits.
    pub(super) fn reading_at(&self, [x, y]: [usize; 2]) -> Option<Reading> {
        let color = self.photo.photo.pixel(x, y)?;
        let probabilities = self.result.as_ref()?.prediction.probabilities_at(x, y);
        let mut best: Vec<(u16, f32)> = (0..).zip(probabilities).collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1));
        best.truncate(3);
        Some(Reading {
            pixel: [x, y],
            color,
            best,
        })
    }
}
