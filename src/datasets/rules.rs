//! Rules that map the ids of label maps to classes.

use super::table::USUAL_IGNORED;
use crate::labels::LabelMap;

/// Rules that map the ids of ground truth to classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruthRules {
    /// Ids of pixels without a class.
    pub ignored: Vec<u16>,
    /// Whether 0 is ignored too, and other ids are one more than their class (`reduce_zero_label` of mmsegmentation).
    pub zero_is_ignored: bool,
    /// The id of each class, where ids are not classes; ids that are not listed are ignored.
    pub ids: Option<Vec<u16>>,
    /// Pairs of an id and the class that it is read as, before any other rule applies.
    pub read_as: Vec<(u16, u16)>,
}

/// The id of pixels without a class, after the rules are applied.
pub const NO_CLASS: u16 = u16::MAX;

impl Default for TruthRules {
    fn default() -> Self {
        Self {
            ignored: vec![USUAL_IGNORED],
            zero_is_ignored: false,
            ids: None,
            read_as: Vec::new(),
        }
    }
}

impl TruthRules {
    /// Replaces each id of `map` by its class or by [`NO_CLASS`].
    ///
    /// # Errors
    /// The first id that is neither one of the `classes` classes nor ignored.
    pub fn apply(&self, map: &mut LabelMap, classes: usize) -> Result<(), u16> {
        // A lookup table: label maps have few ids, but many pixels.
        let mut table: Vec<Option<Option<u16>>> = vec![None; usize::from(u16::MAX) + 1];
        for id in &mut map.ids {
            let known = &mut table[usize::from(*id)];
            let class = match *known {
                Some(class) => class,
                None => *known.insert(self.class_of(*id, classes).ok_or(*id)?),
            };
            *id = class.unwrap_or(NO_CLASS);
        }
        Ok(())
    }

    /// The class of an id; `Some(None)` for an ignored id, `None` for an invalid one.
    fn class_of(&self, id: u16, classes: usize) -> Option<Option<u16>> {
        let is_class = |class: u16| (usize::from(class) < classes).then_some(Some(class));
        if let Some((_, class)) = self.read_as.iter().find(|(from, _)| *from == id) {
            return is_class(*class);
        }
        if self.ignored.contains(&id) || self.zero_is_ignored && id == 0 {
            return Some(None);
        }
        match &self.ids {
            Some(ids) => {
                let class = ids.iter().position(|known| *known == id);
                Some(class.and_then(|class| u16::try_from(class).ok()))
            }
            None => is_class(id - u16::from(self.zero_is_ignored)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(rules: &TruthRules, ids: &[u16], classes: usize) -> Result<Vec<u16>, u16> {
        let mut map = LabelMap {
            width: ids.len(),
            height: 1,
            ids: ids.to_vec(),
        };
        rules.apply(&mut map, classes)?;
        Ok(map.ids)
    }

    #[test]
    fn ids_are_mapped_to_classes() {
        const NONE: u16 = NO_CLASS;
        let camvid = TruthRules {
            ignored: vec![11, 255],
            ..TruthRules::default()
        };
        assert_eq!(applied(&camvid, &[0, 10, 11, 255], 11), Ok(vec![0, 10, NONE, NONE]));
        assert_eq!(applied(&camvid, &[0, 12], 11), Err(12));
        let reduced = TruthRules {
            zero_is_ignored: true,
            ..TruthRules::default()
        };
        assert_eq!(applied(&reduced, &[0, 1, 150, 255], 150), Ok(vec![NONE, 0, 149, NONE]));
        assert_eq!(applied(&reduced, &[151], 150), Err(151));
        let ids = TruthRules {
            ids: Some(vec![7, 33]),
            ..TruthRules::default()
        };
        assert_eq!(applied(&ids, &[7, 33, 0, 4], 2), Ok(vec![0, 1, NONE, NONE]));
        let two = TruthRules {
            read_as: vec![(255, 1)],
            ..TruthRules::default()
        };
        assert_eq!(applied(&two, &[0, 255], 2), Ok(vec![0, 1]));
        let beyond = TruthRules {
            read_as: vec![(255, 2)],
            ..TruthRules::default()
        };
        assert_eq!(applied(&beyond, &[255], 2), Err(255));
    }
}
