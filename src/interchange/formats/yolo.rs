//! YOLO's segmentation rows: a text file for each image, with one polygon in a row.

mod data_file;
mod rows;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use yaml_rust2::yaml::Hash;
use yaml_rust2::{Yaml, YamlEmitter};

use super::super::files::{
    check_ids, files_with_ending, image_size, name_below, place, read_text, replace, unlabelled,
};
use super::super::{
    InterchangeError, LabelClasses, LabelReader, LabelWriter, LabelledImage, ReadChoices, WriteChoices,
};
use super::named;
use crate::annotate::UNLABELLED;
use crate::labels::{ClassSet, LabelMap};

/// The list of classes.
const DATA: &str = "data.yaml";

/// Suffixes of images, in the order in which they are looked for.
const SUFFIXES: [&str; 8] = ["jpg", "png", "jpeg", "webp", "bmp", "tif", "tiff", "JPG"];

/// Bytes at the beginning of a file that show its format.
const SHOWN: u64 = 4096;

struct Reader {
    classes: LabelClasses,
    /// The id of each class by its number in the files.
    ids: BTreeMap<u16, u16>,
    names: Vec<String>,
    paths: Vec<PathBuf>,
    images: PathBuf,
}

struct Writer {
    out: PathBuf,
    classes: LabelClasses,
    /// The number of each class by its id.
    numbers: BTreeMap<u16, u16>,
    written: HashSet<PathBuf>,
    /// First folders of the images.
    folders: BTreeSet<String>,
}

/// Opens rows of polygons: a folder with `labels`, or with the text files themselves. `data.yaml` names the classes. Sizes
/// come from the images, which lie in `images` when no folder is given.
///
/// # Errors
/// When files are damaged or missing, or a class is not in the list that was given.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let (root, labels) = folders(path);
    let mut paths = files_with_ending(&labels, ".txt")?;
    let images = choices.images.clone().unwrap_or_else(|| root.join("images"));
    // Some tools put a list of names among the rows.
    let is_list = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name == "classes.txt") && image_of(&labels, path, &images).is_none()
    };
    paths.retain(|path| !is_list(path));
    if paths.is_empty() {
        let text = "expected text files in a folder \"labels\", found none; choose another folder";
        return Err(InterchangeError::content(text, path));
    }
    let names = paths.iter().map(|path| image_name(&labels, path, &images)).collect();
    let data = root.join(DATA);
    let listed = if data.is_file() {
        Some(data_file::names(&data)?)
    } else {
        None
    };
    let (classes, ids) = match (&choices.classes, listed) {
        (Some(classes), None) => (
            classes.clone(),
            (0..).zip(classes.iter().map(|class| class.id)).collect(),
        ),
        (Some(classes), Some(listed)) => {
            let id = |(number, name): (u16, String)| match classes.named(&name) {
                Some(class) => Ok((number, class.id)),
                None => Err(InterchangeError::content(named::unknown(&name), &data)),
            };
            (classes.clone(), listed.into_iter().map(id).collect::<Result<_, _>>()?)
        }
        (None, Some(listed)) => {
            let set = ClassSet::numbered(listed.len());
            let class = |(id, name): (&u16, &String)| super::super::LabelClass {
                id: *id,
                name: name.clone(),
                color: set.color(*id),
            };
            (
                listed.iter().map(class).collect(),
                listed.keys().map(|number| (*number, *number)).collect(),
            )
        }
        (None, None) => {
            let text = format!("expected {DATA} with the names of the classes, found none; give the classes");
            return Err(InterchangeError::content(text, path));
        }
    };
    Ok(Box::new(Reader {
        classes,
        ids,
        names,
        paths,
        images,
    }))
}

/// Whether a path has rows of polygons.
pub fn is(path: &Path) -> bool {
    let (_, labels) = folders(path);
    let found = if labels.is_dir() {
        files_with_ending(&labels, ".txt").unwrap_or_default()
    } else {
        Vec::new()
    };
    let shows = |path: &PathBuf| {
        let mut start = Vec::new();
        let read = fs::File::open(path).and_then(|file| file.take(SHOWN).read_to_end(&mut start));
        let text = String::from_utf8_lossy(&start);
        let first = text.lines().next().unwrap_or_default();
        let mut values = first.split_whitespace();
        let class = values.next().is_some_and(|class| class.parse::<u16>().is_ok());
        // A long row is cut, and so can its last number be.
        let fractions =
            values.clone().count() > 5 && values.all(|value| value.parse::<f32>().is_ok_and(|at| at <= 1.01));
        read.is_ok() && class && fractions
    };
    // The first files can be those of images without labels.
    found.iter().take(20).any(shows)
}

/// Writes rows below a folder `labels`, and `data.yaml`. The images belong into a folder `images` beside it.
///
/// # Errors
/// When classes share a name.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    named::check(classes, &[], out)?;
    Ok(Box::new(Writer {
        out: out.to_owned(),
        classes: classes.clone(),
        numbers: classes.iter().map(|class| class.id).zip(0..).collect(),
        written: HashSet::new(),
        folders: BTreeSet::new(),
    }))
}

/// The data set's folder, and that of the text files. The path can be `data.yaml` itself.
fn folders(path: &Path) -> (PathBuf, PathBuf) {
    let root = match path.is_file() {
        true => path.parent().unwrap_or(Path::new("")),
        false => path,
    };
    let labels = root.join("labels");
    let labels = if labels.is_dir() { labels } else { root.to_owned() };
    (root.to_owned(), labels)
}

fn image_name(labels: &Path, path: &Path, images: &Path) -> String {
    let found = image_of(labels, path, images);
    found.unwrap_or_else(|| name_below(labels, &path.with_extension("png")))
}

/// The name of the image that lies in its folder.
fn image_of(labels: &Path, path: &Path, images: &Path) -> Option<String> {
    let mut names = SUFFIXES
        .iter()
        .map(|suffix| name_below(labels, &path.with_extension(suffix)));
    names.find(|name| images.join(name).is_file())
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
        let content = |why| InterchangeError::content(why, path);
        let rows = rows::parsed(&read_text(path)?).map_err(content)?;
        let mut labels = unlabelled(image_size(Some(&self.images), name)?, path)?;
        rows::paint(&rows, &mut labels, |number| self.ids.get(&number).copied()).map_err(content)?;
        let name = name.clone();
        Ok(LabelledImage { name, labels })
    }

    fn remarks(&self) -> Vec<String> {
        vec!["Where polygons overlap, the smaller one lies on top, as in ultralytics.".to_owned()]
    }
}

impl LabelWriter for Writer {
    /// Reads the rows again as ultralytics does at full size.
    fn kept<'a>(&self, labels: &'a LabelMap) -> Cow<'a, LabelMap> {
        let mut read = LabelMap {
            ids: vec![UNLABELLED; labels.ids.len()],
            ..*labels
        };
        let ids: Vec<u16> = self.classes.iter().map(|class| class.id).collect();
        let rows = rows::parsed(&self.text(labels)).unwrap_or_default();
        let painted = rows::paint(&rows, &mut read, |number| ids.get(usize::from(number)).copied());
        debug_assert!(painted.is_ok());
        if read == *labels {
            Cow::Borrowed(labels)
        } else {
            Cow::Owned(read)
        }
    }

    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        check_ids(image, |id| self.numbers.contains_key(&id))?;
        let path = place(&self.out.join("labels"), &image.name, ".txt")?;
        if !self.written.insert(path.clone()) {
            let text = "expected one image for each name without suffix, found two; rename one";
            return Err(InterchangeError::CannotHold(text.to_owned(), image.name.clone()));
        }
        let folder = image.name.split_once(['/', '\\']).map(|(folder, _)| folder.to_owned());
        self.folders.extend(folder);
        replace(&path, self.text(&image.labels).as_bytes())
    }

    fn finish(self: Box<Self>) -> Result<(), InterchangeError> {
        let split = |name: &str| match self.folders.contains(name) {
            true => format!("images/{name}"),
            false => "images".to_owned(),
        };
        let text = |text: &str| Yaml::String(text.to_owned());
        let mut names = Hash::new();
        for (number, class) in (0..).zip(self.classes.iter()) {
            names.insert(Yaml::Integer(number), text(&class.name));
        }
        let mut data = Hash::new();
        // Without "path", ultralytics starts from the folder of this file.
        data.insert(text("train"), Yaml::String(split("train")));
        data.insert(text("val"), Yaml::String(split("val")));
        data.insert(text("names"), Yaml::Hash(names));
        let path = self.out.join(DATA);
        let mut written = String::new();
        YamlEmitter::new(&mut written)
            .dump(&Yaml::Hash(data))
            .map_err(|why| InterchangeError::Write(std::io::Error::other(why.to_string()), path.clone()))?;
        written.push('\n');
        replace(&path, written.as_bytes())
    }
}

impl Writer {
    fn text(&self, labels: &LabelMap) -> String {
        rows::written(labels, |id| self.numbers.get(&id).copied())
    }
}
