//! How label maps of one picture differ, and label maps that were not made here.

use std::path::PathBuf;
use std::sync::Arc;

use super::segmented::Segmented;
use crate::datasets::{TruthError, TruthReader};
use crate::labels::{Agreement, Confusion, LabelMap, Regions};
use crate::segment::Prediction;

/// A label map with the regions of it: what a model has predicted, or what was read from a file.
#[derive(Clone, Debug)]
pub struct Labelling {
    labels: LabelSource,
    /// Connected regions of equal label.
    pub regions: Arc<Regions>,
    /// Pixels per label, by id.
    pub counts: Arc<[u64]>,
    /// Regions per label, by id.
    pub region_counts: Arc<[u32]>,
}

/// Labels of a file that are counted: no data set has more classes.
const COUNTED: usize = 1024;

#[derive(Clone, Debug)]
enum LabelSource {
    Predicted(Arc<Prediction>),
    Plain(Arc<LabelMap>),
}

impl Labelling {
    /// A label map that nothing but its ids is known of.
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

    /// The probability of each label, 0..=65535 for 0..=1, in the order of the map's pixels; `None` where it is not
    /// known.
    pub fn confidence(&self) -> Option<&[u16]> {
        match &self.labels {
            LabelSource::Predicted(prediction) => Some(&prediction.labels.confidence),
            LabelSource::Plain(_) => None,
        }
    }
}

impl From<&Segmented> for Labelling {
    fn from(result: &Segmented) -> Self {
        Self {
            labels: LabelSource::Predicted(result.prediction.clone()),
            regions: result.regions.clone(),
            counts: result.counts.clone(),
            region_counts: result.region_counts.clone(),
        }
    }
}

/// Two label maps of one picture and of the same classes.
#[derive(Clone, Debug)]
pub struct ComparisonJob {
    /// What is compared.
    pub labels: Labelling,
    /// What with: the other model, or the ground truth.
    pub reference: Labelling,
    /// How many classes there are; other ids of the reference are not labelled.
    pub classes: usize,
}

/// How two label maps differ.
#[derive(Debug)]
pub struct Comparison {
    /// How far they agree.
    pub agreement: Agreement,
    /// Pixels by both labels, the reference being the truth.
    pub confusion: Confusion,
    /// Of the confusion.
    pub mean_iou: Option<f64>,
    /// Of the confusion.
    pub pixel_accuracy: Option<f64>,
    /// The labels where they differ from the reference; [`Comparison::SAME`] elsewhere, and where one of both has no
    /// label.
    pub differing: Labelling,
}

impl Comparison {
    /// Stands in [`Comparison::differing`] where there is no difference; no model has so many classes.
    pub const SAME: u16 = u16::MAX;

    /// Compares; `None` when the maps differ in size.
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
            differing: Labelling::plain(LabelMap {
                width: labels.width,
                height: labels.height,
                ids: differing.collect(),
            }),
        })
    }
}

/// A label map to read.
#[derive(Clone, Debug)]
pub struct LabelsJob {
    /// The file.
    pub path: PathBuf,
    /// Width and height of the picture that it belongs to.
    pub size: [usize; 2],
    /// What reads it where it is ground truth.
    pub reader: Option<TruthReader>,
}

/// Reads the label map of a picture of a width and height: ground truth by the rules of its data set, or else a PNG with
/// class ids as they are.
///
/// # Errors
/// When the file cannot be read, is no label map, is of another size or holds ids that mean nothing.
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
