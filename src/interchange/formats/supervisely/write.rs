//! Writes projects.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::bitmap::{self, Bitmap};
use super::{ANNOTATIONS, DEFAULT, INNER, META, Meta, MetaClass, Size};
use crate::interchange::masks::each_mask;
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelWriter, LabelledImage, WriteChoices, files, hex,
};

#[derive(Serialize)]
struct Annotation {
    description: &'static str,
    tags: [u8; 0],
    size: Size,
    objects: Vec<Object>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    description: &'static str,
    class_title: String,
    geometry_type: &'static str,
    tags: [u8; 0],
    bitmap: Placed,
}

#[derive(Serialize)]
struct Placed {
    /// Column and row of the left top pixel.
    origin: [usize; 2],
    data: String,
}

struct Writer {
    out: PathBuf,
    classes: LabelClasses,
    parts: bool,
}

/// Writes a project with a bitmap for each class of an image, or for each connected part. Images are expected in the
/// folder `img` beside `ann`.
///
/// # Errors
/// When two classes have the same name or the folder cannot be made.
pub fn create(
    out: &Path,
    classes: &LabelClasses,
    choices: &WriteChoices,
) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    files::check_names(classes)?;
    fs::create_dir_all(out).map_err(InterchangeError::write(out))?;
    Ok(Box::new(Writer {
        out: out.to_owned(),
        classes: classes.clone(),
        parts: choices.parts,
    }))
}

/// The annotation file of an image.
fn file_of(out: &Path, name: &str) -> Result<PathBuf, InterchangeError> {
    let name = files::visible(name)?;
    let folders: Vec<_> = name.parent().into_iter().flat_map(Path::iter).collect();
    let mut path = out.to_owned();
    // A folder of the default's name lies in it, so that the name comes back.
    let in_default = folders.first().is_none_or(|first| *first == DEFAULT);
    if in_default {
        path.push(DEFAULT);
    }
    for (depth, folder) in folders.iter().enumerate() {
        if depth > 0 || in_default {
            path.push(INNER);
        }
        path.push(folder);
    }
    let mut file = name.file_name().unwrap_or_default().to_os_string();
    file.push(".json");
    Ok(path.join(ANNOTATIONS).join(file))
}

impl LabelWriter for Writer {
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        let path = file_of(&self.out, &image.name)?;
        files::check_ids(image, |id| self.classes.get(id).is_some())?;
        let labels = &image.labels;
        let mut objects = Vec::new();
        each_mask(labels, self.parts, |mask, class, [left, top, width, height]| {
            let rows = mask.ids.chunks_exact(mask.width).skip(top).take(height);
            let pixels = rows.flat_map(|row| row.iter().skip(left).take(width));
            let inside = pixels.map(|id| *id == class).collect();
            let data = bitmap::encode(&Bitmap { width, inside });
            objects.push(Object {
                description: "",
                class_title: self
                    .classes
                    .get(class)
                    .map(|class| class.name.clone())
                    .unwrap_or_default(),
                geometry_type: "bitmap",
                tags: [],
                bitmap: Placed {
                    origin: [left, top],
                    data: data.map_err(|why| InterchangeError::CannotHold(why, image.name.clone()))?,
                },
            });
            Ok::<(), InterchangeError>(())
        })?;
        let size = Size {
            height: labels.height as u64,
            width: labels.width as u64,
        };
        let annotation = Annotation {
            description: "",
            tags: [],
            size,
            objects,
        };
        replace(&path, &annotation)
    }

    fn finish(self: Box<Self>) -> Result<(), InterchangeError> {
        let class = |class: &LabelClass| MetaClass {
            title: class.name.clone(),
            shape: "bitmap",
            color: hex::of_color(class.color).to_uppercase(),
            class_id: Some(class.id),
        };
        let meta = Meta {
            classes: self.classes.iter().map(class).collect(),
            tags: Vec::new(),
            kind: "images",
        };
        replace(&self.out.join(META), &meta)
    }
}

fn replace(path: &Path, value: &impl Serialize) -> Result<(), InterchangeError> {
    let text = serde_json::to_vec(value).map_err(|why| InterchangeError::Write(why.into(), path.to_owned()))?;
    files::replace(path, &text)
}
