//! `coco-stuff`: grey PNG files `stuffthingmaps/NAME.png` whose values are ids, 255 for pixels without a class. The
//! dataset's `labels.txt` counts from one, `1: person`, and has unlabelled pixels as 0.

use std::path::{Path, PathBuf};

use crate::annotate::UNLABELLED;
use crate::interchange::id_png_writer::{Pixels, PngWriter, UNLABELLED_BYTE, check_bytes};
use crate::interchange::id_pngs::{PngReader, Values, listed, unnamed};
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelWriter, ReadChoices, WriteChoices, files,
};
use crate::labels::ClassSet;

/// The file of names.
const NAMES: &str = "labels.txt";

/// The folder of the files; the dataset's has an ending, such as `_pixelmaps`.
const MAPS: &str = "stuffthingmaps";

/// The first line of the file of names.
const UNLABELLED_LINE: &str = "0: unlabeled";

/// Opens the folder that has `stuffthingmaps`, or a folder of PNG files. Names come from `labels.txt` in the folder or
/// beside it.
///
/// # Errors
/// When there are no PNG files, or the file of names is damaged.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let maps = maps_in(path);
    let found = listed(maps.as_deref().unwrap_or(path), ".png", ".png")?;
    let given = choices.classes.as_ref();
    let (classes, values, remarks) = match names_in(path) {
        Some(file) => {
            let (classes, values) = Values::named(&named(&file)?, given);
            (classes, values.with_unlabelled(UNLABELLED_BYTE), Vec::new())
        }
        None => unnamed(&found, given, &[UNLABELLED_BYTE], files::read_ids)?,
    };
    PngReader::boxed(found, classes, remarks, path, move |file| values.read(file))
}

/// The folder of the files below another.
fn maps_in(path: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(path).ok()?.flatten();
    let is_named = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(MAPS);
    entries
        .filter(is_named)
        .map(|entry| entry.path())
        .find(|folder| folder.is_dir())
}

/// The file of names in a folder or beside it.
fn names_in(path: &Path) -> Option<PathBuf> {
    let folders = [Some(path), path.parent()].into_iter().flatten();
    folders.map(|folder| folder.join(NAMES)).find(|file| file.is_file())
}

/// The classes of a file of names.
fn named(path: &Path) -> Result<LabelClasses, InterchangeError> {
    let text = files::read_text(path)?;
    let colors = ClassSet::numbered(usize::from(UNLABELLED_BYTE));
    let mut classes = LabelClasses::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let parts = line
            .split_once(':')
            .and_then(|(number, name)| Some((number.trim().parse::<u16>().ok()?, name.trim())));
        let Some((number, name)) = parts.filter(|(number, _)| *number <= UNLABELLED_BYTE) else {
            let text = format!("expected lines such as 1: person, up to {UNLABELLED_BYTE}, found {line:?}; correct it");
            return Err(InterchangeError::content(text, path));
        };
        // Zero is for pixels without a class, which are 255 in the files.
        let Some(id) = number.checked_sub(1) else {
            continue;
        };
        let (name, color) = (name.to_owned(), colors.color(id));
        if !classes.add(LabelClass { id, name, color }) {
            let text = format!("expected one name for each number, found two for {number}; correct it");
            return Err(InterchangeError::content(text, path));
        }
    }
    Ok(classes)
}

/// Writes `stuffthingmaps/NAME.png` and `labels.txt`.
///
/// # Errors
/// When ids are above 254, a name has a line break, or the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    check_bytes(classes, out)?;
    if let Some(class) = classes
        .iter()
        .find(|class| class.name.trim() != class.name || class.name.contains(['\n', '\r']))
    {
        let text = format!(
            "expected class names of one line, found {:?}; rename the class",
            class.name
        );
        return Err(InterchangeError::content(text, out));
    }
    let mut lines = format!("{UNLABELLED_LINE}\n");
    for class in classes.iter() {
        lines.push_str(&format!("{}: {}\n", class.id + 1, class.name));
    }
    let values = classes
        .iter()
        .map(|class| (class.id, class.id))
        .chain([(UNLABELLED, UNLABELLED_BYTE)]);
    let file = out.join(NAMES);
    let writer = PngWriter::new(
        out,
        |out, name| files::place(&out.join(MAPS), name, ".png"),
        Pixels::grey(values),
    )?;
    Ok(Box::new(
        writer.finishing(move |_| files::replace(&file, lines.as_bytes())),
    ))
}

/// Whether a folder has such files, or its list of names begins as that of the dataset.
pub fn is(path: &Path) -> bool {
    let begins = |file: PathBuf| {
        files::first_bytes(&file, 32).is_some_and(|bytes| bytes.starts_with(UNLABELLED_LINE.as_bytes()))
    };
    maps_in(path).is_some() || (path.is_dir() && begins(path.join(NAMES)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::sample;
    use crate::labels::LabelPng;

    #[test]
    fn maps_come_back_as_they_were() {
        assert_eq!(sample::there_and_back(create, open, &sample::classes()), 0);
    }

    #[test]
    fn names_count_from_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let grey = LabelPng { bits: 8, palette: None };
        let file = folder.path().join("stuffthingmaps_pixelmaps/val2017/000000000139.png");
        files::replace(&file, &grey.encode([3, 1], &[0, 181, 255]).expect("a file")).expect("written");
        std::fs::write(folder.path().join(NAMES), "0: unlabeled\n1: person\n182: wood\n").expect("written");
        assert!(is(folder.path()));
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        let image = reader.read(0).expect("an image");
        assert_eq!(
            (image.name.as_str(), image.labels.ids),
            ("val2017/000000000139.png", vec![0, 181, UNLABELLED])
        );
        assert_eq!(reader.classes().get(181).map(|class| class.name.as_str()), Some("wood"));
        for damaged in ["1 person\n", "1: a\n1: b\n", "300: a\n", "-1: a\n"] {
            std::fs::write(folder.path().join(NAMES), damaged).expect("written");
            assert!(open(folder.path(), &ReadChoices::default()).is_err(), "{damaged}");
        }
        std::fs::remove_file(folder.path().join(NAMES)).expect("removed");
        let reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        let names: Vec<_> = reader.classes().iter().map(|class| class.name.clone()).collect();
        assert_eq!(
            (names, reader.remarks().len()),
            (vec!["class 0".to_owned(), "class 181".to_owned()], 1)
        );
    }

    #[test]
    fn ids_above_254_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let many = LabelClasses::from(&ClassSet::numbered(256));
        assert!(create(folder.path(), &many, &WriteChoices::default()).is_err());
    }
}
