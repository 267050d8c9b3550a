//! What should be looked at before labels leave the program.

use super::UNLABELLED;
use super::tools::Specks;
use crate::labels::LabelMap;

/// Regions of at most this many pixels are specks.
const SPECK: u64 = 4;

/// Unlabelled lines between labels of at most this many pixels across are seams.
const SEAM: usize = 2;

/// What was found in a label map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// Pixels without a class.
    pub unlabelled: u64,
    /// Ids without a class, and their pixels.
    pub unknown: Vec<(u16, u64)>,
    /// Islands and holes of at most 4 pixels.
    pub specks: usize,
    /// Unlabelled pixels of narrow lines between labels.
    pub seams: u64,
    /// Whether every pixel is as the model says.
    pub as_predicted: bool,
}

impl Checks {
    /// Checks a map. `is_class` tells whether an id has a class, and `predicted` is the prediction in the ids of the map,
    /// if there is one.
    pub fn of(map: &LabelMap, is_class: impl Fn(u16) -> bool, predicted: Option<&[u16]>) -> Self {
        let mut counts = vec![0u64; usize::from(u16::MAX) + 1];
        map.ids.iter().for_each(|id| counts[usize::from(*id)] += 1);
        let unlabelled = counts[usize::from(UNLABELLED)];
        let counted = (0..UNLABELLED).zip(counts).filter(|(_, count)| *count > 0);
        Self {
            unlabelled,
            unknown: counted.filter(|(id, _)| !is_class(*id)).collect(),
            specks: Specks::of(map, SPECK).count,
            seams: if unlabelled > 0 { seams(map) } else { 0 },
            as_predicted: predicted.is_some_and(|ids| *ids == *map.ids),
        }
    }

    /// What was found, as sentences for the user.
    pub fn findings(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.unlabelled > 0 {
            found.push(format!("{} px have no class", self.unlabelled));
        }
        for (id, pixels) in &self.unknown {
            found.push(format!(
                "{pixels} px have the id {id}, which is no class of the project"
            ));
        }
        if self.seams > 0 {
            found.push(format!("{} px of narrow gaps between labels", self.seams));
        }
        match self.specks {
            0 => {}
            1 => found.push(format!("1 speck of at most {SPECK} px")),
            count => found.push(format!("{count} specks of at most {SPECK} px")),
        }
        if self.as_predicted {
            found.push("The labels equal the prediction: nothing was corrected".into());
        }
        found
    }
}

/// Unlabelled pixels that lie between labels, at most [`SEAM`] pixels across in a row or a column.
fn seams(map: &LabelMap) -> u64 {
    let mut narrow = vec![false; map.ids.len()];
    let lines = [
        (map.height, map.width, map.width, 1),
        (map.width, map.height, 1, map.width),
    ];
    for (count, length, next_line, next) in lines {
        for line in 0..count {
            let mut start = None;
            for at in 0..length {
                let index = line * next_line + at * next;
                match (map.ids[index] == UNLABELLED, start) {
                    (true, None) => start = Some(at),
                    (false, Some(from)) => {
                        // A gap at the edge of the image is no seam.
                        if from > 0 && at - from <= SEAM {
                            (from..at).for_each(|at| narrow[line * next_line + at * next] = true);
                        }
                        start = None;
                    }
                    _ => {}
                }
            }
        }
    }
    narrow.iter().filter(|narrow| **narrow).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_specks_and_unknown_ids_are_found() {
        let rows = [
            "0000.1111",
            "0000.1111",
            "0020.1111",
            "0000.1111",
            "00..11111",
            "....11111",
            "....11191",
        ];
        let id = |letter: u8| match letter {
            b'.' => UNLABELLED,
            digit => u16::from(digit - b'0'),
        };
        let map = LabelMap {
            width: 9,
            height: 7,
            ids: rows.concat().bytes().map(id).collect(),
        };
        let checks = Checks::of(&map, |id| id < 3, None);
        assert_eq!(checks.unlabelled, 14);
        assert_eq!(checks.unknown, [(9, 1)]);
        assert_eq!(checks.specks, 3, "two islands, and the gap of four");
        assert_eq!(checks.seams, 6, "the line of four, and the two below it that end it");
        assert!(!checks.as_predicted);
        assert_eq!(checks.findings().len(), 4);
        let same = Checks::of(&map, |_| true, Some(&map.ids));
        assert!(same.as_predicted && same.unknown.is_empty());
    }
}
