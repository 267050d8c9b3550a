//! Comparison of label maps of one image, and reading label maps from files.

use std::path::PathBuf;
use std::sync::Arc;

use super::segmented::Segmented;
use crate::datasets::{TruthError, TruthReader};
use crate::labels::{Agreement, Confusion, LabelMap, Regions};
use crate::segment::Prediction;

/// A label map with its regions and counts, either predicted by a model or read from a file.
#[derive(Clone, Debug)]
pub struct LabelLayer {
    labels: LabelSource,
    /// Connected regions of equal label.
    pub regions: Arc<Regions>,
    /// Number of pixels per label, by id.
    pub counts: Arc<[u64]>,
    /// Number of regions per label, by id.
    pub region_counts: Arc<[u32]>,
}

/// Number of ids that are counted in a label map from a file: no data set has more classes.
const COUNTED: usize = 1024;

#[derive(Clone, Debug)]
enum LabelSource {
    Predicted(Arc<Prediction>),
    Plain(Arc<LabelMap>),
}

impl LabelLayer {
    /// A layer from a label map without confidence.
    pub fn plain(map: LabelMap) -> Self {
        let regions = Regions::of(&map);
        Self {
            counts: map.counts(COUNTED).into(),
            region_counts: regions.counts(COUNTED).into(),
            regions: Arc::new(regions),
            labels: LabelSource::Plain(Arc::new(map)),
        }
    }

    /// The label map.
    pub fn map(&self) -> &LabelMap {
        match &self.labels {
            LabelSource::Predicted(prediction) => &prediction.labels.map,
            LabelSource::Plain(map) => map,
        }
    }

    /// The probability of each label, 0..=65535 for 0..=1, in the order of the map's pixels; `None` if unknown.
    pub fn confidence(&self) -> Option<&[u16]> {
        match &self.labels {
            LabelSource::Predicted(prediction) => Some(&prediction.labels.confidence),
            LabelSource::Plain(_) => None,
        }
    }
}

impl From<&Segmented> for LabelLayer {
    fn from(result: &Segmented) -> Self {
        Self {
            labels: LabelSource::Predicted(result.prediction.clone()),
            regions: result.regions.clone(),
            counts: result.counts.clone(),
            region_counts: result.region_counts.clone(),
        }
    }
}

/// Two label maps of one image and of the same classes.
#[derive(Clone, Debug)]
pub struct ComparisonJob {
    /// The labels to compare.
    pub labels: LabelLayer,
    /// The labels to compare with: those of another model, or ground truth.
    pub reference: LabelLayer,
    /// Number of classes; pixels of the reference with other ids count as unlabelled.
    pub classes: usize,
}

/// The differences between two label maps.
#[derive(Debug)]
pub struct Comparison {
    /// How much the maps agree.
    pub agreement: Agreement,
    /// Confusion matrix, with the reference as ground truth.
    pub confusion: Confusion,
    /// Mean IoU of the confusion matrix.
    pub mean_iou: Option<f64>,
    /// Pixel accuracy of the confusion matrix.
    pub pixel_accuracy: Option<f64>,
    /// The labels where they differ from the reference; [`Comparison::SAME`] elsewhere, and where either map has no
    /// label.
    pub differing: LabelLayer,
}

impl Comparison {
    /// The id in [`Comparison::differing`] for pixels without a difference; no model has this many classes.
    pub const SAME: u16 = u16::MAX;

    /// Compares the maps; `None` if they differ in size.
    pub fn of(job: &ComparisonJob) -> Option<Self> {
        let (labels, reference) = (job.labels.map(), job.reference.map());
        let agreement = Agreement::of(labels, reference, job.classes)?;
        let mut confusion = Confusion::new(job.classes);
        confusion.add(labels, reference).then_some(())?;
        let differing = labels.ids.iter().zip(&reference.ids).map(|(label, reference)| {
            let known = |id: u16| usize::from(id) < job.classes;
            let differs = label != reference && known(*label) && known(*reference);
            if differs { *label } else { Self::SAME }
        });
        Some(Self {
            agreement,
            mean_iou: confusion.mean_iou(),
            pixel_accuracy: confusion.pixel_accuracy(),
            confusion,
            differing: LabelLayer::plain(LabelMap {
                width: labels.width,
                height: labels.height,
                ids: differing.collect(),
            }),
        })
    }
}

/// A request to read a label map.
#[derive(Clone, Debug)]
pub struct LabelsJob {
    /// The file.
    pub path: PathBuf,
    /// Width and height of its image in pixels.
    pub size: [usize; 2],
    /// Reader for ground truth; `None` for a plain label map.
    pub reader: Option<TruthReader>,
}

/// Reads the label map of an image: ground truth by the rules of its data set, otherwise a PNG of class ids.
///
/// # Errors
/// When the file cannot be read, is not a label map, has another size than the image or contains unknown ids.
pub(crate) fn read_labels(job: &LabelsJob) -> Result<LabelMap, TruthError> {
    if let Some(reader) = &job.reader {
        return Ok(reader.read(&job.path, Some(job.size))?.map);
    }
    let map = LabelMap::open(&job.path)?;
    let found = [map.width, map.height];
    match found == job.size {
        true => Ok(map),
        false => Err(TruthError::Size {
            expected: job.size,
            found,
            path: job.path.clone(),
        }),
    }
}
