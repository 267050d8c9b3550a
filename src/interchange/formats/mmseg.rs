//! `mmseg`: mmsegmentation's folders: indexed PNG files `ann_dir/NAME.png` whose values are ids, 255 for pixels without
//! a class. Images lie in `img_dir`.
//!
//! The format keeps its classes in code. `metainfo.json` has what belongs there, `classes` and `palette`; ids without a
//! class are `unused 7` in it. `splits/SPLIT.txt` lists the images of each folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::interchange::id_png_writer::{Pixels, PngWriter, UNLABELLED_BYTE, check_bytes};
use crate::interchange::id_pngs::{PngReader, Values, listed, unnamed};
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelWriter, ReadChoices, WriteChoices, files,
};
use crate::labels::ClassSet;

/// The folder of the labels.
const MAPS: &str = "ann_dir";

/// The folder of the images.
const IMAGES: &str = "img_dir";

/// The file of the classes.
const META: &str = "metainfo.json";

#[derive(Serialize, Deserialize)]
struct Meta {
    classes: Vec<String>,
    #[serde(default)]
    palette: Vec<[u8; 3]>,
}

/// The name of an id without a class.
fn unused(id: u16) -> String {
    format!("unused {id}")
}

/// Opens the folder with `ann_dir`.
///
/// # Errors
/// When there are no labels, or `metainfo.json` is damaged.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let maps = path.join(MAPS);
    let found = listed(if maps.is_dir() { &maps } else { path }, ".png", ".png")?;
    let given = choices.classes.as_ref();
    let file = path.join(META);
    let (classes, values, remarks) = if file.is_file() {
        let (classes, values) = Values::named(&named(&file)?, given);
        (classes, values.with_unlabelled(UNLABELLED_BYTE), Vec::new())
    } else {
        unnamed(&found, given, &[UNLABELLED_BYTE], files::read_ids)?
    };
    PngReader::boxed(found, classes, remarks, path, move |file| values.read(file))
}

/// The classes of `metainfo.json`.
fn named(path: &Path) -> Result<LabelClasses, InterchangeError> {
    let meta: Meta = serde_json::from_str(&files::read_text(path)?).map_err(|why| {
        InterchangeError::content(format!("expected classes and palette, found {why}; correct it"), path)
    })?;
    if meta.classes.len() > usize::from(UNLABELLED_BYTE) {
        let text = format!(
            "expected at most 255 classes, found {}; shorten the list",
            meta.classes.len()
        );
        return Err(InterchangeError::content(text, path));
    }
    let colors = ClassSet::numbered(meta.classes.len());
    let numbered = (0..UNLABELLED_BYTE)
        .zip(meta.classes)
        .filter(|(id, name)| *name != unused(*id));
    let class = |(id, name): (u16, String)| LabelClass {
        id,
        name,
        color: meta
            .palette
            .get(usize::from(id))
            .copied()
            .unwrap_or_else(|| colors.color(id)),
    };
    Ok(numbered.map(class).collect())
}

/// Writes `ann_dir/NAME.png`, `metainfo.json` and `splits`.
///
/// # Errors
/// When ids are above 254, as the format's reader keeps eight bits, or the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    check_bytes(classes, out)?;
    let count = classes.largest().map_or(0, |id| id + 1);
    let meta = Meta {
        classes: (0..count)
            .map(|id| classes.get(id).map_or_else(|| unused(id), |class| class.name.clone()))
            .collect(),
        palette: (0..count)
            .map(|id| classes.get(id).map_or([0; 3], |class| class.color))
            .collect(),
    };
    let file = out.join(META);
    let text = serde_json::to_string(&meta).map_err(|why| InterchangeError::content(why.to_string(), &file))?;
    let folder = out.to_owned();
    let writer = PngWriter::new(out, place, Pixels::own_ids(classes))?;
    Ok(Box::new(writer.finishing(move |names| {
        files::replace(&file, text.as_bytes())?;
        for (split, lines) in splits(names)? {
            files::replace(&folder.join("splits").join(format!("{split}.txt")), lines.as_bytes())?;
        }
        Ok(())
    })))
}

/// The lines of the list of each folder: names below it, without suffix.
fn splits(names: &[String]) -> Result<BTreeMap<String, String>, InterchangeError> {
    let mut splits: BTreeMap<String, String> = BTreeMap::new();
    for name in names {
        let stem = files::name_below(Path::new(""), &files::place(Path::new(""), name, "")?);
        if let Some((split, stem)) = stem.split_once('/') {
            let lines = splits.entry(split.to_owned()).or_default();
            lines.push_str(stem);
            lines.push('\n');
        }
    }
    Ok(splits)
}

fn place(out: &Path, name: &str) -> Result<PathBuf, InterchangeError> {
    files::place(&out.join(MAPS), name, ".png")
}

/// Whether a folder has `ann_dir`, and images or a list of classes beside it.
pub fn is(path: &Path) -> bool {
    path.join(MAPS).is_dir() && (path.join(IMAGES).is_dir() || path.join(META).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotate::UNLABELLED;
    use crate::interchange::{LabelledImage, sample};
    use crate::labels::LabelMap;

    #[test]
    fn maps_come_back_as_they_were() {
        assert_eq!(sample::there_and_back(create, open, &sample::classes()), 0);
    }

    #[test]
    fn ids_stay_and_folders_are_splits() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = create(folder.path(), &sample::classes(), &WriteChoices::default()).expect("a writer");
        let labels = LabelMap {
            width: 3,
            height: 1,
            ids: vec![1, 200, UNLABELLED],
        };
        for name in ["train/a.jpg", "val/b/c.jpg"] {
            let (name, labels) = (name.to_owned(), labels.clone());
            writer.write(&LabelledImage { name, labels }).expect("written");
        }
        writer.finish().expect("finished");
        let file = folder.path().join("ann_dir/val/b/c.png");
        assert_eq!(LabelMap::open(&file).expect("a map").ids, [1, 200, 255]);
        let list = std::fs::read_to_string(folder.path().join("splits/val.txt")).expect("a list");
        assert_eq!(list, "b/c\n");
        assert!(is(folder.path()));
        let reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert_eq!(reader.classes(), &sample::classes());
        std::fs::remove_file(folder.path().join(META)).expect("removed");
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert_eq!(
            (reader.classes().len(), reader.read(0).expect("an image").labels),
            (2, labels)
        );
        let mut many = sample::classes();
        let name = "x".to_owned();
        many.add(LabelClass {
            id: 255,
            name,
            color: [0; 3],
        });
        assert!(create(folder.path(), &many, &WriteChoices::default()).is_err());
    }
}
