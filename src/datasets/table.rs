//! The built-in data sets.

use crate::labels::{Class, ClassSet};

/// A built-in data set: its classes, and how its files are read.
#[derive(Debug)]
pub struct DataSet {
    /// The key, as in Segmenter's `variant.yml` where Segmenter was trained on it.
    pub key: &'static str,
    /// The display name, without the number of classes.
    pub title: &'static str,
    /// The name in mmsegmentation's `dataset_type`.
    pub mmseg_name: Option<&'static str>,
    /// Ids of pixels without a class.
    pub ignored: &'static [u16],
    /// Whether 0 is ignored and other ids are one more than their class (`reduce_zero_label` of mmsegmentation).
    pub zero_is_ignored: bool,
    /// The id of each class in files that hold label ids, which are not classes.
    pub label_ids: Option<&'static [u16]>,
    /// The kind of ids that its benchmark server accepts in predictions.
    pub submission: Submission,
    /// The published short side of test images in pixels, by network and training crop in pixels.
    pub short_side: fn(tester: Tester, crop: usize) -> Option<usize>,
    /// A heading, and rows of `id,name,red,green,blue`.
    table: &'static str,
    /// Number of classes at the start of the table that the set omits; the ids of the others decrease by as many.
    left_out: usize,
}

/// The networks that a test setting was published for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tester {
    /// Segmenter's.
    Segmenter,
    /// SETR's.
    Setr,
}

/// The kind of ids in a file of predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submission {
    /// Classes.
    Classes,
    /// One more than the class; 0 means no class.
    OneMore,
    /// The data set's label ids.
    LabelIds,
}

/// Label ids of Cityscapes by class: the id in `*_labelIds.png` of each of the 19 classes, in order
/// (cityscapesscripts/helpers/labels.py, `trainId`).
const CITYSCAPES_IDS: [u16; 19] = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33];

/// The id of pixels without a class in most data sets.
pub(super) const USUAL_IGNORED: u16 = 255;

/// CamVid's twelfth id, void (SegNet's split of 11 classes).
const CAMVID_VOID: u16 = 11;

const PASCAL_CONTEXT: &str = include_str!("../../assets/classes/pascal-context.csv");

/// All built-in data sets.
///
/// Sources of the short sides: rstrudel segm/data/config, mmsegmentation configs/segmenter and configs/setr, and
/// fudan-zvg/SETR configs/SETR. Source of `zero_is_ignored`: mmsegmentation mmseg/datasets.
pub static ALL: [DataSet; 6] = [
    DataSet {
        key: "ade20k",
        title: "ADE20K",
        mmseg_name: Some("ADE20KDataset"),
        zero_is_ignored: true,
        submission: Submission::OneMore,
        short_side: |_, crop| Some(if crop == 640 { 640 } else { 512 }),
        table: include_str!("../../assets/classes/ade20k.csv"),
        ..PLAIN
    },
    DataSet {
        key: "camvid",
        title: "CamVid",
        ignored: &[CAMVID_VOID, USUAL_IGNORED],
        table: include_str!("../../assets/classes/camvid.csv"),
        ..PLAIN
    },
    DataSet {
        key: "cityscapes",
        title: "Cityscapes",
        mmseg_name: Some("CityscapesDataset"),
        label_ids: Some(&CITYSCAPES_IDS),
        submission: Submission::LabelIds,
        short_side: |tester, _| match tester {
            Tester::Segmenter => Some(1024),
            Tester::Setr => Some(1025),
        },
        table: include_str!("../../assets/classes/cityscapes.csv"),
        ..PLAIN
    },
    DataSet {
        key: "pascal_context",
        title: "Pascal Context",
        mmseg_name: Some("PascalContextDataset"),
        short_side: |_, _| Some(520),
        table: PASCAL_CONTEXT,
        ..PLAIN
    },
    // Without the background, which many evaluations leave out (mmseg datasets/pascal_context.py,
    // PascalContextDataset59).
    DataSet {
        key: "pascal_context_59",
        title: "Pascal Context",
        mmseg_name: Some("PascalContextDataset59"),
        zero_is_ignored: true,
        submission: Submission::OneMore,
        short_side: |_, _| Some(520),
        table: PASCAL_CONTEXT,
        left_out: 1,
        ..PLAIN
    },
    DataSet {
        key: "pascal_voc",
        title: "Pascal VOC",
        mmseg_name: Some("PascalVOCDataset"),
        table: include_str!("../../assets/classes/pascal-voc.csv"),
        ..PLAIN
    },
];

/// The defaults of a data set.
const PLAIN: DataSet = DataSet {
    key: "",
    title: "",
    mmseg_name: None,
    ignored: &[USUAL_IGNORED],
    zero_is_ignored: false,
    label_ids: None,
    submission: Submission::Classes,
    short_side: |_, _| None,
    table: "",
    left_out: 0,
};

impl DataSet {
    fn rows(&self) -> impl Iterator<Item = &'static str> {
        // The first line is the heading.
        self.table.lines().skip(1 + self.left_out)
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        self.rows().count()
    }

    /// Whether it has no class, which is true for none of [`ALL`].
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names and colours of the classes.
    pub fn classes(&self) -> ClassSet {
        ClassSet {
            name: self.key.into(),
            classes: self.rows().filter_map(parse_row).collect(),
            guessed: false,
        }
    }
}

/// The built-in data set with this key.
pub fn find(key: &str) -> Option<&'static DataSet> {
    ALL.iter().find(|set| set.key == key)
}

/// The built-in data set with this name in mmsegmentation.
pub fn find_by_mmseg_name(name: &str) -> Option<&'static DataSet> {
    ALL.iter().find(|set| set.mmseg_name == Some(name))
}

/// The classes of the built-in data set with this key.
pub fn classes_of(key: &str) -> Option<ClassSet> {
    find(key).map(DataSet::classes)
}

/// The keys of all built-in data sets, as part of a sentence: `ade20k, camvid, …`.
pub fn keys() -> String {
    ALL.iter().map(|set| set.key).collect::<Vec<_>>().join(", ")
}

/// The class sets that fit a model with `count` classes: the built-in ones of that size, then the numbered one.
pub fn fitting(count: usize) -> Vec<ClassSet> {
    let known = ALL.iter().filter(|set| set.len() == count);
    known.map(DataSet::classes).chain([ClassSet::numbered(count)]).collect()
}

/// Whether [`fitting`] has a set with this key.
pub fn fits(key: &str, count: usize) -> bool {
    key == ClassSet::NUMBERED || find(key).is_some_and(|set| set.len() == count)
}

/// The display name of a class set, such as `ADE20K (150)`; its key where it is not built in.
pub fn title(classes: &ClassSet) -> String {
    match find(&classes.name) {
        Some(set) if classes.guessed => format!("{} ({}), guessed", set.title, set.len()),
        Some(set) => format!("{} ({})", set.title, set.len()),
        None if classes.name == ClassSet::NUMBERED => "Numbered".into(),
        None => classes.name.clone(),
    }
}

/// The classes of the data set with this key if there are `count` of them, else numbered classes.
pub fn for_model(key: &str, count: usize) -> ClassSet {
    find(key)
        .filter(|set| set.len() == count)
        .map_or_else(|| ClassSet::numbered(count), DataSet::classes)
}

/// The classes of the only built-in data set with exactly `count` classes, as a guess; else numbered classes.
///
/// A guess implies no rules of the data set.
pub fn by_count(count: usize) -> ClassSet {
    let mut fitting = fitting(count);
    match fitting.len() {
        // The built-in one and the numbered one.
        2 => ClassSet {
            guessed: true,
            ..fitting.swap_remove(0)
        },
        _ => ClassSet::numbered(count),
    }
}

/// Parses `id,name,red,green,blue`; no name contains a comma.
fn parse_row(row: &str) -> Option<Class> {
    let mut fields = row.split(',').skip(1);
    let name = fields.next()?.to_owned();
    let mut channel = || fields.next()?.trim().parse().ok();
    Some(Class {
        name,
        color: [channel()?, channel()?, channel()?],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_sets_are_complete() {
        for (key, count) in [
            ("ade20k", 150),
            ("camvid", 11),
            ("cityscapes", 19),
            ("pascal_context", 60),
            ("pascal_context_59", 59),
            ("pascal_voc", 21),
        ] {
            let set = classes_of(key).unwrap();
            assert_eq!(set.len(), count, "{key}");
            assert!(title(&set).ends_with(&format!(" ({count})")), "{}", title(&set));
            let guess = by_count(count);
            assert!(
                guess.guessed && guess.has_names_of(&set),
                "no other set has as many classes"
            );
            assert_eq!(fitting(count), [set, ClassSet::numbered(count)]);
            assert!(fits(key, count) && !fits(key, count + 1));
        }
        assert_eq!(ALL.len(), 6);
        assert_eq!(title(&ClassSet::numbered(3)), "Numbered");
        assert!(fits("unnamed", 3) && !fits("streets of Ulm", 3));
        assert_eq!(by_count(11).color(8), [64, 0, 128]);
        assert_eq!(by_count(7).label(6), "class 6");
        assert_eq!(for_model("ade20k", 4).name, "unnamed");
        assert_eq!(
            find_by_mmseg_name("CityscapesDataset").map(|set| set.key),
            Some("cityscapes")
        );
    }

    #[test]
    fn pascal_context_59_omits_the_background() {
        let [all, without] = ["pascal_context", "pascal_context_59"].map(|key| classes_of(key).unwrap());
        assert_eq!(all.label(0), "background");
        assert_eq!(
            (without.label(0), without.color(0)),
            ("aeroplane".into(), [180, 120, 120])
        );
        assert_eq!(without.classes, all.classes[1..]);
    }
}
