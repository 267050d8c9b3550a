//! Reading folders of PNG files of ids or colours: what the formats made of such files have in common.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::{InterchangeError, LabelClass, LabelClasses, LabelReader, LabelledImage, files};
use crate::annotate::UNLABELLED;
use crate::labels::{ClassSet, LabelMap};

/// A file with the labels of an image.
#[derive(Clone, Debug)]
pub(super) struct LabelFile {
    /// Where it lies.
    pub path: PathBuf,
    /// The image's name below the image folder.
    pub image: String,
}

/// Reads the labels in a file.
type Decode = Box<dyn Fn(&Path) -> Result<LabelMap, InterchangeError> + Send>;

/// A reader of one file for each image.
pub(super) struct PngReader {
    classes: LabelClasses,
    files: Vec<PathBuf>,
    names: Vec<String>,
    decode: Decode,
    remarks: Vec<String>,
}

impl PngReader {
    /// A reader of these files.
    ///
    /// # Errors
    /// When there is no file, or two are of one image; `place` is where they were looked for.
    pub(super) fn boxed(
        found: Vec<LabelFile>,
        classes: LabelClasses,
        remarks: Vec<String>,
        place: &Path,
        decode: impl Fn(&Path) -> Result<LabelMap, InterchangeError> + Send + 'static,
    ) -> Result<Box<dyn LabelReader>, InterchangeError> {
        if found.is_empty() {
            return Err(InterchangeError::content(
                "expected label files, found none; choose their folder",
                place,
            ));
        }
        let mut of_images = HashMap::new();
        for file in &found {
            if let Some(other) = of_images.insert(&file.image, &file.path) {
                let other = other.display();
                let text = format!(
                    "expected one label file for {}, found this one and {other}; choose the folder of one kind",
                    file.image
                );
                return Err(InterchangeError::content(text, &file.path));
            }
        }
        let (files, names) = found.into_iter().map(|file| (file.path, file.image)).unzip();
        Ok(Box::new(Self {
            classes,
            files,
            names,
            decode: Box::new(decode),
            remarks,
        }))
    }
}

impl LabelReader for PngReader {
    fn classes(&self) -> &LabelClasses {
        &self.classes
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn read(&mut self, index: usize) -> Result<LabelledImage, InterchangeError> {
        let (Some(path), Some(name)) = (self.files.get(index), self.names.get(index)) else {
            let text = format!("expected one of {} images, found number {index}", self.names.len());
            return Err(InterchangeError::CannotHold(text, String::new()));
        };
        Ok(LabelledImage {
            name: name.clone(),
            labels: (self.decode)(path)?,
        })
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}

/// Files below a folder with an ending such as `_labelIds.png`, named by their place with `suffix` instead of it.
///
/// # Errors
/// When the folder cannot be listed.
pub(super) fn listed(folder: &Path, ending: &str, suffix: &str) -> Result<Vec<LabelFile>, InterchangeError> {
    let found = files::files_with_ending(folder, &ending.to_lowercase())?;
    let named = found.into_iter().filter_map(|path| {
        let below = files::name_below(folder, &path);
        // The ending may be written in another case, of the same length.
        let stem = below.get(..below.len().checked_sub(ending.len())?)?;
        let image = format!("{stem}{suffix}");
        Some(LabelFile { path, image })
    });
    Ok(named.collect())
}

/// Number of entries of a folder that recognition looks at.
const LOOKED_AT: usize = 4000;

/// A file below a folder that fits, among the first few thousand entries: for recognition of formats.
pub(super) fn any_file(folder: &Path, fits: impl Fn(&str) -> bool) -> Option<PathBuf> {
    let entries = walkdir::WalkDir::new(folder)
        .max_depth(5)
        .into_iter()
        .take(LOOKED_AT)
        .flatten();
    let mut files = entries.filter(|entry| !entry.file_type().is_dir());
    files
        .find(|entry| fits(&entry.file_name().to_string_lossy()))
        .map(walkdir::DirEntry::into_path)
}

/// What the values in files mean.
#[derive(Clone, Debug)]
pub(super) struct Values {
    /// By value: the id.
    ids: Vec<Option<u16>>,
    /// Names of values whose class is not in the list that the user has given.
    missing: BTreeMap<u16, String>,
}

impl Values {
    /// Values with these ids.
    pub(super) fn new(pairs: impl IntoIterator<Item = (u16, u16)>) -> Self {
        let mut ids = vec![None; usize::from(u16::MAX) + 1];
        for (value, id) in pairs {
            ids[usize::from(value)] = Some(id);
        }
        Self {
            ids,
            missing: BTreeMap::new(),
        }
    }

    /// Classes whose ids are the values in the files, and what the values mean: the ids of classes with the same names
    /// in a given list, else the values themselves.
    pub(super) fn named(listed: &LabelClasses, given: Option<&LabelClasses>) -> (LabelClasses, Self) {
        let Some(given) = given else {
            return (
                listed.clone(),
                Self::new(listed.iter().map(|class| (class.id, class.id))),
            );
        };
        let mut values = Self::new([]);
        for class in listed.iter() {
            match counterpart(given, class) {
                Some(id) => values.ids[usize::from(class.id)] = Some(id),
                None => {
                    values.missing.insert(class.id, class.name.clone());
                }
            }
        }
        (given.clone(), values)
    }

    /// The same, and a value without a class, unless it has one.
    pub(super) fn with_unlabelled(mut self, value: u16) -> Self {
        self.ids[usize::from(value)].get_or_insert(UNLABELLED);
        self
    }

    /// The same, with another id for a value.
    pub(super) fn replaced(mut self, value: u16, id: u16) -> Self {
        self.ids[usize::from(value)] = Some(id);
        self
    }

    /// Ids instead of values.
    ///
    /// # Errors
    /// When a value has no meaning; the text has the number of its pixels.
    pub(super) fn ids(&self, mut labels: LabelMap, path: &Path) -> Result<LabelMap, InterchangeError> {
        let id_of = |value: u16| self.ids.get(usize::from(value)).copied().flatten();
        let strange = labels.ids.iter().copied().find(|value| id_of(*value).is_none());
        if let Some(value) = strange {
            let pixels = labels.ids.iter().filter(|other| **other == value).count();
            let text = match self.missing.get(&value) {
                Some(name) => {
                    format!("expected classes of the given list, found {name:?} in {pixels} pixels; add it or map it")
                }
                None => {
                    format!("expected values of the classes, found {value} in {pixels} pixels; choose their classes")
                }
            };
            return Err(InterchangeError::content(text, path));
        }
        for value in &mut labels.ids {
            *value = id_of(*value).unwrap_or(UNLABELLED);
        }
        Ok(labels)
    }

    /// Reads a grey or indexed PNG of values.
    ///
    /// # Errors
    /// When it is none, or has values without a meaning.
    pub(super) fn read(&self, path: &Path) -> Result<LabelMap, InterchangeError> {
        self.ids(files::read_ids(path)?, path)
    }
}

/// The id of the class of the same name in another list, if possible with the same id.
pub(super) fn counterpart(classes: &LabelClasses, class: &LabelClass) -> Option<u16> {
    let same = classes.get(class.id).filter(|other| other.name == class.name);
    same.or_else(|| classes.named(&class.name)).map(|other| other.id)
}

/// Classes, values and a remark for files that name no classes: the values are ids of the given classes, or each value
/// in the files is a class of its own. Values of `unlabelled` without a class have none.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn unnamed(
    found: &[LabelFile],
    given: Option<&LabelClasses>,
    unlabelled: &[u16],
    read: impl Fn(&Path) -> Result<LabelMap, InterchangeError>,
) -> Result<(LabelClasses, Values, Vec<String>), InterchangeError> {
    let (classes, remarks) = match given {
        Some(given) => (given.clone(), Vec::new()),
        None => {
            let remark =
                "The files do not name classes, so these are named by their ids; give names with a class list.";
            (numbered(found, unlabelled, read)?, vec![remark.to_owned()])
        }
    };
    let mut values = Values::new(classes.iter().map(|class| (class.id, class.id)));
    for value in unlabelled {
        values = values.with_unlabelled(*value);
    }
    Ok((classes, values, remarks))
}

/// A class for each value in the files, except `unlabelled` ones.
fn numbered(
    found: &[LabelFile],
    unlabelled: &[u16],
    read: impl Fn(&Path) -> Result<LabelMap, InterchangeError>,
) -> Result<LabelClasses, InterchangeError> {
    let mut used = vec![false; usize::from(UNLABELLED)];
    for file in found {
        for id in files::used(&read(&file.path)?) {
            if let Some(used) = used.get_mut(usize::from(id)) {
                *used = true;
            }
        }
    }
    // Above 255, the unlabelled byte is an id like others.
    let is_large = used.iter().skip(256).any(|used| *used);
    let is_class = |id: &u16| used[usize::from(*id)] && (!unlabelled.contains(id) || (*id == 255 && is_large));
    let colors = ClassSet::numbered(used.iter().rposition(|used| *used).map_or(0, |last| last + 1));
    let class = |id: u16| LabelClass {
        id,
        name: format!("class {id}"),
        color: colors.color(id),
    };
    Ok((0..UNLABELLED).filter(is_class).map(class).collect())
}

/// What the colours in files mean.
#[derive(Clone, Debug, Default)]
pub(super) struct ColorValues(HashMap<[u8; 3], u16>);

impl ColorValues {
    /// Adds a colour with a value, unless it has one. Returns whether it was added.
    pub(super) fn add(&mut self, color: [u8; 3], value: u16) -> bool {
        let is_free = !self.0.contains_key(&color);
        if is_free {
            self.0.insert(color, value);
        }
        is_free
    }

    /// The value of a colour.
    pub(super) fn get(&self, color: [u8; 3]) -> Option<u16> {
        self.0.get(&color).copied()
    }

    /// Reads an RGB PNG of these colours.
    ///
    /// # Errors
    /// When it is none, or has a colour without a value; the text has the number of its pixels.
    pub(super) fn read(&self, path: &Path) -> Result<LabelMap, InterchangeError> {
        let ([width, height], colors) = files::read_colors(path)?;
        let mut ids = Vec::with_capacity(colors.len());
        let mut last = None;
        for color in &colors {
            // Neighbours mostly have the same colour.
            let value = match last {
                Some((same, value)) if same == *color => value,
                _ => self.get(*color).ok_or_else(|| undeclared(*color, &colors, path))?,
            };
            last = Some((*color, value));
            ids.push(value);
        }
        Ok(LabelMap { width, height, ids })
    }
}

fn undeclared(color: [u8; 3], colors: &[[u8; 3]], path: &Path) -> InterchangeError {
    let pixels = colors.iter().filter(|other| **other == color).count();
    let [red, green, blue] = color;
    let text = format!(
        "expected colours of the classes, found ({red}, {green}, {blue}) in {pixels} pixels; add the colour to the list"
    );
    InterchangeError::content(text, path)
}

/// The value of each class as its place in the order of ids, and the classes by value, for formats whose values have no
/// gaps. `first` is the value of the first.
pub(super) fn without_gaps(classes: &LabelClasses, first: u16) -> Vec<(u16, LabelClass)> {
    let mut sorted: Vec<LabelClass> = classes.iter().cloned().collect();
    sorted.sort_by_key(|class| class.id);
    (first..).zip(sorted).collect()
}

/// Checks that all classes are in the list of a format.
///
/// # Errors
/// When one is not; `out` is where the labels were to be written.
pub(super) fn check_listed(classes: &LabelClasses, fixed: &LabelClasses, out: &Path) -> Result<(), InterchangeError> {
    let is_strange = |class: &&LabelClass| fixed.get(class.id).is_none_or(|own| own.name != class.name);
    match classes.iter().find(is_strange) {
        None => Ok(()),
        Some(LabelClass { id, name, .. }) => Err(InterchangeError::content(
            format!("expected classes of the format's list, found {name:?} with id {id}; choose a mapping (--map)"),
            out,
        )),
    }
}

#[cfg(test)]
mod tests;
