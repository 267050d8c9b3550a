//! How well a result matches ground truth from a file, and where it does not.

use std::path::{Path, PathBuf};

use super::comparison::Labelling;
use super::picture::PhotoSource;
use crate::datasets::{Survey, TruthMap, TruthReader};
use crate::labels::{Confusion, LabelMap};

/// Where ground truth is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// In a file.
    File(PathBuf),
    /// Inside the program: that of the sample picture.
    Sample,
}

impl Truth {
    /// For people.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into(),
            Self::Sample => "of the sample".into(),
        }
    }
}

/// The label map of the sample picture, in the ids of CamVid.
const SAMPLE_LABELS: &[u8] = include_bytes!("../../assets/samples/street-labels.png");

/// A result with its ground truth.
#[derive(Debug)]
pub struct ScoreJob {
    /// The picture.
    pub source: PhotoSource,
    /// What was predicted.
    pub labels: Labelling,
    /// Where the truth is.
    pub truth: Truth,
    /// What reads the truth; it knows the classes of both.
    pub reader: TruthReader,
    /// What to show of it besides the scores.
    pub show: Option<Errors>,
}

/// Which errors are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// Of all classes.
    All,
    /// Of one class.
    Class(u16),
}

/// How well a picture's labels match the truth.
#[derive(Debug)]
pub struct ScoredPicture {
    /// Pixels by true and predicted class.
    pub confusion: Confusion,
    /// Of these.
    pub mean_iou: Option<f64>,
    /// Whether the truth holds only 0 and 255, and 255 means "no class": as masks of one object are often drawn.
    pub is_mask: bool,
    /// The truth and the errors, where they are to be shown.
    pub shown: Option<ShownErrors>,
}

/// Label maps to look at.
#[derive(Debug)]
pub struct ShownErrors {
    /// The true labels.
    pub truth: Labelling,
    /// Ids of [`ERROR_KINDS`] where there is an error, other ids elsewhere.
    pub map: Labelling,
}

/// What the ids of a map of errors mean: said to be of the class and not of it; of it and not said to be. With all
/// classes there is only the first: wrong.
pub const ERROR_KINDS: [&str; 2] = ["False positive", "False negative"];

/// Neither of both.
const NO_ERROR: u16 = u16::MAX;

/// Reads the truth and compares with it.
///
/// # Errors
/// When the truth cannot be read, labels nothing or is of another size: what happened and what to do.
pub fn score(job: &ScoreJob) -> Result<ScoredPicture, String> {
    let predicted = job.labels.map();
    let truth = read_truth(&job.truth, predicted, &job.reader)?;
    let mut survey = Survey::default();
    survey.add(&truth);
    survey.check(job.reader.ignored())?;
    let (is_mask, truth) = (survey.looks_like_a_mask(job.reader.ignored()), truth.map);
    let mut confusion = Confusion::new(job.reader.classes());
    if !confusion.add(predicted, &truth) {
        return Err("expected a label map as large as the picture, found another size".into());
    }
    let shown = job.show.map(|errors| ShownErrors {
        map: Labelling::plain(errors_of(predicted, &truth, errors, job.reader.classes())),
        truth: Labelling::plain(truth),
    });
    Ok(ScoredPicture {
        mean_iou: confusion.mean_iou(),
        confusion,
        is_mask,
        shown,
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
    fn errors_of_a_class_are_of_two_kinds() {
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
