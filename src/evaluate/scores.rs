//! Scores over many images, which can be saved half-way.

use serde::{Deserialize, Serialize};

use crate::labels::{Agreement, BOUNDARY_PIXELS, Confusion, LabelMap};

/// The scores of the images so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Pixels by true and predicted class.
    pub confusion: Confusion,
    /// Sum over the images of the agreement of boundaries, see [`Agreement::boundary`].
    boundary: [f64; BOUNDARY_PIXELS.len()],
    /// Images that have labelled pixels.
    labelled: usize,
    /// The images that were counted, with their pixel accuracy and mean IoU.
    #[serde(rename = "pictures")]
    pub images: Vec<ImageScore>,
    /// Time that the model took for the images, in seconds.
    pub seconds: f64,
}

/// The scores of one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageScore {
    /// Its name.
    pub name: String,
    /// Share of the labelled pixels that are predicted correctly; `None` without labelled pixels.
    pub pixel_accuracy: Option<f64>,
    /// Mean IoU over the classes of this image.
    pub mean_iou: Option<f64>,
}

impl Scores {
    /// The scores of no images yet.
    pub fn new(classes: usize) -> Self {
        Self {
            confusion: Confusion::new(classes),
            boundary: [0.0; BOUNDARY_PIXELS.len()],
            labelled: 0,
            images: Vec::new(),
            seconds: 0.0,
        }
    }

    /// Counts an image, for which the model took `seconds`. Returns false and counts nothing when the two maps differ
    /// in size.
    #[must_use]
    pub fn add(&mut self, name: &str, prediction: &LabelMap, truth: &LabelMap, seconds: f64) -> bool {
        let classes = self.confusion.classes();
        let mut one = Confusion::new(classes);
        if !one.add(prediction, truth) {
            return false;
        }
        self.confusion.merge(&one);
        if let Some(agreement) = Agreement::with_truth(prediction, truth, classes) {
            self.labelled += 1;
            for (sum, value) in self.boundary.iter_mut().zip(agreement.boundary) {
                *sum += value;
            }
        }
        self.images.push(ImageScore {
            name: name.to_owned(),
            pixel_accuracy: one.pixel_accuracy(),
            mean_iou: one.mean_iou(),
        });
        self.seconds += seconds;
        true
    }

    /// Mean boundary agreement over the images with labels, at each of [`BOUNDARY_PIXELS`]; `None` without such images.
    pub fn boundary(&self) -> Option<[f64; BOUNDARY_PIXELS.len()]> {
        let count = self.labelled;
        (count > 0).then(|| self.boundary.map(|sum| sum / count as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_survive_serialisation() {
        let map = |ids: [u16; 4]| LabelMap {
            width: 2,
            height: 2,
            ids: ids.to_vec(),
        };
        let mut scores = Scores::new(2);
        assert!(scores.add("a", &map([0, 0, 1, 1]), &map([0, 1, 1, u16::MAX]), 0.5));
        let text = serde_json::to_string(&scores).expect("JSON");
        let mut back: Scores = serde_json::from_str(&text).expect("scores");
        assert_eq!(back, scores);
        for scores in [&mut scores, &mut back] {
            assert!(scores.add("b", &map([1, 1, 1, 1]), &map([1, 1, 1, 0]), 0.25));
        }
        assert_eq!(back, scores);
        assert_eq!(back.seconds, 0.75);
        assert_eq!(back.confusion.pixel_accuracy(), Some(5.0 / 7.0));
        let other = LabelMap {
            width: 1,
            height: 1,
            ids: vec![0],
        };
        assert!(!back.add("c", &other, &map([0; 4]), 1.0));
        assert_eq!(back, scores);
    }
}
