//! What a format of labels is, and which one a folder or file has.

use std::path::Path;

use super::format_list::{FORMATS, RECOGNISED};
use super::{InterchangeError, LabelClasses, LabelReader, LabelWriter, ReadChoices, WriteChoices};

/// Opens a folder or file for reading.
pub(super) type Open = fn(&Path, &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError>;

/// Makes a folder for writing.
pub(super) type Create = fn(&Path, &LabelClasses, &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError>;

/// A format of labels.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// What the command line calls it.
    pub key: &'static str,
    /// What the window calls it.
    pub title: &'static str,
    /// What is in its files, in a few words.
    pub about: &'static str,
    /// Whether each map comes back as it was; else the writer tells beforehand what is lost.
    pub exact: bool,
    pub(super) open: Option<Open>,
    pub(super) create: Option<Create>,
    pub(super) is: Option<fn(&Path) -> bool>,
    pub(super) classes: Option<fn() -> LabelClasses>,
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Format {}

impl Format {
    /// All formats, in the order in which they are offered.
    pub fn all() -> &'static [Self] {
        FORMATS
    }

    /// The format with a key.
    pub fn named(key: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.key == key)
    }

    /// The format of a folder or file, by its content. The formats with the most characteristic files are asked first.
    pub fn of(path: &Path) -> Option<&'static Self> {
        let asked = RECOGNISED.iter().filter_map(|key| Self::named(key));
        asked.into_iter().find(|format| format.is.is_some_and(|is| is(path)))
    }

    /// Whether labels can be read from it.
    pub fn reads(&self) -> bool {
        self.open.is_some()
    }

    /// Whether labels can be written to it.
    pub fn writes(&self) -> bool {
        self.create.is_some()
    }

    /// The classes of a format that has no others.
    pub fn classes(&self) -> Option<LabelClasses> {
        self.classes.map(|classes| classes())
    }

    /// Opens a folder or file.
    ///
    /// # Errors
    /// When it has another format or is damaged, or the format is only written.
    pub fn open(&self, path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
        match self.open {
            Some(open) => open(path, choices),
            None => Err(InterchangeError::content(
                format!(
                    "expected a format that is read, found {}, which is only written",
                    self.key
                ),
                path,
            )),
        }
    }

    /// Makes a writer into a folder.
    ///
    /// # Errors
    /// When the format cannot hold the classes, is only read, or the folder cannot be made.
    pub fn create(
        &self,
        out: &Path,
        classes: &LabelClasses,
        choices: &WriteChoices,
    ) -> Result<Box<dyn LabelWriter>, InterchangeError> {
        match self.create {
            Some(create) => create(out, classes, choices),
            None => Err(InterchangeError::content(
                format!(
                    "expected a format that is written, found {}, which is only read",
                    self.key
                ),
                out,
            )),
        }
    }
}
