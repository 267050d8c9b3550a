//! Reads ground truth.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::pairs::is_label_map;
use super::rules::TruthRules;
use super::table::{self, DataSet};
use crate::labels::{ClassSet, LabelMap, OpenLabelsError};
use crate::photo;

/// The user's choices for reading ground truth, which replace the rules of the data set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TruthChoices {
    /// Ids of pixels without a class.
    pub ignored: Option<Vec<u16>>,
    /// Whether 0 is ignored, and other ids are one more than their class.
    pub zero_is_ignored: Option<bool>,
    /// Whether ids are the data set's label ids; `None` decides by file names and ids.
    pub label_ids: Option<bool>,
    /// Pairs of an id and the class that it is read as, such as 255 and 1 for masks of one object.
    pub read_as: Vec<(u16, u16)>,
}

/// Reads label maps of ground truth as classes, by the rules of the data set, a custom class set, the model file or the
/// user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruthReader {
    classes: usize,
    rules: TruthRules,
    /// The label ids of the data set, if it has any.
    data_set_ids: Option<&'static [u16]>,
    /// Whether files hold label ids, as chosen by the user; `None` decides by each file's name and ids.
    label_ids: Option<bool>,
}

/// The ground truth of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruthMap {
    /// The class of each pixel, or [`super::NO_CLASS`].
    pub map: LabelMap,
    /// Distinct ids as stored in the file.
    pub ids: Vec<u16>,
    /// Whether the ids were read as the data set's label ids.
    pub label_ids: bool,
}

/// Why a label map cannot be used as ground truth. The path comes last in each message.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    /// The file cannot be read.
    #[error(transparent)]
    Open(#[from] OpenLabelsError),
    /// The size differs from that of the image.
    #[error(
        "expected a label map as large as the image ({} x {}), found {} x {}{}; choose the one of this image: {}",
        .expected[0], .expected[1], .found[0], .found[1], turned(.expected, .found), .path.display()
    )]
    Size {
        /// Width and height of the image.
        expected: [usize; 2],
        /// Width and height of the label map.
        found: [usize; 2],
        /// The file.
        path: PathBuf,
    },
    /// An id is neither a class nor ignored.
    #[error(
        "expected ids of {classes} classes{} or ignored ones {ignored:?} in the ground truth, found {found}; choose the \
         data set (--set), or the ids to ignore (--ignore): {}", from_one(*.zero_is_ignored), .path.display()
    )]
    Id {
        /// Number of classes.
        classes: usize,
        /// Whether classes are counted from 1.
        zero_is_ignored: bool,
        /// The ignored ids.
        ignored: Vec<u16>,
        /// The unexpected id.
        found: u16,
        /// The file.
        path: PathBuf,
    },
}

fn turned(expected: &[usize; 2], found: &[usize; 2]) -> &'static str {
    match [found[1], found[0]] == *expected && expected != found {
        true => " (width and height are swapped: the image is rotated by its EXIF orientation)",
        false => "",
    }
}

fn from_one(zero_is_ignored: bool) -> &'static str {
    if zero_is_ignored { " counted from 1" } else { "" }
}

impl TruthReader {
    /// A reader by the rules of the classes' data set, unless the data set is guessed.
    pub fn new(classes: &ClassSet) -> Self {
        Self::with(classes, None, None, &TruthChoices::default())
    }

    /// A reader as [`Self::new`] makes it, with further rules: `zero_is_ignored` of the model file, overridden by
    /// `of_file` of a class set file, overridden by the user's `choices`.
    pub fn with(
        classes: &ClassSet,
        of_file: Option<&TruthRules>,
        zero_is_ignored: Option<bool>,
        choices: &TruthChoices,
    ) -> Self {
        let data_set = data_set_of(classes);
        let mut rules = of_file.cloned().unwrap_or_else(|| usual_rules(data_set, classes.len()));
        // The user's class set also defines this, and takes precedence over the model file.
        let of_model = zero_is_ignored.filter(|_| of_file.is_none());
        if let Some(zero_is_ignored) = choices.zero_is_ignored.or(of_model) {
            rules.zero_is_ignored = zero_is_ignored;
        }
        if let Some(ignored) = &choices.ignored {
            rules.ignored.clone_from(ignored);
        }
        rules.read_as.clone_from(&choices.read_as);
        Self {
            classes: classes.len(),
            rules,
            data_set_ids: data_set.and_then(|set| set.label_ids),
            label_ids: choices.label_ids,
        }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Ids of pixels without a class.
    pub fn ignored(&self) -> &[u16] {
        &self.rules.ignored
    }

    /// Whether 0 is ignored, and other ids are one more than their class.
    pub fn zero_is_ignored(&self) -> bool {
        self.rules.zero_is_ignored
    }

    /// The value of a class in files; `label_ids` says whether they hold the data set's label ids.
    pub fn value_of(&self, class: u16, label_ids: bool) -> u16 {
        if let Some((value, _)) = self.rules.read_as.iter().find(|(_, read)| *read == class) {
            return *value;
        }
        let listed = self.data_set_ids.filter(|_| label_ids).or(self.rules.ids.as_deref());
        match listed {
            Some(ids) => ids.get(usize::from(class)).copied().unwrap_or(class),
            None => class + u16::from(self.rules.zero_is_ignored),
        }
    }

    /// Whether values in files are always the ids of classes.
    pub fn counts_by_id(&self) -> bool {
        let rules = &self.rules;
        !rules.zero_is_ignored && rules.ids.is_none() && rules.read_as.is_empty() && self.data_set_ids.is_none()
    }

    /// The usual value of pixels without a class in files.
    pub fn usual_unlabelled(&self) -> u16 {
        match self.rules.zero_is_ignored {
            true => 0,
            false => self.rules.ignored.first().copied().unwrap_or(table::USUAL_IGNORED),
        }
    }

    /// Whether files can hold label ids, which are not classes.
    pub fn has_label_ids(&self) -> bool {
        self.data_set_ids.is_some()
    }

    /// Reads a file. `size` is the width and height of the image in pixels, if known.
    ///
    /// Where neither the file's name nor its ids show whether they are label ids, because all its ids are valid as
    /// both, the other files in the folder decide.
    ///
    /// # Errors
    /// When the file cannot be read, has another size, or holds an id that is neither a class nor ignored.
    pub fn read(&self, path: &Path, size: Option<[usize; 2]>) -> Result<TruthMap, TruthError> {
        self.classes_of(LabelMap::open(path)?, path, size)
    }

    /// Converts a label map as if it had been read from `path`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn classes_of(&self, mut map: LabelMap, path: &Path, size: Option<[usize; 2]>) -> Result<TruthMap, TruthError> {
        let found = [map.width, map.height];
        if let Some(expected) = size.filter(|expected| *expected != found) {
            return Err(TruthError::Size {
                expected,
                found,
                path: path.into(),
            });
        }
        let ids = distinct(&map);
        let label_ids = self.data_set_ids.filter(|known| {
            let told = self.label_ids.or_else(|| named_label_ids(path));
            let shows = |ids: &[u16]| are_label_ids(ids, known, self.classes, &self.rules.ignored);
            told.unwrap_or_else(|| shows(&ids) || neighbours_of(path).any(|ids| shows(&ids)))
        });
        let rules = TruthRules {
            ids: label_ids.map(<[u16]>::to_vec).or_else(|| self.rules.ids.clone()),
            ..self.rules.clone()
        };
        rules.apply(&mut map, self.classes).map_err(|found| TruthError::Id {
            classes: self.classes,
            zero_is_ignored: rules.zero_is_ignored,
            ignored: rules.ignored.clone(),
            found,
            path: path.into(),
        })?;
        Ok(TruthMap {
            map,
            ids,
            label_ids: label_ids.is_some(),
        })
    }
}

/// The built-in data set whose rules apply to these classes; `None` where it is only guessed.
pub(super) fn data_set_of(classes: &ClassSet) -> Option<&'static DataSet> {
    table::find(&classes.name).filter(|set| !classes.guessed && set.len() == classes.len())
}

/// The rules of a data set, or the defaults where only the number of classes is known.
pub(super) fn usual_rules(data_set: Option<&DataSet>, classes: usize) -> TruthRules {
    let usual = TruthRules::default();
    match data_set {
        Some(set) => TruthRules {
            ignored: set.ignored.to_vec(),
            zero_is_ignored: set.zero_is_ignored,
            ..usual
        },
        // With so many classes, the usual ignored id is a class.
        None if classes > usize::from(table::USUAL_IGNORED) => TruthRules {
            ignored: vec![u16::MAX],
            ..usual
        },
        None => usual,
    }
}

/// Whether a file's name indicates label ids, or train ids, which are classes; `None` where it indicates neither.
fn named_label_ids(path: &Path) -> Option<bool> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    if name.contains("trainid") || name.contains("train_id") {
        return Some(false);
    }
    (name.contains("labelid") || name.contains("label_id")).then_some(true)
}

/// Whether ids can only be label ids: some exceed the classes, and none exceeds the label ids.
fn are_label_ids(ids: &[u16], known: &[u16], classes: usize, ignored: &[u16]) -> bool {
    let last = known.iter().max().copied().unwrap_or(0);
    let is_beyond = |id: &u16| usize::from(*id) >= classes && !ignored.contains(id);
    ids.iter().any(is_beyond) && ids.iter().all(|id| *id <= last || ignored.contains(id))
}

/// Maximum number of neighbouring files that are read.
const MAX_NEIGHBOURS: usize = 32;

/// The distinct ids of each label map in the same folder whose name does not indicate the kind of its ids.
fn neighbours_of(path: &Path) -> impl Iterator<Item = Vec<u16>> {
    let files = path.parent().and_then(|folder| photo::images_in(folder).ok());
    let files = files.unwrap_or_default().into_iter();
    let unnamed = files.filter(|file| is_label_map(file) && named_label_ids(file).is_none());
    let maps = unnamed
        .take(MAX_NEIGHBOURS)
        .filter_map(|file| LabelMap::open(&file).ok());
    maps.map(|map| distinct(&map))
}

/// The distinct ids of a map, in ascending order.
fn distinct(map: &LabelMap) -> Vec<u16> {
    let mut seen = vec![false; usize::from(u16::MAX) + 1];
    map.ids.iter().for_each(|id| seen[usize::from(*id)] = true);
    (0..=u16::MAX).filter(|id| seen[usize::from(*id)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets::{NO_CLASS, classes_of};

    fn read(reader: &TruthReader, name: &str, ids: &[u16]) -> Result<Vec<u16>, TruthError> {
        let map = LabelMap {
            width: ids.len(),
            height: 1,
            ids: ids.to_vec(),
        };
        Ok(reader.classes_of(map, Path::new(name), None)?.map.ids)
    }

    fn reader(set: &str) -> TruthReader {
        TruthReader::new(&classes_of(set).expect("a built-in set"))
    }

    #[test]
    fn every_data_set_is_read_by_its_own_rules() {
        const NONE: u16 = NO_CLASS;
        for (set, name, ids, expected) in [
            ("camvid", "a.png", [0, 10, 11, 255], [0, 10, NONE, NONE]),
            ("ade20k", "a.png", [0, 1, 150, 255], [NONE, 0, 149, NONE]),
            ("pascal_context", "a.png", [0, 1, 59, 255], [0, 1, 59, NONE]),
            ("pascal_context_59", "a.png", [0, 1, 59, 255], [NONE, 0, 58, NONE]),
            ("pascal_voc", "a.png", [0, 1, 20, 255], [0, 1, 20, NONE]),
            (
                "cityscapes",
                "x_gtFine_labelIds.png",
                [7, 33, 0, 4],
                [0, 18, NONE, NONE],
            ),
            (
                "cityscapes",
                "x_gtFine_labelTrainIds.png",
                [7, 18, 0, 255],
                [7, 18, 0, NONE],
            ),
            // The name does not indicate the kind of ids, so the ids decide.
            ("cityscapes", "x.png", [7, 33, 0, 4], [0, 18, NONE, NONE]),
            ("cityscapes", "x.png", [7, 18, 0, 255], [7, 18, 0, NONE]),
        ] {
            assert_eq!(
                read(&reader(set), name, &ids).expect("classes"),
                expected,
                "{set} {name}"
            );
        }
        for (set, name, id) in [
            ("camvid", "a.png", 12),
            ("ade20k", "a.png", 151),
            ("pascal_voc", "a.png", 21),
            ("cityscapes", "x_labelTrainIds.png", 33),
            ("cityscapes", "x.png", 34),
        ] {
            let why = read(&reader(set), name, &[id]).expect_err(set).to_string();
            assert!(why.contains(&format!("found {id}")) && why.ends_with(name), "{why}");
        }
    }

    #[test]
    fn a_guessed_data_set_implies_no_rules() {
        let guess = crate::datasets::by_count(150);
        assert_eq!(
            read(&TruthReader::new(&guess), "a.png", &[0, 149, 255]).expect("classes"),
            [0, 149, NO_CLASS]
        );
        assert!(read(&TruthReader::new(&guess), "a.png", &[150]).is_err());
        // The model file's rule applies, and the user's choice overrides it.
        let of_model = TruthReader::with(&guess, None, Some(true), &TruthChoices::default());
        assert_eq!(read(&of_model, "a.png", &[0, 1]).expect("classes"), [NO_CLASS, 0]);
        let choices = TruthChoices {
            zero_is_ignored: Some(false),
            ignored: Some(vec![9]),
            ..TruthChoices::default()
        };
        let chosen = TruthReader::with(&guess, None, Some(true), &choices);
        assert_eq!(read(&chosen, "a.png", &[0, 9]).expect("classes"), [0, NO_CLASS]);
        let many = TruthReader::new(&ClassSet::numbered(300));
        assert_eq!(
            read(&many, "a.png", &[255, u16::MAX]).expect("classes"),
            [255, NO_CLASS]
        );
    }

    #[test]
    fn the_value_of_a_class_is_read_as_that_class() {
        for (set, name) in [
            ("camvid", "a.png"),
            ("ade20k", "a.png"),
            ("pascal_voc", "a.png"),
            ("cityscapes", "x_labelIds.png"),
            ("cityscapes", "x_labelTrainIds.png"),
        ] {
            let reader = reader(set);
            let label_ids = name.contains("labelIds");
            let values: Vec<u16> = (0..reader.classes() as u16)
                .map(|class| reader.value_of(class, label_ids))
                .chain([reader.usual_unlabelled()])
                .collect();
            let read = read(&reader, name, &values).expect("classes");
            let expected: Vec<u16> = (0..reader.classes() as u16).chain([NO_CLASS]).collect();
            assert_eq!(read, expected, "{set} {name}");
        }
    }

    #[test]
    fn neighbouring_files_reveal_label_ids() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, ids: [u8; 2]| {
            let path = folder.path().join(name);
            let file = std::fs::File::create(&path).expect("a file");
            let mut encoder = png::Encoder::new(file, 2, 1);
            encoder.set_color(png::ColorType::Grayscale);
            encoder
                .write_header()
                .and_then(|mut png| png.write_image_data(&ids))
                .expect("a PNG");
            path
        };
        let files = [file("a.png", [7, 11]), file("b.png", [7, 26])];
        let settled = reader("cityscapes");
        assert_eq!(settled.read(&files[0], None).expect("classes").map.ids, [0, 2]);
        assert_eq!(settled.read(&files[1], None).expect("classes").map.ids, [0, 13]);
        std::fs::remove_file(&files[1]).expect("a file");
        assert_eq!(settled.read(&files[0], None).expect("classes").map.ids, [7, 11]);
        let size = settled
            .read(&files[0], Some([1, 2]))
            .expect_err("another size")
            .to_string();
        assert!(
            size.contains("(1 x 2), found 2 x 1 (width and height are swapped"),
            "{size}"
        );
    }
}
