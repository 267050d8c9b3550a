//! Scores a result against ground truth from a file, and maps its errors.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::comparison::LabelLayer;
use super::error_thumbnail::error_thumbnail;
use super::image::ImageSource;
use crate::datasets::{Survey, TruthMap, TruthReader};
use crate::labels::{Confusion, LabelMap};
use crate::photo::Photo;

/// The source of ground truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// A file.
    File(PathBuf),
    /// The built-in label map of the sample image.
    Sample,
}

impl Truth {
    /// Name to show to the user.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into(),
            Self::Sample => "sample label map".into(),
        }
    }
}

/// The label map of the sample image, with the ids of CamVid.
const SAMPLE_LABELS: &[u8] = include_bytes!("../../assets/samples/street-labels.png");

/// A result to score against ground truth.
#[derive(Debug)]
pub struct ScoreJob {
    /// The image.
    pub source: ImageSource,
    /// The predicted labels.
    pub labels: LabelLayer,
    /// The source of the ground truth.
    pub truth: Truth,
    /// Reader of the ground truth; it knows the classes of both label maps.
    pub reader: TruthReader,
    /// The errors to show besides the scores.
    pub show: Option<Errors>,
    /// The photo, for a small image of the errors.
    pub photo: Option<Arc<Photo>>,
}

/// The errors that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// Errors of all classes.
    All,
    /// Errors of one class.
    Class(u16),
}

/// The scores of an image.
#[derive(Debug)]
pub struct ScoredImage {
    /// Confusion matrix: pixels by true and predicted class.
    pub confusion: Confusion,
    /// Mean IoU of the confusion matrix.
    pub mean_iou: Option<f64>,
    /// Whether the ground truth contains only 0 and 255 and 255 is ignored, as in many masks of a single object.
    pub is_mask: bool,
    /// The ground truth and the errors, if requested.
    pub shown: Option<ShownErrors>,
    /// A small image of the errors over the photo, if there was one.
    pub thumbnail: Option<Photo>,
}

/// Label maps that show the errors.
#[derive(Debug)]
pub struct ShownErrors {
    /// The ground truth.
    pub truth: LabelLayer,
    /// An index of [`ERROR_KINDS`] where there is an error, another id elsewhere.
    pub map: LabelLayer,
}

/// Names of the ids in an error map: pixels wrongly predicted as the class, and pixels of the class predicted as
/// another. For [`Errors::All`], only the first id occurs and means any wrong prediction.
pub const ERROR_KINDS: [&str; 2] = ["False positive", "False negative"];

/// The id of pixels without an error.
const NO_ERROR: u16 = u16::MAX;

/// Reads the ground truth and scores the labels against it.
///
/// # Errors
/// When the ground truth cannot be read, has no labelled pixels or has another size than the image. The text says what
/// happened and what to do.
pub fn score(job: &ScoreJob) -> Result<ScoredImage, String> {
    let predicted = job.labels.map();
    let truth = read_truth(&job.truth, predicted, &job.reader)?;
    let mut survey = Survey::default();
    survey.add(&truth);
    survey.check(job.reader.ignored())?;
    let (is_mask, truth) = (survey.looks_like_a_mask(job.reader.ignored()), truth.map);
    let mut confusion = Confusion::new(job.reader.classes());
    if !confusion.add(predicted, &truth) {
        return Err("expected a label map as large as the image, found another size".into());
    }
    let thumbnail = job.photo.as_ref();
    let thumbnail = thumbnail.map(|photo| error_thumbnail(photo, predicted, &truth, job.reader.classes()));
    let shown = job.show.map(|errors| ShownErrors {
        map: LabelLayer::plain(errors_of(predicted, &truth, errors, job.reader.classes())),
        truth: LabelLayer::plain(truth),
    });
    Ok(ScoredImage {
        mean_iou: confusion.mean_iou(),
        confusion,
        is_mask,
        shown,
        thumbnail,
    })
}

fn read_truth(truth: &Truth, predicted: &LabelMap, reader: &TruthReader) -> Result<TruthMap, String> {
    let size = Some([predicted.width, predicted.height]);
    let read = match truth {
        Truth::File(path) => reader.read(path, size),
        Truth::Sample => {
            let map = LabelMap::from_png(SAMPLE_LABELS).map_err(|why| why.to_string())?;
            reader.classes_of(map, Path::new(&truth.name()), size)
        }
    };
    read.map_err(|why| why.to_string())
}

fn errors_of(predicted: &LabelMap, truth: &LabelMap, errors: Errors, classes: usize) -> LabelMap {
    let kind = |(predicted, truth): (&u16, &u16)| {
        if usize::from(*truth) >= classes || predicted == truth {
            return NO_ERROR;
        }
        match errors {
            Errors::All => 0,
            Errors::Class(class) if *predicted == class => 0,
            Errors::Class(class) if *truth == class => 1,
            Errors::Class(_) => NO_ERROR,
        }
    };
    LabelMap {
        width: truth.width,
        height: truth.height,
        ids: predicted.ids.iter().zip(&truth.ids).map(kind).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_errors_are_false_positives_or_negatives() {
        let map = |ids: [u16; 5]| LabelMap {
            width: 5,
            height: 1,
            ids: ids.to_vec(),
        };
        let (predicted, truth) = (map([0, 1, 1, 0, 1]), map([0, 1, 0, 1, u16::MAX]));
        let ids = |errors| errors_of(&predicted, &truth, errors, 2).ids;
        assert_eq!(ids(Errors::All), [NO_ERROR, NO_ERROR, 0, 0, NO_ERROR]);
        assert_eq!(ids(Errors::Class(1)), [NO_ERROR, NO_ERROR, 0, 1, NO_ERROR]);
        assert_eq!(ids(Errors::Class(0)), [NO_ERROR, NO_ERROR, 1, 0, NO_ERROR]);
    }
}
