//! Predictions read from files, whose ids may differ from class ids.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::reader::data_set_of;
use super::rules::NO_CLASS;
use super::table::Submission;
use crate::labels::{ClassSet, LabelMap, OpenLabelsError};

/// Reads predicted label maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredictionReader {
    classes: usize,
    ids: Submission,
    label_ids: Option<&'static [u16]>,
}

impl PredictionReader {
    /// A reader for predictions of these classes with ids of this kind. For a data set without label ids, label ids are
    /// read as classes.
    pub fn new(classes: &ClassSet, ids: Submission) -> Self {
        Self {
            classes: classes.len(),
            ids,
            label_ids: data_set_of(classes).and_then(|set| set.label_ids),
        }
    }

    /// Reads a file. Ids that are not classes are kept, unless they mean "no class".
    ///
    /// # Errors
    /// When the file cannot be read or is not a label map.
    pub fn read(&self, path: &Path) -> Result<LabelMap, OpenLabelsError> {
        let mut map = LabelMap::open(path)?;
        match (self.ids, self.label_ids) {
            (Submission::OneMore, _) => {
                map.ids
                    .iter_mut()
                    .for_each(|id| *id = id.checked_sub(1).unwrap_or(NO_CLASS));
            }
            (Submission::LabelIds, Some(known)) => {
                for id in &mut map.ids {
                    let class = known.iter().position(|known| known == id);
                    *id = class.and_then(|class| u16::try_from(class).ok()).unwrap_or(NO_CLASS);
                }
            }
            (Submission::Classes | Submission::LabelIds, _) => {}
        }
        Ok(map)
    }
}

/// Predicted ids that are not classes. They count as wrong, as in other programs, and are reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeyondClasses {
    pixels: u64,
    files: usize,
    /// Pixels by id, over all predictions.
    ids: BTreeMap<u16, u64>,
}

impl BeyondClasses {
    /// Counts a prediction.
    pub fn add(&mut self, map: &LabelMap, classes: usize) {
        let mut counts = vec![0u64; usize::from(u16::MAX) + 1];
        map.ids.iter().for_each(|id| counts[usize::from(*id)] += 1);
        let mut beyond = 0;
        // `NO_CLASS` is left out: where a class is expected it counts as wrong, but it is not an id beyond the classes.
        let found = (0..NO_CLASS).zip(counts).filter(|(_, count)| *count > 0);
        for (id, count) in found {
            *self.ids.entry(id).or_default() += count;
            if usize::from(id) >= classes {
                beyond += count;
            }
        }
        self.pixels += beyond;
        self.files += usize::from(beyond > 0);
    }

    /// A sentence about the ids beyond the classes, with the flag under which they would fit; `None` where there are
    /// none.
    pub fn finding(&self, classes: &ClassSet) -> Option<String> {
        if self.files == 0 {
            return None;
        }
        let last = self.ids.keys().next_back().copied().unwrap_or(0);
        let data_set = data_set_of(classes);
        let label_ids = data_set.and_then(|set| set.label_ids).unwrap_or_default();
        let advice = match data_set.map(|set| set.submission) {
            Some(Submission::LabelIds) if label_ids.iter().any(|id| last <= *id) => {
                "; they fit label ids: add --predictions-label-ids"
            }
            _ if usize::from(last) == classes.len() => {
                "; if ids are one more than their class, add --predictions-zero-is-ignored"
            }
            _ => "; choose the class set of the predictions with --set",
        };
        Some(format!(
            "{} pixels of {} prediction{} have ids beyond the {} classes (up to {last}) and count as wrong{advice}",
            self.pixels,
            self.files,
            if self.files == 1 { "" } else { "s" },
            classes.len()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets::{by_count, classes_of};

    fn map(ids: &[u16]) -> LabelMap {
        LabelMap {
            width: ids.len(),
            height: 1,
            ids: ids.to_vec(),
        }
    }

    fn finding(set: &ClassSet, ids: &[u16]) -> Option<String> {
        let mut beyond = BeyondClasses::default();
        beyond.add(&map(ids), set.len());
        beyond.add(&map(&[0]), set.len());
        beyond.finding(set)
    }

    #[test]
    fn ids_beyond_the_classes_are_reported_with_advice() {
        let city = classes_of("cityscapes").expect("a built-in set");
        assert_eq!(finding(&city, &[0, 18]), None);
        let label_ids = finding(&city, &[7, 26, 33]).expect("a finding");
        assert!(label_ids.starts_with("2 pixels of 1 prediction have"), "{label_ids}");
        assert!(label_ids.contains("--predictions-label-ids"), "{label_ids}");
        let ade = classes_of("ade20k").expect("a built-in set");
        let one_more = finding(&ade, &[1, 150]).expect("a finding");
        assert!(one_more.contains("--predictions-zero-is-ignored"), "{one_more}");
        let other = finding(&by_count(19), &[7, 26, 33]).expect("a finding");
        assert!(other.contains("--set"), "{other}");
    }

    #[test]
    fn ids_are_read_by_kind() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.png");
        let file = std::fs::File::create(&path).expect("a file");
        let mut encoder = png::Encoder::new(file, 3, 1);
        encoder.set_color(png::ColorType::Grayscale);
        let ids = [0, 7, 33];
        encoder
            .write_header()
            .and_then(|mut png| png.write_image_data(&ids))
            .expect("a PNG");
        let city = classes_of("cityscapes").expect("a built-in set");
        let read = |ids| PredictionReader::new(&city, ids).read(&path).expect("a label map").ids;
        assert_eq!(read(Submission::Classes), [0, 7, 33]);
        assert_eq!(read(Submission::OneMore), [NO_CLASS, 6, 32]);
        assert_eq!(read(Submission::LabelIds), [NO_CLASS, 0, 18]);
    }
}
