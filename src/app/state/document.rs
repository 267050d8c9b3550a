//! The open image with its result.

use std::sync::Arc;

use super::ResultKey;
use crate::app::gpu::{GpuLabels, GpuPhoto};
use crate::app::inspector::{ClassShares, Reading};
use crate::engine::{Asked, ModelInfo, OpenImage, Segmented, Ticket};

/// A result whose masks can be drawn.
#[derive(Clone)]
pub(in crate::app) struct ShownMasks {
    pub(in crate::app) result: Segmented,
    pub(in crate::app) labels: Arc<GpuLabels>,
}

/// A photo, its textures, and its result.
pub(in crate::app) struct Document {
    pub(in crate::app) photo: OpenImage,
    /// `None` until it is on the GPU.
    pub(in crate::app) texture: Option<Arc<GpuPhoto>>,
    /// The newest result.
    pub(in crate::app) result: Option<Segmented>,
    /// Key of `result`.
    key: Option<ResultKey>,
    /// The masks that are drawn: those of the previous result until the newest ones are on the GPU.
    pub(in crate::app) masks: Option<ShownMasks>,
    /// Upload of the masks of `result`.
    upload: Option<Asked>,
}

impl Document {
    pub(in crate::app) fn new(photo: OpenImage) -> Self {
        Self {
            photo,
            texture: None,
            result: None,
            key: None,
            masks: None,
            upload: None,
        }
    }

    /// Takes a newer result, whose masks are uploaded as `upload`.
    pub(in crate::app) fn set_result(&mut self, result: Segmented, key: ResultKey, upload: Asked) {
        self.upload = Some(upload);
        self.key = Some(key);
        self.result = Some(result);
    }

    /// Whether it has the result with this key.
    pub(in crate::app) fn has_result_of(&self, key: &ResultKey) -> bool {
        self.result.is_some() && self.key.as_ref() == Some(key)
    }

    /// Takes the class names of the model in use, and removes results with other class names: the class list would
    /// count them wrongly.
    pub(in crate::app) fn rename_classes(&mut self, model: &Arc<ModelInfo>) {
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

    /// Removes the result, for example when another model has other classes.
    pub(in crate::app) fn clear_result(&mut self) {
        self.result = None;
        self.key = None;
        self.masks = None;
        self.upload = None;
    }

    /// Takes labels that have been uploaded to the GPU.
    pub(in crate::app) fn set_labels(&mut self, ticket: &Ticket, labels: &Arc<GpuLabels>) {
        if !self.upload.as_ref().is_some_and(|upload| upload.is(ticket)) {
            return;
        }
        self.masks = self.result.clone().map(|result| ShownMasks {
            result,
            labels: labels.clone(),
        });
    }

    /// Whether the photo, and the masks if there is a result, are on the GPU.
    pub(in crate::app) fn is_on_gpu(&self) -> bool {
        self.texture.is_some() && (self.result.is_none() || self.masks.is_some())
    }

    /// Pixels and regions per class.
    pub(in crate::app) fn found(&self) -> Option<ClassShares<'_>> {
        self.result.as_ref().map(|result| ClassShares {
            pixels: &result.counts,
            regions: &result.region_counts,
        })
    }

    /// The class at a pixel.
    pub(in crate::app) fn label_at(&self, [x, y]: [usize; 2]) -> Option<u16> {
        self.result.as_ref()?.prediction.labels.map.get(x, y)
    }

    /// Class probabilities at a pixel, computed from the logits of the result with a few hundred multiplications.
    pub(in crate::app) fn reading_at(&self, [x, y]: [usize; 2]) -> Option<Reading> {
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
