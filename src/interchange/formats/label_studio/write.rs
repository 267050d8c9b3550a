//! Writes tasks with brush masks.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{CONFIG, TASKS, config, image_name};
use crate::interchange::json_list::JsonList;
use crate::interchange::masks::each_mask;
use crate::interchange::rle::label_studio as code;
use crate::interchange::{InterchangeError, LabelClasses, LabelWriter, LabelledImage, WriteChoices, files};

#[derive(Serialize)]
struct Task {
    id: u64,
    data: Data,
    annotations: [Annotation; 1],
}

/// The size is there for images without regions; other programs ignore it.
#[derive(Serialize)]
struct Data {
    image: String,
    width: usize,
    height: usize,
}

#[derive(Serialize)]
struct Annotation {
    result: Vec<Region>,
}

#[derive(Serialize)]
struct Region {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    from_name: &'static str,
    to_name: &'static str,
    original_width: usize,
    original_height: usize,
    image_rotation: u16,
    value: Value,
}

#[derive(Serialize)]
struct Value {
    format: &'static str,
    rle: Vec<u8>,
    brushlabels: [String; 1],
}

struct Writer {
    out: PathBuf,
    classes: LabelClasses,
    parts: bool,
    tasks: JsonList,
    count: u64,
}

/// Writes `tasks.json` to import, with a brush mask for each class of an image or for each connected part, and
/// `config.xml`, the interface of the project. Images are expected below the folder that Label Studio serves files of.
///
/// # Errors
/// When two classes have the same name or the folder cannot be made.
pub fn create(
    out: &Path,
    classes: &LabelClasses,
    choices: &WriteChoices,
) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    files::check_names(classes)?;
    for class in classes.iter() {
        files::check_printable(&class.name)?;
    }
    fs::create_dir_all(out).map_err(InterchangeError::write(out))?;
    Ok(Box::new(Writer {
        out: out.to_owned(),
        classes: classes.clone(),
        parts: choices.parts,
        tasks: JsonList::for_file(&out.join(TASKS))?,
        count: 0,
    }))
}

impl LabelWriter for Writer {
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        files::safe(&image.name)?;
        files::check_ids(image, |id| self.classes.get(id).is_some())?;
        let labels = &image.labels;
        let mut result = Vec::new();
        self.count += 1;
        each_mask(labels, self.parts, |mask, class, _| {
            let name = self
                .classes
                .get(class)
                .map(|class| class.name.clone())
                .unwrap_or_default();
            result.push(Region {
                id: format!("r{}-{}", self.count, result.len() + 1),
                kind: "brushlabels",
                from_name: "tag",
                to_name: "image",
                original_width: labels.width,
                original_height: labels.height,
                image_rotation: 0,
                value: Value {
                    format: "rle",
                    rle: code::encode(mask, class),
                    brushlabels: [name],
                },
            });
            Ok::<(), InterchangeError>(())
        })?;
        self.tasks.push(&Task {
            id: self.count,
            data: Data {
                image: image_name::address(&image.name),
                width: labels.width,
                height: labels.height,
            },
            annotations: [Annotation { result }],
        })
    }

    fn finish(self: Box<Self>) -> Result<(), InterchangeError> {
        self.tasks.finish("[", "]\n")?;
        files::replace(&self.out.join(CONFIG), config::text(&self.classes).as_bytes())
    }
}
