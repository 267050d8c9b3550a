//! Which value a class has in a label file.

use rayon::prelude::*;

use super::super::layer::UNLABELLED;
use crate::labels::LabelMap;

/// The values of classes and of unlabelled pixels in a label file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum IdTable {
    /// Ids are values; unlabelled pixels have this one.
    Plain {
        /// The value of unlabelled pixels.
        unlabelled: u16,
    },
    /// The value of each class, where values are not ids.
    Listed {
        /// By id.
        values: Vec<u16>,
        /// The value of unlabelled pixels.
        unlabelled: u16,
    },
}

impl IdTable {
    /// The value of an id; `None` if it has none.
    pub(super) fn value(&self, id: u16) -> Option<u16> {
        match self {
            Self::Plain { unlabelled } if id == UNLABELLED => Some(*unlabelled),
            Self::Plain { unlabelled } => (id != *unlabelled).then_some(id),
            Self::Listed { unlabelled, .. } if id == UNLABELLED => Some(*unlabelled),
            Self::Listed { values, .. } => values.get(usize::from(id)).copied(),
        }
    }

    /// Whether ids are values.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain { .. })
    }

    /// The values of a map, and the largest of them.
    ///
    /// # Errors
    /// The first id without a value.
    pub(super) fn values_of(&self, map: &LabelMap) -> Result<(Vec<u16>, u16), u16> {
        // A table over all ids, because a map has many pixels and few ids.
        let mut present = vec![false; usize::from(u16::MAX) + 1];
        map.ids.iter().for_each(|id| present[usize::from(*id)] = true);
        let mut table = vec![0; usize::from(u16::MAX) + 1];
        let mut largest = 0;
        for id in (0..=u16::MAX).filter(|id| present[usize::from(*id)]) {
            let value = self.value(id).ok_or(id)?;
            largest = largest.max(value);
            table[usize::from(id)] = value;
        }
        let values = map.ids.par_iter().map(|id| table[usize::from(*id)]).collect();
        Ok((values, largest))
    }

    /// The table by which a file was read, if writing by it brings every pixel back: each value in the file stands for
    /// a class of its own, and at most one for unlabelled pixels. `value_of` is the value of a class by the rules, and
    /// `unlabelled` the usual value of unlabelled pixels.
    pub(super) fn of_read(
        file: &LabelMap,
        read: &LabelMap,
        classes: usize,
        value_of: impl Fn(u16) -> u16,
        unlabelled: u16,
    ) -> Option<Self> {
        let mut meaning: Vec<Option<u16>> = vec![None; usize::from(u16::MAX) + 1];
        for (value, class) in file.ids.iter().zip(&read.ids) {
            meaning[usize::from(*value)] = Some(*class);
        }
        let mut values: Vec<u16> = (0..classes as u16).map(value_of).collect();
        let mut taken: Vec<bool> = vec![false; classes];
        let mut none = None;
        for (value, class) in meaning.into_iter().enumerate() {
            let Some(class) = class else { continue };
            let value = value as u16;
            if class == UNLABELLED {
                if none.replace(value).is_some() {
                    return None;
                }
            } else {
                let place = usize::from(class);
                if std::mem::replace(taken.get_mut(place)?, true) {
                    return None;
                }
                values[place] = value;
            }
        }
        let unlabelled = none.unwrap_or(unlabelled);
        if values.contains(&unlabelled) {
            return None;
        }
        let plain = values.iter().enumerate().all(|(id, value)| id == usize::from(*value));
        Some(match plain {
            true => Self::Plain { unlabelled },
            false => Self::Listed { values, unlabelled },
        })
    }
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
    fn tables_bring_back_what_was_read() {
        const NONE: u16 = UNLABELLED;
        let table = |file: &[u16], read: &[u16], shift: u16, usual| {
            IdTable::of_read(&map(file), &map(read), 3, |class| class + shift, usual)
        };
        let plain = table(&[0, 2, 255], &[0, 2, NONE], 0, 255).expect("a table");
        assert_eq!(plain, IdTable::Plain { unlabelled: 255 });
        assert_eq!(plain.values_of(&map(&[0, 1, NONE])), Ok((vec![0, 1, 255], 255)));
        assert_eq!(plain.values_of(&map(&[255])), Err(255));
        let shifted = table(&[0, 1, 3], &[NONE, 0, 2], 1, 255).expect("a table");
        assert_eq!(shifted.values_of(&map(&[2, 1, NONE])), Ok((vec![3, 2, 0], 3)));
        assert!(!shifted.is_plain());
        // Two values for unlabelled pixels or for one class would be lost.
        assert_eq!(table(&[11, 255], &[NONE, NONE], 0, 255), None);
        assert_eq!(table(&[7, 8], &[1, 1], 0, 255), None);
        // No value is left for unlabelled pixels.
        assert_eq!(table(&[0, 1], &[0, 1], 0, 2), None);
    }
}
