//! A finished segmentation, with everything derived from its label map.

use std::sync::Arc;

use super::cost::Cost;
use super::image::OpenImage;
use super::lru_cache::Bytes;
use super::model_info::ModelInfo;
use crate::export::{self, Subject};
use crate::labels::Regions;
use crate::model::Output;
use crate::segment::{Prediction, WindowLogits};

/// A finished segmentation, with the image, model and output that it comes from.
#[derive(Clone, Debug)]
pub struct Segmented {
    /// The image.
    pub photo: OpenImage,
    /// The model.
    pub model: Arc<ModelInfo>,
    /// The output of the model.
    pub output: Output,
    /// Labels, confidence, logits, timings.
    pub prediction: Arc<Prediction>,
    /// Pixels per class.
    pub counts: Arc<[u64]>,
    /// Connected regions of equal class.
    pub regions: Arc<Regions>,
    /// Regions per class.
    pub region_counts: Arc<[u32]>,
    /// Mean confidence of its pixels, 0..=1.
    pub mean_confidence: f32,
    /// Cost of the run, independent of the machine.
    pub cost: Cost,
    /// Peak memory of the process during the run in MiB, if it was measured.
    pub peak_mib: Option<u64>,
}

impl Segmented {
    /// Computes counts, regions and cost for a prediction.
    pub(crate) fn new(photo: OpenImage, model: Arc<ModelInfo>, output: Output, prediction: Prediction) -> Self {
        let map = &prediction.labels.map;
        let regions = Regions::of(map);
        Self {
            photo,
            counts: map.counts(model.classes.len()).into(),
            mean_confidence: prediction.labels.mean_confidence(),
            region_counts: regions.counts(model.classes.len()).into(),
            regions: Arc::new(regions),
            cost: Cost::of(&model.spec, output, &prediction),
            peak_mib: None,
            model,
            output,
            prediction: Arc::new(prediction),
        }
    }

    /// Title of the model and output, such as `SETR-PUP-L/16 layer 10`.
    pub fn title(&self) -> String {
        self.model.output_title(self.output)
    }

    /// Number of classes that occur in the image.
    pub fn present(&self) -> usize {
        self.counts.iter().filter(|count| **count > 0).count()
    }

    /// Memory of the result in bytes: image, labels, confidence, margin, logits and regions.
    pub fn bytes(&self) -> usize {
        let Prediction { labels, fields, .. } = &*self.prediction;
        let per_pixel = labels.map.ids.len() + labels.confidence.len() + labels.margin.len();
        self.photo.photo.rgb.len()
            + per_pixel * size_of::<u16>()
            + fields.iter().map(WindowLogits::bytes).sum::<usize>()
            + self.regions.bytes()
            + size_of_val(&*self.counts)
    }

    /// File name of an export, without extension.
    pub(crate) fn file_stem(&self, options: &export::Options) -> String {
        options.file_stem(&self.photo.source.stem(), &self.title())
    }

    /// The parts that an export needs.
    pub fn subject(&self) -> Subject<'_> {
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
