//! Writes a file of outlines for each image; the formats say how its text looks.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::outline::crack::{self, Part};
use super::{InterchangeError, LabelClass, LabelClasses, LabelWriter, LabelledImage, WriteChoices, files};
use crate::annotate::UNLABELLED;

/// The outlines of a class, or of one connected part of it.
pub(super) struct Shape<'a> {
    /// The class.
    pub(super) class: &'a LabelClass,
    /// Its parts, with rings along pixel edges.
    pub(super) parts: Vec<Part>,
}

/// Writes `NAME` with another suffix for each image.
pub(super) struct OutlineWriter {
    out: PathBuf,
    classes: LabelClasses,
    /// One shape for each connected part.
    parts: bool,
    /// Suffix of the files, with its point.
    ending: &'static str,
    /// The text of a file.
    text: fn(&LabelledImage, &[Shape<'_>]) -> io::Result<String>,
    seen: HashSet<PathBuf>,
}

impl OutlineWriter {
    /// Makes the folder `out`.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn create(
        out: &Path,
        classes: &LabelClasses,
        choices: &WriteChoices,
        ending: &'static str,
        text: fn(&LabelledImage, &[Shape<'_>]) -> io::Result<String>,
    ) -> Result<Box<dyn LabelWriter>, InterchangeError> {
        fs::create_dir_all(out).map_err(InterchangeError::write(out))?;
        Ok(Box::new(Self {
            out: out.to_owned(),
            classes: classes.clone(),
            parts: choices.parts,
            ending,
            text,
            seen: HashSet::new(),
        }))
    }

    fn shapes(&self, image: &LabelledImage) -> Vec<Shape<'_>> {
        let mut by_class: BTreeMap<u16, Vec<Part>> = BTreeMap::new();
        for (id, part) in crack::parts_where(&image.labels, |id| id != UNLABELLED) {
            by_class.entry(id).or_default().push(part);
        }
        let known = by_class
            .into_iter()
            .filter_map(|(id, parts)| Some((self.classes.get(id)?, parts)));
        let shapes = known.flat_map(|(class, parts)| {
            let groups = if self.parts {
                parts.into_iter().map(|part| vec![part]).collect()
            } else {
                vec![parts]
            };
            groups.into_iter().map(move |parts| Shape { class, parts })
        });
        shapes.collect()
    }
}

impl LabelWriter for OutlineWriter {
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        let path = files::place(&self.out, &image.name, self.ending)?;
        files::check_ids(image, |id| self.classes.get(id).is_some())?;
        if !self.seen.insert(path.clone()) {
            let text = "expected images whose names differ in more than the suffix, found two alike; rename one";
            return Err(InterchangeError::CannotHold(text.into(), image.name.clone()));
        }
        let text = (self.text)(image, &self.shapes(image)).map_err(InterchangeError::write(&path))?;
        files::replace(&path, text.as_bytes())
    }

    fn finish(self: Box<Self>) -> Result<(), InterchangeError> {
        Ok(())
    }
}
