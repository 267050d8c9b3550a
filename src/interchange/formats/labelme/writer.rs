//! What the writers of masks and of polygons have in common.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use super::super::named;
use super::shapes::{File, Flags, Shape};
use super::{BACKGROUND, IGNORED, LIST};
use crate::annotate::UNLABELLED;
use crate::interchange::files::{check_ids, place, replace, safe};
use crate::interchange::{InterchangeError, LabelClasses, LabelWriter, LabelledImage, WriteChoices};
use crate::labels::LabelMap;

/// Makes the shapes of a map; the names of classes come from a function.
pub(in super::super) type Shapes = fn(&LabelMap, &dyn Fn(u16) -> String, bool) -> Result<Vec<Shape>, String>;

struct Writer {
    out: PathBuf,
    classes: LabelClasses,
    choices: WriteChoices,
    shapes: Shapes,
    written: HashSet<PathBuf>,
}

/// A writer of one file for each image, with shapes of a kind.
///
/// # Errors
/// When classes share a name, or have one that means "no class".
pub(in super::super) fn create(
    out: &Path,
    classes: &LabelClasses,
    choices: &WriteChoices,
    shapes: Shapes,
) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    named::check(classes, &[BACKGROUND, IGNORED], out)?;
    Ok(Box::new(Writer {
        out: out.to_owned(),
        classes: classes.clone(),
        choices: choices.clone(),
        shapes,
        written: HashSet::new(),
    }))
}

impl LabelWriter for Writer {
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        check_ids(image, |id| self.classes.get(id).is_some())?;
        let path = place(&self.out, &image.name, ".json")?;
        if !self.written.insert(path.clone()) {
            let text = "expected one image for each name without suffix, found two; rename one";
            return Err(InterchangeError::CannotHold(text.to_owned(), image.name.clone()));
        }
        let name = |id: u16| match self.classes.get(id) {
            Some(class) => class.name.clone(),
            // Labelme's own export gives the background's id to what no shape covers, too.
            None => if id == UNLABELLED { BACKGROUND } else { IGNORED }.to_owned(),
        };
        let shapes = (self.shapes)(&image.labels, &name, self.choices.parts);
        let file = File {
            version: Some("6.3.1".to_owned()),
            flags: Flags::default(),
            shapes: shapes.map_err(|why| InterchangeError::CannotHold(why, image.name.clone()))?,
            image_path: Some(image_path(self.choices.images.as_deref(), &image.name, &path)?),
            image_data: None,
            image_height: Some(image.labels.height as u64),
            image_width: Some(image.labels.width as u64),
        };
        let bytes = serde_json::to_vec(&file).map_err(|why| InterchangeError::Write(why.into(), path.clone()))?;
        replace(&path, &bytes)
    }

    fn finish(self: Box<Self>) -> Result<(), InterchangeError> {
        let mut list = format!("{IGNORED}\n{BACKGROUND}\n");
        for class in self.classes.iter() {
            list.push_str(&class.name.replace(['\n', '\r'], " "));
            list.push('\n');
        }
        replace(&self.out.join(LIST), list.as_bytes())
    }
}

/// The path from a JSON file to its image; beside it when the folder of the images is not known.
fn image_path(images: Option<&Path>, name: &str, json: &Path) -> Result<String, InterchangeError> {
    let relative = safe(name)?;
    let beside = || relative.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Some(images) = images else {
        return Ok(beside());
    };
    let folder = json.parent().unwrap_or(Path::new(""));
    let absolute = |path: &Path| std::path::absolute(path).map_err(InterchangeError::read(path));
    let [image, folder] = [absolute(&images.join(&relative))?, absolute(folder)?];
    let same = image
        .components()
        .zip(folder.components())
        .take_while(|(a, b)| a == b)
        .count();
    if same == 0 {
        // Another drive.
        return Ok(image.to_string_lossy().replace('\\', "/"));
    }
    let up = folder.components().skip(same).map(|_| Component::ParentDir);
    let parts = up.chain(image.components().skip(same));
    let parts: Vec<String> = parts
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    Ok(parts.join("/"))
}
