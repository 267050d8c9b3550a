//! `segscope`: an annotation project, with `project.toml` and a label file for each image.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::index::{self, Reader};
use crate::annotate::project::{Project, Records};
use crate::interchange::class_file::{ClassFile, PROJECT_FILE, project_of};
use crate::interchange::{
    InterchangeError, LabelClasses, LabelReader, LabelWriter, LabelledImage, ReadChoices, WriteChoices, files,
};

/// The file with what is known of each image.
const RECORDS: &str = "state.jsonl";

/// Opens the project in a folder. Images have the names that the project knows, else those of the label files.
///
/// # Errors
/// When there is no project, or it has no label files.
pub fn open(path: &Path, _: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let file = path.join(PROJECT_FILE);
    let values = ClassFile::open(&file)?;
    let folder = path.join(labels_of(&file)?);
    let listed = files::files_with_ending(&folder, ".png")?;
    let records = fs::read_to_string(path.join(RECORDS)).unwrap_or_default();
    let records = Records::parse(&records);
    let known: HashMap<String, &str> = records
        .iter()
        .map(|record| below_images(&record.path))
        .map(|name| (label_name(name), name))
        .collect();
    let name = |file: &PathBuf| {
        let label = files::name_below(&folder, file);
        known.get(&label).map_or(label.clone(), |name| (*name).to_owned())
    };
    Ok(Box::new(Reader {
        names: listed.iter().map(name).collect(),
        files: listed,
        values,
        remarks: Vec::new(),
    }))
}

/// The folder of label files that a project names.
fn labels_of(file: &Path) -> Result<PathBuf, InterchangeError> {
    let project = Project::parse(&files::read_text(file)?);
    let project = project.map_err(|why| InterchangeError::content(why.to_string(), file))?;
    files::safe(&project.labels)
}

/// The name of an image in labels: its path below the project, without the folder of images that it may begin with.
pub fn below_images(path: &str) -> &str {
    match path.split_once('/') {
        Some((first, rest)) if crate::datasets::is_image_folder(first) => rest,
        _ => path,
    }
}

/// The path of a label file below the folder of labels.
fn label_name(image: &str) -> String {
    Path::new(image).with_extension("png").to_string_lossy().into_owned()
}

struct Writer {
    out: PathBuf,
    classes: LabelClasses,
    written: HashSet<PathBuf>,
}

/// Writes `project.toml` and `labels/NAME.png`.
///
/// # Errors
/// When the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    fs::create_dir_all(out).map_err(InterchangeError::write(out))?;
    Ok(Box::new(Writer {
        out: out.to_owned(),
        classes: classes.clone(),
        written: HashSet::new(),
    }))
}

impl LabelWriter for Writer {
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        files::check_ids(image, |id| self.classes.get(id).is_some())?;
        let path = files::place(&self.out.join("labels"), below_images(&image.name), ".png")?;
        files::check_new(&mut self.written, &path, &image.name)?;
        files::replace(&path, &index::encoded(&index::png_for(&self.classes), image)?)
    }

    fn finish(self: Box<Self>) -> Result<(), InterchangeError> {
        let text = project_of(&self.classes).text(None);
        files::replace(&self.out.join(PROJECT_FILE), text.as_bytes())
    }
}

/// Whether a folder is that of a project.
pub fn is(path: &Path) -> bool {
    path.join(PROJECT_FILE).is_file()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::sample;

    #[test]
    fn maps_come_back_as_they_were() {
        assert_eq!(sample::there_and_back(create, open, &sample::classes()), 0);
    }

    #[test]
    fn images_have_the_names_that_the_project_knows() {
        let folder = tempfile::tempdir().expect("a folder");
        let classes = sample::classes();
        let mut writer = create(folder.path(), &classes, &WriteChoices::default()).expect("a writer");
        let labels = sample::maps(&[1], 1).remove(0);
        let name = "images/val/a.b.jpg".to_owned();
        writer.write(&LabelledImage { name, labels }).expect("written");
        writer.finish().expect("finished");
        let names = || {
            open(folder.path(), &ReadChoices::default())
                .expect("a reader")
                .names()
                .to_vec()
        };
        assert_eq!(names(), ["val/a.b.png"]);
        fs::write(folder.path().join(RECORDS), "{\"path\":\"images/val/a.b.jpg\"}\n").expect("written");
        assert_eq!(names(), ["val/a.b.jpg"]);
    }
}
