//! `huggingface`: an image folder of Hugging Face `datasets`: `metadata.jsonl` with the columns `image` and `label`,
//! the labels as PNG files `NAME_label.png` beside the images, and `id2label.json`.
//!
//! Values are ids; 255 is for pixels without a class, or 65535 in files of 16 bits (which ids above 254 need).

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::annotate::UNLABELLED;
use crate::interchange::id_png_writer::{Pixels, PngWriter, UNLABELLED_BYTE};
use crate::interchange::id_pngs::{LabelFile, PngReader, Values, any_file, unnamed};
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelWriter, ReadChoices, WriteChoices, files,
};
use crate::labels::ClassSet;

/// The file that pairs images and labels; one in each folder of a split.
const PAIRS: &str = "metadata.jsonl";

/// The file of names.
const NAMES: &str = "id2label.json";

/// Keys of an image and of its labels.
const KEYS: [&str; 2] = ["image_file_name", "label_file_name"];

/// End of the labels' names.
const ENDING: &str = "_label.png";

/// Opens the folder with `id2label.json`, or a folder with `metadata.jsonl`.
///
/// # Errors
/// When a file is damaged, or there are no labels.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let mut found = Vec::new();
    for list in files::files_with_ending(path, PAIRS)? {
        pairs(path, &list, &mut found)?;
    }
    let given = choices.classes.as_ref();
    let folders = [Some(path), path.parent()].into_iter().flatten();
    let (classes, values, remarks) = match folders.map(|folder| folder.join(NAMES)).find(|file| file.is_file()) {
        Some(file) => {
            let (classes, values) = Values::named(&named(&file)?, given);
            (classes, values, Vec::new())
        }
        None => unnamed(&found, given, &[UNLABELLED_BYTE, UNLABELLED], files::read_ids)?,
    };
    let values = values.with_unlabelled(UNLABELLED_BYTE).with_unlabelled(UNLABELLED);
    PngReader::boxed(found, classes, remarks, path, move |file| values.read(file))
}

/// Adds the files of a list. Paths in it are below its folder.
fn pairs(root: &Path, list: &Path, found: &mut Vec<LabelFile>) -> Result<(), InterchangeError> {
    let folder = list.parent().unwrap_or(root);
    let text = files::read_text(list)?;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let row: Map<String, Value> = serde_json::from_str(line).map_err(|why| {
            InterchangeError::content(
                format!("expected an object in each line, found {why}; correct the file"),
                list,
            )
        })?;
        let [Some(image), Some(label)] = KEYS.map(|key| row.get(key).and_then(Value::as_str)) else {
            let text = format!(
                "expected {} and {} in each line, found {line:.80}; add them",
                KEYS[0], KEYS[1]
            );
            return Err(InterchangeError::content(text, list));
        };
        found.push(LabelFile {
            path: folder.join(files::safe(label)?),
            image: files::name_below(root, &folder.join(files::safe(image)?)),
        });
    }
    Ok(())
}

/// The classes of `id2label.json`.
pub(super) fn named(path: &Path) -> Result<LabelClasses, InterchangeError> {
    let content = |text: String| InterchangeError::content(text, path);
    let table: HashMap<String, String> = serde_json::from_str(&files::read_text(path)?).map_err(|why| {
        content(format!(
            "expected names by id, such as {{\"0\": \"road\"}}, found {why}; correct it"
        ))
    })?;
    let mut classes = BTreeMap::new();
    for (key, name) in table {
        let id = key.parse().ok().filter(|id| *id != UNLABELLED);
        let id: u16 = id.ok_or_else(|| content(format!("expected ids from 0 to 65534, found {key:?}; correct it")))?;
        if classes.insert(id, name).is_some() {
            return Err(content(format!(
                "expected one name for each id, found two for {id}; correct it"
            )));
        }
    }
    let colors = ClassSet::numbered(classes.keys().last().map_or(0, |id| usize::from(*id) + 1));
    let class = |(id, name)| LabelClass {
        id,
        name,
        color: colors.color(id),
    };
    Ok(classes.into_iter().map(class).collect())
}

/// Writes the labels where the images belong, `metadata.jsonl` for each first folder of the names, and `id2label.json`.
/// The images must be put there.
///
/// # Errors
/// When the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    let names: BTreeMap<String, &str> = classes
        .iter()
        .map(|class| (class.id.to_string(), class.name.as_str()))
        .collect();
    let text = json!(names).to_string();
    let folder = out.to_owned();
    let writer = PngWriter::new(out, place, Pixels::own_ids(classes))?;
    Ok(Box::new(writer.finishing(move |images| {
        files::replace(&folder.join(NAMES), text.as_bytes())?;
        for (split, lines) in lists(images)? {
            files::replace(&folder.join(split).join(PAIRS), lines.as_bytes())?;
        }
        Ok(())
    })))
}

/// The lines of the list in each first folder; the empty name is the folder itself.
fn lists(images: &[String]) -> Result<BTreeMap<String, String>, InterchangeError> {
    let mut lists: BTreeMap<String, String> = BTreeMap::new();
    for image in images {
        let label = files::name_below(Path::new(""), &place(Path::new(""), image)?);
        let name = files::name_below(Path::new(""), &files::safe(image)?);
        let (split, first) = name.split_once('/').unwrap_or(("", &name));
        let row =
            json!({ KEYS[0]: first, KEYS[1]: label.strip_prefix(split).unwrap_or(&label).trim_start_matches('/') });
        let lines = lists.entry(split.to_owned()).or_default();
        lines.push_str(&row.to_string());
        lines.push('\n');
    }
    Ok(lists)
}

fn place(out: &Path, name: &str) -> Result<PathBuf, InterchangeError> {
    if name.ends_with(ENDING) {
        // The labels of a.png would replace an image a_label.png.
        let text = format!("expected images whose names do not end in {ENDING}, found one; rename it");
        return Err(InterchangeError::CannotHold(text, name.to_owned()));
    }
    files::place(out, name, ENDING)
}

/// Whether a folder has a list with labels.
pub fn is(path: &Path) -> bool {
    let list = any_file(path, |name| name == PAIRS);
    let bytes = list
        .and_then(|list| files::first_bytes(&list, 16 << 10))
        .unwrap_or_default();
    bytes.windows(KEYS[1].len()).any(|window| window == KEYS[1].as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::{LabelledImage, sample};
    use crate::labels::{LabelMap, LabelPng};

    #[test]
    fn maps_come_back_as_they_were() {
        assert_eq!(sample::there_and_back(create, open, &sample::classes()), 0);
        let mut many = sample::classes();
        for id in [255, 4000] {
            let name = format!("class {id}");
            many.add(LabelClass {
                id,
                name,
                color: [1; 3],
            });
        }
        assert_eq!(sample::there_and_back(create, open, &many), 0);
    }

    #[test]
    fn each_split_has_a_list() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = create(folder.path(), &sample::classes(), &WriteChoices::default()).expect("a writer");
        let labels = LabelMap {
            width: 2,
            height: 1,
            ids: vec![200, UNLABELLED],
        };
        for name in ["train/a.jpg", "val/b/c.jpg"] {
            let (name, labels) = (name.to_owned(), labels.clone());
            writer.write(&LabelledImage { name, labels }).expect("written");
        }
        writer.finish().expect("finished");
        let list = std::fs::read_to_string(folder.path().join("val/metadata.jsonl")).expect("a list");
        assert_eq!(
            list,
            "{\"image_file_name\":\"b/c.jpg\",\"label_file_name\":\"b/c_label.png\"}\n"
        );
        let names = std::fs::read_to_string(folder.path().join(NAMES)).expect("names");
        assert!(names.starts_with(r#"{"1":"road","200":"#), "{names}");
        assert!(is(folder.path()));
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert_eq!(reader.names(), ["train/a.jpg", "val/b/c.jpg"]);
        assert!(place(Path::new("x"), "train/a_label.png").is_err());
        assert_eq!(reader.read(1).expect("an image").labels, labels);
    }

    #[test]
    fn hostile_files_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let grey = LabelPng { bits: 8, palette: None };
        std::fs::write(folder.path().join("a.png"), grey.encode([1, 1], &[0]).expect("a file")).expect("written");
        let list = |label: &str| format!("{{\"image_file_name\":\"a.jpg\",\"label_file_name\":\"{label}\"}}\n");
        for (pairs, names) in [
            (list("../a.png"), "{\"0\":\"a\"}"),
            (list("/a.png"), "{\"0\":\"a\"}"),
            (list("a.png"), "{\"65535\":\"a\"}"),
            (list("a.png"), "{\"0\":\"a\",\"00\":\"b\"}"),
            (list("a.png"), "[]"),
            ("[]".to_owned(), "{}"),
            ("{}".to_owned(), "{}"),
            (list("a.png") + &list("a.png"), "{\"0\":\"a\"}"),
        ] {
            std::fs::write(folder.path().join(PAIRS), &pairs).expect("written");
            std::fs::write(folder.path().join(NAMES), names).expect("written");
            assert!(open(folder.path(), &ReadChoices::default()).is_err(), "{pairs} {names}");
        }
    }
}
