//! Labels of another program on their way into a project.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::rewritten::Rewritten;
use crate::annotate::UNLABELLED;
use crate::annotate::project::{Project, StoreError};
use crate::datasets::TruthReader;
use crate::interchange::{LabelReader, Unpacked};
use crate::labels::{ClassSet, LabelMap};
use crate::photo::Header;

/// What is imported.
#[derive(Clone, Debug)]
pub struct Import {
    /// An image of the project.
    pub image: PathBuf,
    /// The images that labels may belong to.
    pub images: Vec<PathBuf>,
    /// The folder, file or archive of labels.
    pub from: PathBuf,
    /// The classes of label files without a class list of their own.
    pub classes: ClassSet,
    /// Reads label files of other programs that images have already.
    pub reader: Box<TruthReader>,
}

/// An import on its way.
pub(super) struct Importing {
    pub(super) asked: Import,
    pub(super) root: PathBuf,
    pub(super) reader: Box<dyn LabelReader>,
    /// Keeps the files of an archive.
    pub(super) _unpacked: Unpacked,
    pub(super) title: &'static str,
    /// The id in the project of each class of the labels.
    pub(super) ids: HashMap<u16, u16>,
    /// Number of classes that were added.
    pub(super) added: usize,
    /// Images by their names without suffix, as long as only one has the name.
    pub(super) images: HashMap<String, Option<PathBuf>>,
    /// The next one.
    pub(super) index: usize,
    pub(super) project: Project,
    pub(super) done: Rewritten,
    /// Number of images whose labels were taken, and names of those that are not in the list.
    pub(super) taken: usize,
    pub(super) missing: Vec<String>,
}

impl Importing {
    /// The labels of the image whose turn it is, in ids of the project.
    pub(super) fn labels_for(&mut self, image: &Path) -> Result<LabelMap, StoreError> {
        let from = self.asked.from.clone();
        let failed = |why: String| StoreError::Files(std::io::Error::other(why), from.clone());
        let mut labels = self
            .reader
            .read(self.index)
            .map_err(|why| failed(why.to_string()))?
            .labels;
        let header = Header::read(image).map_err(|why| failed(why.to_string()))?;
        let stored = [header.width as usize, header.height as usize];
        let [wide, high] = [labels.width, labels.height];
        // Files of cameras say how they are turned; labels are upright.
        if ![stored, [stored[1], stored[0]]].contains(&[wide, high]) {
            let [width, height] = stored;
            let name = image.display();
            return Err(failed(format!(
                "expected labels of {width} x {height} pixels for {name}, found {wide} x {high}"
            )));
        }
        for id in &mut labels.ids {
            *id = self.ids.get(id).copied().unwrap_or(UNLABELLED);
        }
        Ok(labels)
    }

    /// What the user is told in the end.
    pub(super) fn message(&self) -> String {
        let photos = if self.taken == 1 { "photo" } else { "photos" };
        let mut text = format!("Labels of {} {photos} imported ({})", self.taken, self.title);
        match self.added {
            0 => {}
            1 => text += "; 1 class added",
            count => text += &format!("; {count} classes added"),
        }
        if let Some(first) = self.missing.first() {
            let count = self.missing.len();
            text += &format!("; {count} have no photo in the list, such as {first}");
        }
        if let Some(why) = &self.done.failed {
            text += &format!(". Stopped: {why}");
        }
        for remark in self.reader.remarks() {
            text += &format!(". {}", remark.trim_end_matches('.'));
        }
        text
    }
}

/// Leaves pixels of locked classes as they are.
pub(super) fn keep_locked(labels: &mut LabelMap, now: &LabelMap, project: &Project) {
    let locked: Vec<u16> = project
        .listed()
        .filter(|class| class.locked)
        .map(|class| class.id)
        .collect();
    if locked.is_empty() {
        return;
    }
    for (id, now) in labels.ids.iter_mut().zip(&now.ids) {
        if locked.contains(now) {
            *id = *now;
        }
    }
}
