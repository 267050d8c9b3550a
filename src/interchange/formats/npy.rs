//! `npy`: a NumPy array `NAME.npy` for each image, of 8 to 64 bits; values are ids. `id2label.json` has the names.
//!
//! Written arrays have 8 bits with 255 for pixels without a class, or 16 bits with 65535 where an id needs them. In
//! signed arrays, -1 is no class either.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::annotate::UNLABELLED;
use crate::interchange::id_png_writer::UNLABELLED_BYTE;
use crate::interchange::id_pngs::{PngReader, Values, any_file, listed, unnamed};
use crate::interchange::npy_file::NpyFile;
use crate::interchange::{
    InterchangeError, LabelClasses, LabelReader, LabelWriter, LabelledImage, ReadChoices, WriteChoices, files,
};
use crate::labels::LabelMap;

/// End of the files' names.
const ENDING: &str = ".npy";

/// The file of names, as Hugging Face has it.
const NAMES: &str = "id2label.json";

/// Opens a folder of arrays.
///
/// # Errors
/// When there are none, or the file of names is damaged.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let found = listed(path, ENDING, ".png")?;
    let file = path.join(NAMES);
    let given = choices.classes.as_ref();
    let unlabelled = [UNLABELLED_BYTE, UNLABELLED];
    let (classes, values, remarks) = if file.is_file() {
        let (classes, values) = Values::named(&super::huggingface::named(&file)?, given);
        (classes, values, Vec::new())
    } else {
        unnamed(&found, given, &unlabelled, read)?
    };
    let values = unlabelled.into_iter().fold(values, Values::with_unlabelled);
    PngReader::boxed(found, classes, remarks, path, move |file| values.ids(read(file)?, file))
}

fn read(path: &Path) -> Result<LabelMap, InterchangeError> {
    let bytes = std::fs::read(path).map_err(InterchangeError::read(path))?;
    let parsed = NpyFile::parse(&bytes).and_then(|file| file.labels());
    parsed.map_err(|text| InterchangeError::content(text, path))
}

struct Writer {
    out: PathBuf,
    classes: LabelClasses,
    written: HashSet<PathBuf>,
}

/// Writes `NAME.npy` and `id2label.json`.
///
/// # Errors
/// When the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    std::fs::create_dir_all(out).map_err(InterchangeError::write(out))?;
    Ok(Box::new(Writer {
        out: out.to_owned(),
        classes: classes.clone(),
        written: HashSet::new(),
    }))
}

impl LabelWriter for Writer {
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        files::check_ids(image, |id| self.classes.get(id).is_some())?;
        let path = files::place(&self.out, &image.name, ENDING)?;
        if !self.written.insert(path.clone()) {
            let text = "expected images whose names differ not only by their suffix, found a second one; rename it";
            return Err(InterchangeError::CannotHold(text.into(), image.name.clone()));
        }
        let is_large = self.classes.largest().is_some_and(|id| id >= UNLABELLED_BYTE);
        let labels = match is_large {
            true => Cow::Borrowed(&image.labels),
            false => {
                let mut labels = image.labels.clone();
                labels
                    .ids
                    .iter_mut()
                    .filter(|id| **id == UNLABELLED)
                    .for_each(|id| *id = UNLABELLED_BYTE);
                Cow::Owned(labels)
            }
        };
        files::replace(&path, &NpyFile::encoded(&labels, is_large))
    }

    fn finish(self: Box<Self>) -> Result<(), InterchangeError> {
        let names: BTreeMap<String, &str> = self
            .classes
            .iter()
            .map(|class| (class.id.to_string(), class.name.as_str()))
            .collect();
        files::replace(&self.out.join(NAMES), serde_json::json!(names).to_string().as_bytes())
    }
}

/// Whether a folder has an array of ids.
pub fn is(path: &Path) -> bool {
    let file = any_file(path, |name| name.ends_with(ENDING));
    file.and_then(|file| files::first_bytes(&file, 1 << 10))
        .is_some_and(|bytes| NpyFile::parse(&bytes).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::{LabelClass, sample};

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
    fn arrays_without_names_have_numbered_classes() {
        let folder = tempfile::tempdir().expect("a folder");
        let map = LabelMap {
            width: 2,
            height: 2,
            ids: vec![3, 255, 0, 3],
        };
        std::fs::write(folder.path().join("a.npy"), NpyFile::encoded(&map, false)).expect("written");
        assert!(is(folder.path()));
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert_eq!(reader.classes().len(), 2);
        assert_eq!(reader.read(0).expect("an image").labels.ids, [3, UNLABELLED, 0, 3]);
    }
}
