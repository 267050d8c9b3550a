//! `index`: a grey or indexed PNG of class ids for each image, with the classes in `classes.toml`.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::annotate::UNLABELLED;
use crate::interchange::class_file::{CLASS_FILE, ClassFile};
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelWriter, LabelledImage, ReadChoices, WriteChoices,
    files,
};
use crate::labels::{ClassSet, LabelMap, LabelPng};

/// Value of unlabelled pixels where all ids fit beside it into eight bits.
const UNLABELLED_BYTE: u16 = 255;

/// Reads label files with these names and values.
pub(super) struct Reader {
    pub(super) files: Vec<PathBuf>,
    pub(super) names: Vec<String>,
    pub(super) values: ClassFile,
    pub(super) remarks: Vec<String>,
}

/// Reads the PNG files below a folder, or one file. Values without a class are unlabelled where the class file says so
/// or where they are 255 (65535 in files of 16 bits).
///
/// # Errors
/// When there is no PNG file, or the class file is damaged.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().unwrap_or(Path::new(""))
    };
    let listed = match path.is_dir() {
        true => files::files_with_ending(path, ".png")?,
        false => vec![path.to_owned()],
    };
    if listed.is_empty() {
        return Err(InterchangeError::content(
            "expected PNG files of class ids, found none; choose their folder",
            path,
        ));
    }
    let mut remarks = Vec::new();
    let written = ClassFile::in_folder(folder)?;
    let values = match (written, &choices.classes) {
        (Some(mut written), Some(given)) => {
            written.classes = given.clone();
            written
        }
        (Some(written), None) => written,
        (None, Some(given)) => ClassFile {
            classes: given.clone(),
            ignored: unlabelled_values(given),
            zero_is_ignored: false,
        },
        (None, None) => {
            let found = numbered(&listed)?;
            remarks.push(format!(
                "No {CLASS_FILE} lies beside the files, so classes are named by their ids; give names with a class-set file."
            ));
            found
        }
    };
    Ok(Box::new(Reader {
        names: listed.iter().map(|file| files::name_below(folder, file)).collect(),
        files: listed,
        values,
        remarks,
    }))
}

/// Values that mean no class beside these classes.
fn unlabelled_values(classes: &LabelClasses) -> Vec<u16> {
    let values = [UNLABELLED_BYTE, UNLABELLED];
    values
        .into_iter()
        .filter(|value| classes.get(*value).is_none())
        .collect()
}

/// Classes that are named by the ids in the files.
fn numbered(listed: &[PathBuf]) -> Result<ClassFile, InterchangeError> {
    let mut used = vec![false; usize::from(UNLABELLED)];
    for file in listed {
        for id in files::read_ids(file)?.ids {
            if let Some(used) = used.get_mut(usize::from(id)) {
                *used = true;
            }
        }
    }
    used[usize::from(UNLABELLED_BYTE)] = used[usize::from(UNLABELLED_BYTE)] && used[256..].contains(&true);
    let most = used.iter().rposition(|used| *used).map_or(0, |last| last + 1);
    let colors = ClassSet::numbered(most);
    let ids = (0..most as u16).filter(|id| used[usize::from(*id)]);
    let class = |id: u16| LabelClass {
        id,
        name: format!("class {id}"),
        color: colors.color(id),
    };
    let classes: LabelClasses = ids.map(class).collect();
    Ok(ClassFile {
        ignored: unlabelled_values(&classes),
        classes,
        zero_is_ignored: false,
    })
}

impl LabelReader for Reader {
    fn classes(&self) -> &LabelClasses {
        &self.values.classes
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn read(&mut self, index: usize) -> Result<LabelledImage, InterchangeError> {
        let (file, name) = (&self.files[index], &self.names[index]);
        let mut labels = files::read_ids(file)?;
        for id in &mut labels.ids {
            *id = self.values.id_of(*id);
        }
        let image = LabelledImage {
            name: name.clone(),
            labels,
        };
        files::check_ids(&image, |id| self.values.classes.get(id).is_some())?;
        Ok(image)
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}

struct Writer {
    out: PathBuf,
    classes: LabelClasses,
    png: LabelPng,
    written: HashSet<PathBuf>,
}

/// Writes `NAME.png` for each image, and `classes.toml`. Unlabelled pixels have the value 255, or 65535 where an id
/// needs it or more than eight bits.
///
/// # Errors
/// When the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    fs::create_dir_all(out).map_err(InterchangeError::write(out))?;
    Ok(Box::new(Writer {
        out: out.to_owned(),
        classes: classes.clone(),
        png: png_for(classes),
        written: HashSet::new(),
    }))
}

/// How files with these classes are stored: indexed with their colours, or grey of 16 bits.
pub(in crate::interchange) fn png_for(classes: &LabelClasses) -> LabelPng {
    if classes.largest().is_some_and(|id| id >= UNLABELLED_BYTE) {
        return LabelPng {
            bits: 16,
            palette: None,
        };
    }
    let mut palette = vec![0; 256 * 3];
    for class in classes.iter() {
        let place = usize::from(class.id) * 3;
        palette[place..place + 3].copy_from_slice(&class.color);
    }
    LabelPng {
        bits: 8,
        palette: Some(palette),
    }
}

/// The file of a map: unlabelled pixels have the largest value.
///
/// # Errors
/// When the sides do not fit into a PNG.
pub(in crate::interchange) fn encoded(png: &LabelPng, image: &LabelledImage) -> Result<Vec<u8>, InterchangeError> {
    let LabelMap { width, height, ids } = &image.labels;
    let value = |id: &u16| if *id == UNLABELLED { png.largest() } else { *id };
    let values: Vec<u16> = ids.iter().map(value).collect();
    png.encode([*width, *height], &values)
        .map_err(|why| InterchangeError::CannotHold(why.to_string(), image.name.clone()))
}

impl LabelWriter for Writer {
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        files::check_ids(image, |id| self.classes.get(id).is_some())?;
        let path = files::place(&self.out, &image.name, ".png")?;
        files::check_new(&mut self.written, &path, &image.name)?;
        files::replace(&path, &encoded(&self.png, image)?)
    }

    fn finish(self: Box<Self>) -> Result<(), InterchangeError> {
        ClassFile::write(&self.classes, &self.out.join(CLASS_FILE))
    }
}

/// Whether a folder has PNG files of ids, or a file is one.
pub fn is(path: &Path) -> bool {
    let first = match path.is_dir() {
        true => files::files_with_ending(path, ".png")
            .ok()
            .and_then(|found| found.into_iter().next()),
        false => Some(path.to_owned()),
    };
    let bytes = first.and_then(|file| files::first_bytes(&file, 64 << 10));
    bytes.is_some_and(|bytes| LabelPng::of(&bytes).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::sample;

    #[test]
    fn maps_come_back_as_they_were() {
        sample::there_and_back(create, open, &sample::classes());
        let mut many = sample::classes();
        for id in [255, 300, 65_534] {
            many.add(LabelClass {
                id,
                name: format!("class {id}"),
                color: [1, 2, 3],
            });
        }
        sample::there_and_back(create, open, &many);
    }

    #[test]
    fn files_without_a_class_list_are_named_by_their_ids() {
        let folder = tempfile::tempdir().expect("a folder");
        let map = LabelMap {
            width: 3,
            height: 1,
            ids: vec![2, 255, 7],
        };
        let grey = LabelPng { bits: 8, palette: None };
        let bytes = grey.encode([3, 1], &map.ids).expect("a file");
        fs::write(folder.path().join("a.png"), bytes).expect("written");
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        let names: Vec<_> = reader.classes().iter().map(|class| class.name.clone()).collect();
        assert_eq!(names, ["class 2", "class 7"]);
        assert_eq!(reader.read(0).expect("an image").labels.ids, [2, UNLABELLED, 7]);
        assert_eq!(reader.remarks().len(), 1);
    }
}
