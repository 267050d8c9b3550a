//! Confusion matrices, and the scores that follow from them.

use serde::{Deserialize, Serialize};

use super::LabelMap;

/// A confusion matrix: the number of pixels of each true and predicted class.
///
/// Counts and scores follow mmsegmentation (`mmseg/core/evaluation/metrics.py`): pixels without a true class are not
/// counted; a predicted id that is not a class counts only as a miss of the true class; a score whose denominator is 0
/// is undefined and left out of means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Confusion {
    classes: usize,
    /// Pixels by `[true class, predicted class]`; the last column is for predicted ids that are not classes.
    counts: Vec<u64>,
    /// Pixels without a true class.
    unlabelled: u64,
}

/// A confusion matrix as read from a file, which may have been edited by hand.
#[derive(Deserialize)]
struct Written {
    classes: usize,
    counts: Vec<u64>,
    #[serde(default)]
    unlabelled: u64,
}

impl TryFrom<Written> for Confusion {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written {
            classes,
            counts,
            unlabelled,
        } = written;
        let expected = classes.checked_add(1).and_then(|columns| columns.checked_mul(classes));
        let total = counts.iter().try_fold(unlabelled, |sum, count| sum.checked_add(*count));
        match expected == Some(counts.len()) && total.is_some() {
            true => Ok(Self {
                classes,
                counts,
                unlabelled,
            }),
            false => Err(format!("{} counts do not fit {classes} classes", counts.len())),
        }
    }
}

/// The scores of one class, each in 0..=1; `None` where undefined.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClassScore {
    /// Intersection over union: correctly predicted pixels, divided by the pixels that are or are predicted as this
    /// class.
    pub iou: Option<f64>,
    /// Share of the pixels of this class that are predicted correctly (recall).
    pub accuracy: Option<f64>,
    /// Share of the pixels predicted as this class that are correct.
    pub precision: Option<f64>,
    /// Twice the correctly predicted pixels, divided by the sum of the pixels of this class and those predicted as it.
    pub dice: Option<f64>,
    /// Harmonic mean of accuracy and precision; undefined where one of them is undefined or both are 0.
    pub f_score: Option<f64>,
}

impl Confusion {
    /// An empty confusion matrix.
    pub fn new(classes: usize) -> Self {
        Self {
            classes,
            counts: vec![0; classes * (classes + 1)],
            unlabelled: 0,
        }
    }

    /// Counts the pixels of an image; ids in `truth` that are not classes mean "not labelled". Returns false, and
    /// counts nothing, when the sizes differ.
    #[must_use]
    pub fn add(&mut self, prediction: &LabelMap, truth: &LabelMap) -> bool {
        if [prediction.width, prediction.height] != [truth.width, truth.height] {
            return false;
        }
        let columns = self.classes + 1;
        for (predicted, truth) in prediction.ids.iter().zip(&truth.ids) {
            let (predicted, truth) = (usize::from(*predicted), usize::from(*truth));
            if truth < self.classes {
                self.counts[truth * columns + predicted.min(self.classes)] += 1;
            } else {
                self.unlabelled += 1;
            }
        }
        true
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of pixels of class `truth` that are predicted as class `predicted`; 0 where there are no such classes.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        if truth < self.classes && predicted < self.classes {
            self.counts[truth * (self.classes + 1) + predicted]
        } else {
            0
        }
    }

    /// Adds the counts of another confusion matrix with the same number of classes.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.classes, other.classes);
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.unlabelled += other.unlabelled;
    }

    /// Number of pixels without a true class, which are not in the matrix.
    pub fn unlabelled(&self) -> u64 {
        self.unlabelled
    }

    /// Adds pixels without a true class.
    pub fn add_unlabelled(&mut self, pixels: u64) {
        self.unlabelled += pixels;
    }

    /// Share of all pixels that have no true class; `None` without pixels.
    pub fn ignored_share(&self) -> Option<f64> {
        share(self.unlabelled, self.unlabelled + self.counts.iter().sum::<u64>())
    }

    /// Number of classes with an IoU: those that occur in the ground truth or are predicted for a labelled pixel.
    pub fn scored_classes(&self) -> usize {
        (0..self.classes)
            .filter(|class| self.class(*class).iou.is_some())
            .count()
    }

    /// Share of labelled pixels that would be correct if the true class `ids[class]` meant `class`; `None` without
    /// pixels.
    pub fn accuracy_under(&self, ids: &[u16]) -> Option<f64> {
        let hits = ids.iter().enumerate();
        let hits = hits.map(|(class, id)| self.count(usize::from(*id), class)).sum();
        share(hits, self.counts.iter().sum())
    }

    /// Share of labelled pixels whose predicted id is `offset` more than their true class; `None` without pixels.
    ///
    /// A large share for 1 or -1 suggests that the prediction or the ground truth counts classes from 1.
    pub fn shifted_accuracy(&self, offset: isize) -> Option<f64> {
        let hit = |class: usize| Some(self.count(class, class.checked_add_signed(offset)?));
        share((0..self.classes).filter_map(hit).sum(), self.counts.iter().sum())
    }

    /// The cells with a count: true class, predicted class (the number of classes for an id that is not a class),
    /// pixels.
    pub fn cells(&self) -> impl Iterator<Item = (usize, usize, u64)> {
        let columns = self.classes + 1;
        let counts = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        counts.map(move |(i, count)| (i / columns, i % columns, *count))
    }

    /// Adds a cell of [`Self::cells`]; ignored when out of range.
    pub fn add_cell(&mut self, (truth, predicted, count): (usize, usize, u64)) {
        if truth < self.classes && predicted <= self.classes {
            self.counts[truth * (self.classes + 1) + predicted] += count;
        }
    }

    /// Number of pixels of a class in the ground truth; 0 where there is no such class.
    pub fn labelled(&self, class: usize) -> u64 {
        let columns = self.classes + 1;
        let row = self.counts.get(class * columns..(class + 1) * columns);
        row.map_or(0, |row| row.iter().sum())
    }

    /// Number of labelled pixels that are predicted as a class.
    fn predicted(&self, class: usize) -> u64 {
        (0..self.classes).map(|truth| self.count(truth, class)).sum()
    }

    /// The scores of a class.
    pub fn class(&self, class: usize) -> ClassScore {
        if class >= self.classes {
            return ClassScore::default();
        }
        let (hit, labelled, predicted) = (self.count(class, class), self.labelled(class), self.predicted(class));
        let (accuracy, precision) = (share(hit, labelled), share(hit, predicted));
        ClassScore {
            iou: share(hit, labelled + predicted - hit),
            accuracy,
            precision,
            dice: share(2 * hit, labelled + predicted),
            f_score: accuracy
                .zip(precision)
                .filter(|(accuracy, precision)| accuracy + precision > 0.0)
                .map(|(accuracy, precision)| 2.0 * accuracy * precision / (accuracy + precision)),
        }
    }

    /// Mean of a score over the classes for which it is defined; `None` where it is defined for none.
    pub fn mean(&self, score: impl Fn(ClassScore) -> Option<f64>) -> Option<f64> {
        let defined = (0..self.classes).filter_map(|class| score(self.class(class)));
        let (sum, count) = defined.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    /// Mean IoU over the classes for which it is defined.
    pub fn mean_iou(&self) -> Option<f64> {
        self.mean(|score| score.iou)
    }

    /// Share of labelled pixels that are predicted correctly; `None` without pixels.
    pub fn pixel_accuracy(&self) -> Option<f64> {
        let hits = (0..self.classes).map(|class| self.count(class, class)).sum();
        share(hits, self.counts.iter().sum())
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(ids: &[u16]) -> LabelMap {
        LabelMap {
            width: ids.len(),
            height: 1,
            ids: ids.to_vec(),
        }
    }

    #[test]
    fn undefined_classes_are_left_out_of_means() {
        let mut confusion = Confusion::new(4);
        assert_eq!(confusion.mean_iou(), None);
        // Class 2 does not occur, class 3 is only predicted, and one pixel has no true class.
        assert!(confusion.add(&map(&[0, 0, 1, 3, 1]), &map(&[0, 0, 1, 1, 255])));
        assert_eq!(confusion.class(2).iou, None);
        let only_predicted = confusion.class(3);
        assert_eq!((only_predicted.iou, only_predicted.accuracy), (Some(0.0), None));
        assert_eq!((only_predicted.precision, only_predicted.dice), (Some(0.0), Some(0.0)));
        assert_eq!(only_predicted.f_score, None);
        assert_eq!(confusion.mean_iou(), Some((1.0 + 0.5 + 0.0) / 3.0));
        assert_eq!(confusion.mean(|score| score.accuracy), Some(0.75));
        assert_eq!(confusion.pixel_accuracy(), Some(0.75));
    }

    #[test]
    fn a_predicted_id_beyond_the_classes_is_only_a_miss() {
        let mut confusion = Confusion::new(2);
        assert!(confusion.add(&map(&[9, 1]), &map(&[0, 1])));
        assert_eq!(confusion.class(0).iou, Some(0.0));
        assert_eq!(confusion.class(1).f_score, Some(1.0));
        let mut again = Confusion::new(2);
        confusion.cells().for_each(|cell| again.add_cell(cell));
        assert_eq!(again, confusion);
        assert_eq!(confusion.pixel_accuracy(), Some(0.5));
    }

    #[test]
    fn ignored_pixels_and_shifted_ids_are_measured() {
        let mut confusion = Confusion::new(4);
        assert!(confusion.add(&map(&[1, 2, 3, 1, 0, 0]), &map(&[0, 1, 2, 1, 255, 255])));
        assert_eq!(
            (confusion.unlabelled(), confusion.ignored_share()),
            (2, Some(1.0 / 3.0))
        );
        assert_eq!(confusion.shifted_accuracy(1), Some(0.75));
        assert_eq!(confusion.shifted_accuracy(0), confusion.pixel_accuracy());
        assert_eq!(confusion.shifted_accuracy(-1), Some(0.0));
        assert_eq!(confusion.scored_classes(), 4);
    }

    #[test]
    fn counts_from_a_file_must_fit_the_classes() {
        let read = |text: &str| serde_json::from_str::<Confusion>(text);
        let sound = read(r#"{"classes":1,"counts":[3,1]}"#).expect("a confusion");
        assert_eq!((sound.count(0, 0), sound.labelled(0)), (3, 4));
        for wrong in [
            r#"{"classes":2,"counts":[3,1]}"#,
            r#"{"classes":18446744073709551615,"counts":[]}"#,
            r#"{"classes":1,"counts":[18446744073709551615,1]}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn maps_of_different_sizes_are_not_counted() {
        let mut confusion = Confusion::new(2);
        assert!(!confusion.add(&map(&[0]), &map(&[0, 1])));
        assert_eq!(confusion, Confusion::new(2));
    }
}
