//! The class-set file beside label files: `[[classes]]` with `name`, `color` and `id`.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{InterchangeError, LabelClass, LabelClasses, files};
use crate::annotate::UNLABELLED;
use crate::annotate::project::{Project, ProjectClass};

/// Usual name of the file.
pub(super) const CLASS_FILE: &str = "classes.toml";

/// Name of the file of an annotation project.
pub(super) const PROJECT_FILE: &str = "project.toml";

/// Classes, and which values of label files mean no class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFile {
    /// The classes, in the order of the file, without deleted ones.
    pub classes: LabelClasses,
    /// Values without a class.
    pub ignored: Vec<u16>,
    /// Whether the value 0 has no class and other values are one more than their class.
    pub zero_is_ignored: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Rules {
    #[serde(default)]
    zero_is_ignored: bool,
}

impl ClassFile {
    /// Reads a class-set file or the file of an annotation project.
    ///
    /// # Errors
    /// When it is none.
    pub fn open(path: &Path) -> Result<Self, InterchangeError> {
        let text = files::read_text(path)?;
        let content = |why: String| InterchangeError::content(why, path);
        let project = Project::parse(&text).map_err(|why| content(why.to_string()))?;
        let rules: Rules = toml::from_str(&text).map_err(|why| content(why.message().to_owned()))?;
        let mut ignored = project.ignored.clone();
        ignored.push(project.unlabelled);
        Ok(Self {
            classes: project.listed().map(LabelClass::from).collect(),
            ignored,
            zero_is_ignored: rules.zero_is_ignored,
        })
    }

    /// The file in a folder, if it has one.
    ///
    /// # Errors
    /// When a file of this name is no class set.
    pub fn in_folder(folder: &Path) -> Result<Option<Self>, InterchangeError> {
        let names = [CLASS_FILE, PROJECT_FILE].map(|name| folder.join(name));
        let file = names.iter().find(|file| file.is_file());
        file.map(|file| Self::open(file)).transpose()
    }

    /// Writes these classes as a class-set file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(classes: &LabelClasses, path: &Path) -> Result<(), InterchangeError> {
        let earlier = fs::read_to_string(path).ok();
        files::replace(path, project_of(classes).text(earlier.as_deref()).as_bytes())
    }

    /// The id of a value in a label file.
    pub fn id_of(&self, value: u16) -> u16 {
        match value {
            value if self.ignored.contains(&value) => UNLABELLED,
            0 if self.zero_is_ignored => UNLABELLED,
            value => value - u16::from(self.zero_is_ignored),
        }
    }
}

/// A project with these classes.
pub(super) fn project_of(classes: &LabelClasses) -> Project {
    let class = |class: &LabelClass| ProjectClass {
        id: class.id,
        name: class.name.clone(),
        color: class.color,
        key: None,
        locked: false,
        deleted: false,
    };
    Project {
        name: "labels".into(),
        labels: "labels".into(),
        unlabelled: if classes.largest().is_some_and(|id| id >= 255) {
            UNLABELLED
        } else {
            255
        },
        ignored: Vec::new(),
        classes: classes.iter().map(class).collect(),
        rewriting: None,
    }
}

impl From<&ProjectClass> for LabelClass {
    fn from(class: &ProjectClass) -> Self {
        Self {
            id: class.id,
            name: class.name.clone(),
            color: class.color,
        }
    }
}
