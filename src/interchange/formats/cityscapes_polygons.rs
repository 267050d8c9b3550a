//! Cityscapes' polygons: one JSON file for each image, later objects on top.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::files::{check_ids, files_with_ending, name_below, place, read_text, replace, unlabelled};
use super::super::outline::fill;
use super::super::outline::painter::painters_order;
use super::super::{
    InterchangeError, LabelClasses, LabelReader, LabelWriter, LabelledImage, ReadChoices, WriteChoices,
};
use super::named;
use crate::annotate::UNLABELLED;

/// The label of pixels without a class; Cityscapes' own scripts give it to what no polygon covers, too.
const NO_CLASS: &str = "unlabeled";

/// How names of the files end, without the suffix.
const ENDINGS: [&str; 2] = ["_gtFine_polygons", "_gtCoarse_polygons"];

/// How names of Cityscapes' images end.
const PICTURE: &str = "_leftImg8bit";

/// Folders of the files below the root of the data set.
const FOLDERS: [&str; 2] = ["gtFine", "gtCoarse"];

/// Classes that the data set counts; several together have "group" after the name.
const COUNTED: [&str; 10] = [
    "person",
    "rider",
    "car",
    "truck",
    "bus",
    "caravan",
    "trailer",
    "train",
    "motorcycle",
    "bicycle",
];

/// Bytes at the beginning of a file that show its format.
const SHOWN: u64 = 4096;

#[derive(Debug, Serialize, Deserialize)]
struct File {
    #[serde(rename = "imgHeight")]
    height: u64,
    #[serde(rename = "imgWidth")]
    width: u64,
    objects: Vec<Object>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Object {
    label: String,
    polygon: Vec<[f64; 2]>,
    /// Not zero for what the annotation tool has deleted.
    #[serde(default, skip_serializing)]
    deleted: Deleted,
}

/// The annotation tool writes a number, others a truth value.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Deleted {
    Flag(bool),
    Number(f64),
    Nothing(()),
}

impl Default for Deleted {
    fn default() -> Self {
        Self::Flag(false)
    }
}

impl Object {
    fn is_deleted(&self) -> bool {
        match self.deleted {
            Deleted::Flag(flag) => flag,
            Deleted::Number(number) => number != 0.0,
            Deleted::Nothing(()) => false,
        }
    }
}

struct Reader {
    classes: LabelClasses,
    names: Vec<String>,
    paths: Vec<PathBuf>,
}

struct Writer {
    out: PathBuf,
    classes: LabelClasses,
    written: HashSet<PathBuf>,
}

/// Opens polygons of Cityscapes: the data set's folder, one below it, or one file. Without a list of classes, their names
/// in natural order number them.
///
/// # Errors
/// When a file is damaged or there is none.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let (folder, paths) = files(path)?;
    if paths.is_empty() {
        let text = "expected files that end with _gtFine_polygons.json, found none; choose another folder";
        return Err(InterchangeError::content(text, path));
    }
    let names = paths
        .iter()
        .map(|path| image_name(&folder, path, choices.images.as_deref()))
        .collect();
    let classes = match &choices.classes {
        Some(classes) => classes.clone(),
        None => {
            let mut used = BTreeSet::new();
            for path in &paths {
                let objects = parse(path)?.objects.into_iter().filter(|object| !object.is_deleted());
                used.extend(objects.map(|object| match group_of(&object.label) {
                    Some(base) => base.to_owned(),
                    None => object.label,
                }));
            }
            used.remove(NO_CLASS);
            named::numbered(used, path)?
        }
    };
    Ok(Box::new(Reader { classes, names, paths }))
}

/// Whether a path has polygons of Cityscapes.
pub fn is(path: &Path) -> bool {
    let first = match files(path) {
        Ok((_, paths)) => paths.into_iter().next(),
        Err(_) => None,
    };
    let mut start = Vec::new();
    let read = first.map(|path| std::fs::File::open(path).and_then(|file| file.take(SHOWN).read_to_end(&mut start)));
    let text = String::from_utf8_lossy(&start);
    matches!(read, Some(Ok(_))) && ["imgHeight", "imgWidth"].iter().any(|key| text.contains(key))
}

/// Writes polygons below a folder `gtFine`, in painter's order: exact in Cityscapes' own scripts.
///
/// # Errors
/// When classes share a name, or one is named as pixels without a class are.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    named::check(classes, &[NO_CLASS], out)?;
    Ok(Box::new(Writer {
        out: out.join(FOLDERS[0]),
        classes: classes.clone(),
        written: HashSet::new(),
    }))
}

/// The folder that names of images are relative to, and the files.
fn files(path: &Path) -> Result<(PathBuf, Vec<PathBuf>), InterchangeError> {
    if !path.is_dir() {
        let folder = path.parent().unwrap_or(Path::new(""));
        return Ok((folder.to_owned(), vec![path.to_owned()]));
    }
    let root = FOLDERS
        .map(|name| path.join(name))
        .into_iter()
        .find(|folder| folder.is_dir());
    let folder = root.unwrap_or_else(|| path.to_owned());
    let mut paths = files_with_ending(&folder, ".json")?;
    paths.retain(|path| stem_of(path).is_some());
    Ok((folder, paths))
}

/// The name of a file before its ending; `None` when it has another.
fn stem_of(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    let stem = ENDINGS.iter().find_map(|ending| stem.strip_suffix(ending))?;
    Some(stem.to_owned())
}

/// The image of a file. Where the images are not known, those of Cityscapes are told by their names: a city, a
/// sequence and a frame.
fn image_name(folder: &Path, path: &Path, images: Option<&Path>) -> String {
    let stem = stem_of(path).unwrap_or_else(|| path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
    let named = |ending: &str| name_below(folder, &path.with_file_name(format!("{stem}{ending}.png")));
    let numbers = stem
        .split('_')
        .skip(1)
        .filter(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let is_frame = stem.split('_').count() == 3 && numbers.count() == 2;
    let [long, short] = [named(PICTURE), named("")];
    match images.map(|images| [&long, &short].map(|name| images.join(name).is_file())) {
        Some([true, _]) => long,
        Some([false, true]) => short,
        _ if is_frame => long,
        _ => short,
    }
}

fn parse(path: &Path) -> Result<File, InterchangeError> {
    let damaged = |why| format!("expected polygons of Cityscapes, found {why}; download or export the file again");
    serde_json::from_str(&read_text(path)?).map_err(|why| InterchangeError::content(damaged(why), path))
}

/// The class of several things together, such as "car" of "cargroup".
fn group_of(label: &str) -> Option<&str> {
    label.strip_suffix("group").filter(|base| COUNTED.contains(base))
}

impl LabelReader for Reader {
    fn classes(&self) -> &LabelClasses {
        &self.classes
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn read(&mut self, index: usize) -> Result<LabelledImage, InterchangeError> {
        let (Some(path), Some(name)) = (self.paths.get(index), self.names.get(index)) else {
            let text = format!("expected an image below number {}, found {index}", self.paths.len());
            return Err(InterchangeError::content(text, Path::new("")));
        };
        let file = parse(path)?;
        let mut labels = unlabelled([file.width, file.height], path)?;
        for object in file.objects.iter().filter(|object| !object.is_deleted()) {
            let group = || group_of(&object.label).and_then(|base| self.classes.named(base));
            let id = match self.classes.named(&object.label).or_else(group) {
                Some(class) => class.id,
                None if object.label == NO_CLASS => UNLABELLED,
                None => return Err(InterchangeError::content(named::unknown(&object.label), path)),
            };
            let width = labels.width;
            fill::pil(&object.polygon, [width, labels.height], |y, columns| {
                if let Some(row) = labels.ids.get_mut(y * width..).and_then(|row| row.get_mut(columns)) {
                    row.fill(id);
                }
            });
        }
        let name = name.clone();
        Ok(LabelledImage { name, labels })
    }
}

impl LabelWriter for Writer {
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        check_ids(image, |id| self.classes.get(id).is_some())?;
        let LabelledImage { name, labels } = image;
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        let short = stem
            .strip_suffix(PICTURE)
            .filter(|short| !short.is_empty() && !short.ends_with('/'));
        let path = match short {
            Some(short) => place(&self.out, &format!("{short}.png"), &format!("{}.json", ENDINGS[0]))?,
            None => place(&self.out, name, &format!("{}.json", ENDINGS[0]))?,
        };
        if !self.written.insert(path.clone()) {
            let text = "expected one image for each name without suffix, found two; rename one";
            return Err(InterchangeError::CannotHold(text.to_owned(), name.clone()));
        }
        let objects = painters_order(labels).into_iter().map(|painted| Object {
            label: self
                .classes
                .get(painted.class)
                .map_or(NO_CLASS, |class| &class.name)
                .to_owned(),
            polygon: painted.ring.iter().map(|point| point.map(f64::from)).collect(),
            deleted: Deleted::default(),
        });
        let file = File {
            height: labels.height as u64,
            width: labels.width as u64,
            objects: objects.collect(),
        };
        let bytes = serde_json::to_vec(&file).map_err(|why| InterchangeError::Write(why.into(), path.clone()))?;
        replace(&path, &bytes)
    }

    fn finish(self: Box<Self>) -> Result<(), InterchangeError> {
        Ok(())
    }
}
