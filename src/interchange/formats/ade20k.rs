//! `ade20k`: the scene parsing challenge: grey PNG files `annotations/SPLIT/NAME.png` with 0 for other pixels and 1 to
//! 150 for the fixed classes.

use std::path::{Path, PathBuf};

use crate::annotate::UNLABELLED;
use crate::datasets::classes_of;
use crate::interchange::id_png_writer::{Pixels, PngWriter};
use crate::interchange::id_pngs::{PngReader, Values, any_file, check_listed, listed};
use crate::interchange::{InterchangeError, LabelClasses, LabelReader, LabelWriter, ReadChoices, WriteChoices, files};

/// The list of classes that comes with the dataset.
const LIST: &str = "objectInfo150.txt";

/// The folder of the files.
const MAPS: &str = "annotations";

/// The value of pixels without a class.
const OTHER: u16 = 0;

/// The 150 classes.
pub fn classes() -> LabelClasses {
    classes_of("ade20k")
        .as_ref()
        .map(LabelClasses::from)
        .unwrap_or_default()
}

/// Opens the folder with `annotations`, or a folder of the files.
///
/// # Errors
/// When there are no files.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let maps = path.join(MAPS);
    let found = listed(if maps.is_dir() { &maps } else { path }, ".png", ".png")?;
    let own = classes();
    let (classes, ids) = Values::named(&own, choices.classes.as_ref());
    let values = Values::new(own.iter().map(|class| (class.id + 1, class.id))).with_unlabelled(OTHER);
    let ids = ids.with_unlabelled(UNLABELLED);
    PngReader::boxed(found, classes, Vec::new(), path, move |file| {
        ids.ids(values.read(file)?, file)
    })
}

/// Writes `annotations/NAME.png` and the list of classes. Classes must be those of [`classes`].
///
/// # Errors
/// When they are not, or the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    check_listed(classes, &self::classes(), out)?;
    let values = classes
        .iter()
        .map(|class| (class.id, class.id + 1))
        .chain([(UNLABELLED, OTHER)]);
    let mut list = String::from("Idx\tName\n");
    for class in self::classes().iter() {
        list.push_str(&format!("{}\t{}\n", class.id + 1, class.name));
    }
    let file = out.join(LIST);
    let writer = PngWriter::new(out, place, Pixels::grey(values))?;
    Ok(Box::new(
        writer.finishing(move |_| files::replace(&file, list.as_bytes())),
    ))
}

fn place(out: &Path, name: &str) -> Result<PathBuf, InterchangeError> {
    files::place(&out.join(MAPS), name, ".png")
}

/// Whether a folder has files with names of the dataset, or its list of classes. The folders' names alone would not do:
/// other datasets have them with other values.
pub fn is(path: &Path) -> bool {
    let maps = path.join(MAPS);
    let folder = if maps.is_dir() { maps.as_path() } else { path };
    let is_other = |stem: &str| stem.ends_with("_seg") || stem.contains("_parts_");
    let is_named =
        |name: &str| name.starts_with("ADE_") && name.strip_suffix(".png").is_some_and(|stem| !is_other(stem));
    (maps.is_dir() && path.join(LIST).is_file()) || any_file(folder, is_named).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::sample;
    use crate::labels::LabelPng;

    #[test]
    fn maps_come_back_as_they_were() {
        assert_eq!(classes().len(), 150);
        assert_eq!(sample::there_and_back(create, open, &classes()), 0);
    }

    #[test]
    fn zero_is_no_class_and_others_are_one_more() {
        let folder = tempfile::tempdir().expect("a folder");
        let grey = LabelPng { bits: 8, palette: None };
        let file = folder.path().join("annotations/validation/ADE_val_00000001.png");
        files::replace(&file, &grey.encode([3, 1], &[0, 1, 150]).expect("a file")).expect("written");
        assert!(is(folder.path()));
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert_eq!(reader.names(), ["validation/ADE_val_00000001.png"]);
        assert_eq!(reader.read(0).expect("an image").labels.ids, [UNLABELLED, 0, 149]);
        files::replace(&file, &grey.encode([1, 1], &[151]).expect("a file")).expect("written");
        assert!(reader.read(0).is_err());
    }
}
