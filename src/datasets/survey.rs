//! Checks ground truth as a whole before it is used for training or scoring.

use std::collections::BTreeSet;
use std::fmt;

use rayon::prelude::*;

use super::reader::TruthMap;
use super::rules::NO_CLASS;
use crate::labels::ClassSet;

/// Counts over label maps: pixels of each class, ignored pixels, and ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Number of label maps.
    files: usize,
    /// Pixels by class, up to the largest class that occurs.
    pixels: Vec<u64>,
    /// Pixels without a class.
    ignored: u64,
    /// Ids as stored in the files.
    ids: BTreeSet<u16>,
    /// Number of files that were read as label ids.
    label_ids: usize,
}

/// Share of ignored pixels from which a warning is given.
const MOSTLY: f64 = 0.9;

impl Survey {
    /// Counts all label maps that can be read, and returns an error message for each that cannot.
    pub fn of<E: fmt::Display>(truths: impl ParallelIterator<Item = Result<TruthMap, E>>) -> (Self, Vec<String>) {
        let looked_at = truths.map(|truth| match truth {
            Ok(truth) => {
                let mut survey = Self::default();
                survey.add(&truth);
                (survey, Vec::new())
            }
            Err(why) => (Self::default(), vec![why.to_string()]),
        });
        looked_at.reduce(Default::default, |(survey, mut wrong), (other, more)| {
            wrong.extend(more);
            (survey.merged(other), wrong)
        })
    }

    /// Counts a label map.
    pub fn add(&mut self, truth: &TruthMap) {
        self.files += 1;
        self.label_ids += usize::from(truth.label_ids);
        self.ids.extend(&truth.ids);
        for id in &truth.map.ids {
            if *id == NO_CLASS {
                self.ignored += 1;
                continue;
            }
            let class = usize::from(*id);
            if self.pixels.len() <= class {
                self.pixels.resize(class + 1, 0);
            }
            self.pixels[class] += 1;
        }
    }

    /// The sum of both surveys.
    pub fn merged(mut self, other: Self) -> Self {
        self.files += other.files;
        self.ignored += other.ignored;
        self.label_ids += other.label_ids;
        self.ids.extend(other.ids);
        if self.pixels.len() < other.pixels.len() {
            self.pixels.resize(other.pixels.len(), 0);
        }
        self.pixels
            .iter_mut()
            .zip(&other.pixels)
            .for_each(|(count, more)| *count += more);
        self
    }

    /// Whether any pixel has a class.
    pub fn is_labelled(&self) -> bool {
        self.pixels.iter().any(|count| *count > 0)
    }

    /// Share of pixels without a class; 0 where there are no pixels.
    pub fn ignored_share(&self) -> f64 {
        let all = self.ignored + self.pixels.iter().sum::<u64>();
        self.ignored as f64 / all.max(1) as f64
    }

    /// Whether only the ids 0 and 255 occur and 255 is ignored, as in many masks of a single object.
    pub fn looks_like_a_mask(&self, ignored: &[u16]) -> bool {
        let is_read = self.pixels.iter().skip(1).any(|count| *count > 0);
        let holds_both = self.ids.contains(&255) && self.ids.iter().all(|id| matches!(id, 0 | 255));
        holds_both && !is_read && ignored.contains(&255)
    }

    /// Sentences that a user should know before trusting a score or a training. The first is a summary.
    pub fn findings(&self, classes: &ClassSet, ignored: &[u16]) -> Vec<String> {
        let occurs = |class: usize| self.pixels.get(class).is_some_and(|count| *count > 0);
        let (there, absent): (Vec<usize>, Vec<usize>) = (0..classes.len()).partition(|class| occurs(*class));
        let share = self.ignored_share();
        let mut said = vec![format!(
            "ground truth: {} label map{}, {} of {} classes occur, {:.1} % of the pixels are ignored",
            self.files,
            if self.files == 1 { "" } else { "s" },
            there.len(),
            classes.len(),
            share * 100.0
        )];
        if !absent.is_empty() && !there.is_empty() {
            said.push(format!("classes that do not occur: {}", names(classes, &absent)));
        }
        if self.label_ids > 0 {
            said.push(format!(
                "{} of {} label maps are read as label ids of the data set, not as classes",
                self.label_ids, self.files
            ));
        }
        if self.looks_like_a_mask(ignored) {
            said.push(
                "only the ids 0 and 255 occur, and 255 means \"no class\"; if it is class 1, add --read-id 255=1"
                    .into(),
            );
        } else if share >= MOSTLY && self.is_labelled() {
            said.push(format!(
                "nearly all of the ground truth is ignored; check the ignored ids {ignored:?} (--ignore)"
            ));
        }
        said
    }

    /// Checks that at least one pixel has a class.
    ///
    /// # Errors
    /// A sentence, when no pixel has a class and there is nothing to score or train on.
    pub fn check(&self, ignored: &[u16]) -> Result<(), String> {
        if self.is_labelled() {
            return Ok(());
        }
        let ids: Vec<String> = self.ids.iter().take(10).map(u16::to_string).collect();
        Err(format!(
            "expected labelled pixels in the ground truth, found none in {} label maps: only the ids {} occur, and {ignored:?} \
             are ignored; choose the ignored ids with --ignore",
            self.files,
            ids.join(", ")
        ))
    }
}

fn names(classes: &ClassSet, ids: &[usize]) -> String {
    const LISTED: usize = 12;
    let listed: Vec<String> = ids.iter().take(LISTED).map(|id| classes.label(*id as u16)).collect();
    let more = ids.len().saturating_sub(LISTED);
    match more {
        0 => listed.join(", "),
        _ => format!("{} and {more} more", listed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::datasets::{TruthChoices, TruthReader, classes_of};
    use crate::labels::LabelMap;

    fn survey(reader: &TruthReader, ids: &[u16]) -> Survey {
        let map = LabelMap {
            width: ids.len(),
            height: 1,
            ids: ids.to_vec(),
        };
        let mut survey = Survey::default();
        survey.add(&reader.classes_of(map, Path::new("a.png"), None).expect("classes"));
        survey
    }

    #[test]
    fn findings_report_classes_and_ignored_pixels() {
        let camvid = classes_of("camvid").expect("a built-in set");
        let reader = TruthReader::new(&camvid);
        let whole = survey(&reader, &[0, 0, 3, 11]).merged(survey(&reader, &[255, 1]));
        let said = whole.findings(&camvid, reader.ignored());
        assert_eq!(
            said[0],
            "ground truth: 2 label maps, 3 of 11 classes occur, 33.3 % of the pixels are ignored"
        );
        assert!(said[1].contains("pole") && !said[1].contains("sky"), "{said:?}");
        assert_eq!(whole.check(reader.ignored()), Ok(()));
    }

    #[test]
    fn masks_of_0_and_255_are_noticed_and_can_be_read_as_two_classes() {
        let two = ClassSet::numbered(2);
        let reader = TruthReader::new(&two);
        let mask = survey(&reader, &[0, 255, 255]);
        assert!(
            mask.findings(&two, reader.ignored())
                .iter()
                .any(|line| line.contains("--read-id 255=1"))
        );
        let choices = TruthChoices {
            read_as: vec![(255, 1)],
            ..TruthChoices::default()
        };
        let reader = TruthReader::with(&two, None, None, &choices);
        let mask = survey(&reader, &[0, 255, 255]);
        assert!(mask.findings(&two, reader.ignored())[0].contains("2 of 2 classes occur, 0.0 %"));
        assert!(survey(&reader, &[0]).findings(&two, reader.ignored()).len() == 2);
    }

    #[test]
    fn ground_truth_without_labelled_pixels_is_refused() {
        let two = ClassSet::numbered(2);
        let reader = TruthReader::new(&two);
        let why = survey(&reader, &[255])
            .check(reader.ignored())
            .expect_err("nothing is labelled");
        assert!(why.contains("only the ids 255 occur"), "{why}");
        assert!(Survey::default().check(&[255]).is_err());
    }
}
