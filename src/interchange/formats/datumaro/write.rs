//! Writes subset files.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Categories, Color, Colors, DEFAULT, Infos, Label, Labels};
use crate::interchange::json_list::JsonList;
use crate::interchange::masks::each_mask;
use crate::interchange::rle::coco as runs;
use crate::interchange::{InterchangeError, LabelClass, LabelClasses, LabelWriter, LabelledImage, WriteChoices, files};

/// Most subsets: each has an open file.
const MAX_SUBSETS: usize = 200;

#[derive(Serialize)]
struct Item {
    id: String,
    annotations: Vec<Mask>,
    image: Image,
}

#[derive(Serialize)]
struct Image {
    path: String,
    /// Rows and columns.
    size: [usize; 2],
}

#[derive(Serialize)]
struct Mask {
    id: usize,
    #[serde(rename = "type")]
    kind: &'static str,
    attributes: Nothing,
    group: u32,
    label_id: u16,
    z_order: i64,
    rle: Runs,
}

/// An object without keys.
#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Runs {
    counts: String,
    /// Rows and columns.
    size: [usize; 2],
}

struct Writer {
    folder: PathBuf,
    classes: LabelClasses,
    /// Place of each class in the list.
    places: HashMap<u16, u16>,
    parts: bool,
    subsets: BTreeMap<String, JsonList>,
    /// Subsets and ids of all images.
    seen: HashSet<(String, String)>,
}

/// Writes `annotations/SUBSET.json` with a mask for each class of an image, or for each connected part. Images are
/// expected as `images/SUBSET/NAME`.
///
/// # Errors
/// When two classes have the same name or the folder cannot be made.
pub fn create(
    out: &Path,
    classes: &LabelClasses,
    choices: &WriteChoices,
) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    files::check_names(classes)?;
    let folder = out.join("annotations");
    fs::create_dir_all(&folder).map_err(InterchangeError::write(&folder))?;
    Ok(Box::new(Writer {
        folder,
        classes: classes.clone(),
        places: classes.iter().map(|class| class.id).zip(0..).collect(),
        parts: choices.parts,
        subsets: BTreeMap::new(),
        seen: HashSet::new(),
    }))
}

impl Writer {
    /// The elements of a subset's file.
    fn subset(&mut self, name: &str) -> Result<&mut JsonList, InterchangeError> {
        if !self.subsets.contains_key(name) && self.subsets.len() >= MAX_SUBSETS {
            let text = format!("expected at most {MAX_SUBSETS} first folders, found more; join some");
            return Err(InterchangeError::CannotHold(text, name.to_owned()));
        }
        let list = match self.subsets.remove(name) {
            Some(list) => list,
            None => JsonList::for_file(&self.folder.join(format!("{name}.json")))?,
        };
        Ok(self.subsets.entry(name.to_owned()).or_insert(list))
    }
}

/// The subset of an image and its path there.
fn subset_of(name: &str) -> (&str, &str) {
    // A folder of the default's name stays, so that the name comes back.
    let split = name.split_once('/').filter(|(subset, _)| *subset != DEFAULT);
    split.unwrap_or((DEFAULT, name))
}

impl LabelWriter for Writer {
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        let name = files::name_below(Path::new(""), &files::safe(&image.name)?);
        files::check_ids(image, |id| self.places.contains_key(&id))?;
        let labels = &image.labels;
        let size = [labels.height, labels.width];
        let mut annotations = Vec::new();
        each_mask(labels, self.parts, |mask, class, _| {
            annotations.push(Mask {
                id: annotations.len(),
                kind: "mask",
                attributes: Nothing {},
                group: 0,
                label_id: self.places.get(&class).copied().unwrap_or_default(),
                z_order: 0,
                rle: Runs {
                    counts: runs::encode(&runs::runs_of(mask, class)),
                    size,
                },
            });
            Ok::<(), InterchangeError>(())
        })?;
        let (subset, path) = subset_of(&name);
        let stem = path
            .rsplit_once('.')
            .filter(|(stem, ending)| !stem.is_empty() && !ending.contains('/'));
        let id = stem.map_or(path, |(stem, _)| stem).to_owned();
        if !self.seen.insert((subset.to_owned(), id.clone())) {
            let text = "expected images whose names differ in more than the suffix, found two alike; rename one";
            return Err(InterchangeError::CannotHold(text.into(), image.name.clone()));
        }
        let path = path.to_owned();
        let item = Item {
            id,
            annotations,
            image: Image { path, size },
        };
        self.subset(subset)?.push(&item)
    }

    fn finish(mut self: Box<Self>) -> Result<(), InterchangeError> {
        if self.subsets.is_empty() {
            self.subset(DEFAULT)?;
        }
        let described = |value: Result<String, serde_json::Error>| {
            value.map_err(|why| InterchangeError::Write(why.into(), self.folder.clone()))
        };
        let infos = Infos {
            class_ids: Some(self.classes.iter().map(|class| class.id).collect()),
        };
        let infos = described(serde_json::to_string(&infos))?;
        let categories = described(serde_json::to_string(&categories_of(&self.classes)))?;
        let head = format!(
            "{{\"dm_format_version\":\"1.0\",\"media_type\":2,\"infos\":{infos},\"categories\":{categories},\"items\":["
        );
        self.subsets
            .into_values()
            .try_for_each(|list| list.finish(&head, "]}\n"))
    }
}

fn categories_of(classes: &LabelClasses) -> Categories {
    let label = |class: &LabelClass| Label {
        name: class.name.clone(),
        ..Label::default()
    };
    let color = |(label_id, class): (u64, &LabelClass)| {
        let [r, g, b] = class.color;
        Color { label_id, r, g, b }
    };
    Categories {
        label: Labels {
            labels: classes.iter().map(label).collect(),
            ..Labels::default()
        },
        mask: Colors {
            colormap: (0..).zip(classes.iter()).map(color).collect(),
        },
    }
}
