//! How the ids of published ground truth become classes.

use super::LabelMap;

/// Label ids of Cityscapes by class: what `*_labelIds.png` holds for each of the 19 classes, in their order
/// (cityscapesscripts/helpers/labels.py, `trainId`).
const CITYSCAPES_IDS: [u16; 19] = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33];

/// The id of pixels without a class in most data sets.
const USUAL_IGNORED: u16 = 255;

/// CamVid's twelfth id, void (SegNet's split of 11 classes).
const CAMVID_VOID: u16 = 11;

/// How the ids of ground truth become classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruthRules {
    /// Ids of pixels without a class.
    pub ignored: Vec<u16>,
    /// Zero means "no class" too, and other ids are one more than their class (`reduce_zero_label` of mmsegmentation).
    pub zero_is_ignored: bool,
    /// The id of each class, where ids are no classes; ids that are not listed are ignored.
    pub ids: Option<Vec<u16>>,
}

impl Default for TruthRules {
    fn default() -> Self {
        Self {
            ignored: vec![USUAL_IGNORED],
            zero_is_ignored: false,
            ids: None,
        }
    }
}

impl TruthRules {
    /// The rules of a data set of so many classes by its key, for a label file of this name: those of Cityscapes hold label ids or train
    /// ids, which their names tell.
    pub fn of(set: &str, classes: usize, file_name: &str) -> Self {
        let is_label_ids = set == "cityscapes" && file_name.contains("_labelIds");
        Self {
            zero_is_ignored: matches!(set, "ade20k" | "pascal_context_59"),
            ids: is_label_ids.then(|| CITYSCAPES_IDS.to_vec()),
            ignored: match set {
                "camvid" => vec![CAMVID_VOID, USUAL_IGNORED],
                _ if classes > usize::from(USUAL_IGNORED) => vec![u16::MAX],
                _ => vec![USUAL_IGNORED],
            },
        }
    }

    /// Turns ids into classes; afterwards every id is a class or `u16::MAX`, which is none.
    ///
    /// # Errors
    /// The first id that is neither one of `classes` classes nor ignored.
    pub fn apply(&self, map: &mut LabelMap, classes: usize) -> Result<(), u16> {
        for id in &mut map.ids {
            *id = self.class_of(*id, classes).ok_or(*id)?.unwrap_or(u16::MAX);
        }
        Ok(())
    }

    /// The class of an id; `Some(None)` for an ignored one, `None` for a wrong one.
    fn class_of(&self, id: u16, classes: usize) -> Option<Option<u16>> {
        if self.ignored.contains(&id) || self.zero_is_ignored && id == 0 {
            return Some(None);
        }
        let class = match &self.ids {
            Some(ids) => {
                return Some(
                    ids.iter()
                        .position(|known| *known == id)
                        .and_then(|class| u16::try_from(class).ok()),
                );
            }
            None if self.zero_is_ignored => id - 1,
            None => id,
        };
        (usize::from(class) < classes).then_some(Some(class))
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
    fn ids_become_classes_by_the_data_set() {
        const NONE: u16 = u16::MAX;
        let camvid = TruthRules::of("camvid", 11, "a.png");
        assert_eq!(applied(&camvid, &[0, 10, 11, 255], 11), Ok(vec![0, 10, NONE, NONE]));
        assert_eq!(applied(&camvid, &[0, 12], 11), Err(12));
        let ade = TruthRules::of("ade20k", 150, "a.png");
        assert_eq!(applied(&ade, &[0, 1, 150, 255], 150), Ok(vec![NONE, 0, 149, NONE]));
        assert_eq!(applied(&ade, &[151], 150), Err(151));
        let city = TruthRules::of("cityscapes", 19, "x_gtFine_labelIds.png");
        assert_eq!(applied(&city, &[7, 33, 0, 4], 19), Ok(vec![0, 18, NONE, NONE]));
        let train_ids = TruthRules::of("cityscapes", 19, "x_gtFine_labelTrainIds.png");
        assert_eq!(applied(&train_ids, &[7, 18, 255], 19), Ok(vec![7, 18, NONE]));
        assert_eq!(applied(&train_ids, &[33], 19), Err(33));
        let many = TruthRules::of("unnamed", 300, "a.png");
        assert_eq!(applied(&many, &[255, u16::MAX], 300), Ok(vec![255, NONE]));
    }
}
