//! A finished segmentation, with everything that follows from its label map.

use std::sync::Arc;

use super::cost::Cost;
use super::kept::Bytes;
use super::model_info::ModelInfo;
use super::picture::OpenPhoto;
use crate::export::{self, Subject};
use crate::labels::Regions;
use crate::model::Output;
use crate::segment::{Field, Prediction};

/// A finished segmentation with what it was made of.
#[derive(Clone, Debug)]
pub struct Segmented {
    /// The photo.
    pub photo: OpenPhoto,
    /// The model.
    pub model: Arc<ModelInfo>,
    /// Which of its outputs.
    pub output: Output,
    /// Labels, confidence, logits, timings.
    pub prediction: Arc<Prediction>,
    /// Pixels per class.
    pub counts: Arc<[u64]>,
    /// Connected regions of equal class.
    pub regions: Arc<Regions>,
    /// Regions per class.
    pub region_counts: Arc<[u32]>,
    /// What it costs on any machine.
    pub cost: Cost,
    /// The most memory that the process held while it ran, in MiB, where that was measured.
    pub peak_mib: Option<u64>,
}

impl Segmented {
    /// A result with what follows from its label map.
    pub(crate) fn new(photo: OpenPhoto, model: Arc<ModelInfo>, output: Output, prediction: Prediction) -> Self {
        let map = &prediction.labels.map;
        let regions = Regions::of(map);
        Self {
            photo,
            counts: map.counts(model.classes.len()).into(),
            region_counts: regions.counts(model.classes.len()).into(),
            regions: Arc::new(regions),
            cost: Cost::of(&model.spec, output, &prediction),
            peak_mib: None,
            model,
            output,
            prediction: Arc::new(prediction),
        }
    }

    /// What made it, such as `SETR-PUP-L/16 layer 10`.
    pub fn title(&self) -> String {
        self.model.output_title(self.output)
    }

    /// How many classes are in the picture.
    pub fn present(&self) -> usize {
        self.counts.iter().filter(|count| **count > 0).count()
    }

    /// Memory that the result holds, in bytes: photo, labels, confidence, margin, logits and regions.
    pub fn bytes(&self) -> usize {
        let Prediction { labels, fields, .. } = &*self.prediction;
        let per_pixel = labels.map.ids.len() + labels.confidence.len() + labels.margin.len();
        self.photo.photo.rgb.len()
            + per_pixel * size_of::<u16>()
            + fields.iter().map(Field::bytes).sum::<usize>()
            + self.regions.bytes()
            + size_of_val(&*self.counts)
    }

    /// File name without ending for an export.
    pub(crate) fn file_stem(&self, options: &export::Options) -> String {
        options.file_stem(&self.photo.source.stem(), &self.title())
    }

    /// What an export takes of it.
    pub(crate) fn subject(&self) -> Subject<'_> {
        let labels = &self.prediction.labels;
        Subject {
            photo: &self.photo.photo,
            map: &labels.map,
            confidence: &labels.confidence,
            classes: &self.model.classes,
        }
    }
}

impl Bytes for Segmented {
    fn bytes(&self) -> usize {
        Self::bytes(self)
    }
}
