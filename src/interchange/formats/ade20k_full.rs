//! `ade20k-full`, read only: the full ADE20K dataset. `NAME_seg.png` is an RGB file in which ⌊R / 10⌋ · 256 + G is the
//! number of the class (0: none) and B tells objects apart. Names come from `NAME.json` (release of 2021) or
//! `NAME_atr.txt` (2017).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::interchange::id_pngs::{LabelFile, PngReader, Values, any_file, listed};
use crate::interchange::{InterchangeError, LabelClass, LabelClasses, LabelReader, ReadChoices, files};
use crate::labels::{ClassSet, LabelMap};

/// Ends of the names of label files, and of lists of objects.
const ENDINGS: [&str; 3] = ["_seg.png", ".json", "_atr.txt"];

/// What the numbers in files mean, and the file that says it.
type Names = BTreeMap<u16, (String, PathBuf)>;

#[derive(Deserialize)]
struct Document {
    annotation: Annotation,
}

#[derive(Deserialize)]
struct Annotation {
    #[serde(default)]
    object: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    name: String,
    name_ndx: u16,
    #[serde(default)]
    parts: Parts,
}

#[derive(Default, Deserialize)]
struct Parts {
    /// Zero for whole objects, whose labels are read.
    #[serde(default)]
    part_level: u32,
}

/// Opens a folder with `NAME_seg.png` files at any depth. Reads the list of objects beside each.
///
/// # Errors
/// When there are no files, one has no list beside it or a damaged one, or lists contradict each other.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let found = listed(path, ENDINGS[0], ".jpg")?;
    let mut names = Names::new();
    for file in &found {
        add_names(file, &mut names)?;
    }
    let colors = ClassSet::numbered(names.keys().last().map_or(0, |id| usize::from(*id) + 1));
    let class = |(id, (name, _)): (u16, (String, PathBuf))| LabelClass {
        id,
        name,
        color: colors.color(id),
    };
    let own: LabelClasses = names.into_iter().map(class).collect();
    let (classes, values) = Values::named(&own, choices.classes.as_ref());
    let values = values.with_unlabelled(0);
    PngReader::boxed(found, classes, Vec::new(), path, move |file| {
        let ([width, height], colors) = files::read_colors(file)?;
        let ids = colors.into_iter().map(number).collect();
        values.ids(LabelMap { width, height, ids }, file)
    })
}

/// The number of the class of a pixel; at most 25 · 256 + 255.
fn number([red, green, _]: [u8; 3]) -> u16 {
    u16::from(red / 10) * 256 + u16::from(green)
}

/// Adds the names of the objects in an image.
fn add_names(file: &LabelFile, names: &mut Names) -> Result<(), InterchangeError> {
    let beside = |ending: &str| {
        let name = file.path.file_name()?.to_string_lossy().into_owned();
        let stem = name.get(..name.len().checked_sub(ENDINGS[0].len())?)?;
        Some(file.path.with_file_name(format!("{stem}{ending}"))).filter(|list| list.is_file())
    };
    let (list, found) = if let Some(list) = beside(ENDINGS[1]) {
        let found = in_json(&list)?;
        (list, found)
    } else if let Some(list) = beside(ENDINGS[2]) {
        let found = in_table(&list, &file.path)?;
        (list, found)
    } else {
        let text = "expected a list of objects (.json or _atr.txt) beside the file, found none; copy it there";
        return Err(InterchangeError::content(text, &file.path));
    };
    for (id, name) in found {
        let (known, first) = names.entry(id).or_insert_with(|| (name.clone(), list.clone()));
        if *known != name {
            let first = first.display();
            let text = format!("expected {known:?} for class {id} as in {first}, found {name:?}; read the files apart");
            return Err(InterchangeError::content(text, &list));
        }
    }
    Ok(())
}

/// Numbers and names of whole objects in a JSON file.
fn in_json(path: &Path) -> Result<Vec<(u16, String)>, InterchangeError> {
    let document: Document = serde_json::from_str(&files::read_text(path)?)
        .map_err(|why| InterchangeError::content(format!("expected a list of objects, found {why}"), path))?;
    let whole = document
        .annotation
        .object
        .into_iter()
        .filter(|object| object.parts.part_level == 0 && object.name_ndx > 0);
    Ok(whole.map(|object| (object.name_ndx, object.name)).collect())
}

/// Numbers and names of whole objects in a table: its columns are the object, the part level, whether it is occluded,
/// the class's name, the name that the annotator gave, and attributes. The number of the class is only in the image,
/// where object n has the n-th of the blue values, counted from zero.
fn in_table(path: &Path, image: &Path) -> Result<Vec<(u16, String)>, InterchangeError> {
    let text = files::read_text(path)?;
    let (_, colors) = files::read_colors(image)?;
    let blues: BTreeSet<u8> = colors.iter().map(|[_, _, blue]| *blue).collect();
    let numbers: HashMap<u8, u16> = colors
        .iter()
        .map(|color| (color[2], number(*color)))
        .filter(|(_, id)| *id > 0)
        .collect();
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let columns: Vec<&str> = line.split('#').map(str::trim).collect();
        let parsed = match columns.as_slice() {
            [object, level, _, name, ..] => object
                .parse::<usize>()
                .ok()
                .zip(level.parse::<u32>().ok())
                .zip(Some(*name)),
            _ => None,
        };
        let Some(((object, level), name)) = parsed else {
            let text = format!("expected six columns between #, found {line:.80}; copy the dataset's file again");
            return Err(InterchangeError::content(text, path));
        };
        // Objects that others cover have no pixels.
        if level == 0
            && let Some(id) = blues.iter().nth(object).and_then(|blue| numbers.get(blue))
        {
            found.push((*id, name.to_owned()));
        }
    }
    Ok(found)
}

/// Whether a folder has such files.
pub fn is(path: &Path) -> bool {
    let file = any_file(path, |name| name.starts_with("ADE_") && name.ends_with(ENDINGS[0]));
    file.is_some_and(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = name.strip_suffix(ENDINGS[0]).unwrap_or(&name);
        ENDINGS
            .iter()
            .skip(1)
            .any(|ending| file.with_file_name(format!("{stem}{ending}")).is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotate::UNLABELLED;

    /// Classes 2978 (sky) and 312 (building), and a pixel without a class.
    const PIXELS: [[u8; 3]; 4] = [[110, 162, 40], [110, 162, 40], [10, 56, 90], [0, 0, 0]];

    fn folder_with(name: &str, list: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let bytes = files::rgb_png([4, 1], &PIXELS, "x").expect("a file");
        files::replace(&folder.path().join("street/ADE_train_00000001_seg.png"), &bytes).expect("written");
        files::replace(&folder.path().join("street").join(name), list.as_bytes()).expect("written");
        folder
    }

    #[track_caller]
    fn check(folder: &Path) {
        assert!(is(folder));
        let mut reader = open(folder, &ReadChoices::default()).expect("a reader");
        assert_eq!(reader.names(), ["street/ADE_train_00000001.jpg"]);
        assert_eq!(
            reader.read(0).expect("an image").labels.ids,
            [2978, 2978, 312, UNLABELLED]
        );
        let names: Vec<_> = reader
            .classes()
            .iter()
            .map(|class| (class.id, class.name.as_str()))
            .collect();
        assert_eq!(names, [(312, "building, edifice"), (2978, "sky")]);
    }

    #[test]
    fn names_are_read_from_json() {
        let object = |name: &str, id: u16, level: u32| {
            format!(r#"{{"id":0,"name":"{name}","name_ndx":{id},"parts":{{"part_level":{level}}}}}"#)
        };
        let list = |objects: &[String]| {
            format!(
                r#"{{"annotation":{{"filename":"x","object":[{}]}}}}"#,
                objects.join(",")
            )
        };
        let [sky, building] = [object("sky", 2978, 0), object("building, edifice", 312, 0)];
        let folder = folder_with(
            "ADE_train_00000001.json",
            &list(&[sky.clone(), building, object("door", 774, 1)]),
        );
        check(folder.path());
        let folder = folder_with("ADE_train_00000001.json", &list(std::slice::from_ref(&sky)));
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert!(
            reader
                .read(0)
                .is_err_and(|why| why.to_string().contains("found 312 in 1 pixels"))
        );
        let folder = folder_with("ADE_train_00000001.json", &list(&[sky, object("skies", 2978, 0)]));
        assert!(open(folder.path(), &ReadChoices::default()).is_err());
        assert!(open(folder_with("other.json", "{}").path(), &ReadChoices::default()).is_err());
    }

    #[test]
    fn names_are_read_from_tables() {
        let list = "001 # 0 # 0 # sky # sky # \"\"\n\
                    002 # 0 # 1 # building, edifice # house # \"\"\n\
                    001 # 1 # 0 # door # door # \"\"\n009 # 0 # 0 # bird # bird # \"\"\n";
        check(folder_with("ADE_train_00000001_atr.txt", list).path());
        let folder = folder_with("ADE_train_00000001_atr.txt", "001 # sky\n");
        assert!(open(folder.path(), &ReadChoices::default()).is_err());
    }
}
