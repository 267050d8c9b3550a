//! Segments images one after another, writes their files and counts the outcomes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};

use super::printing::err;
use super::{described, open_photo, stopping};
use crate::export::{self, ExportError, Subject};
use crate::model::Output;
use crate::photo::OpenOptions;
use crate::runtime::{ModelInfo, Session, Task};
use crate::segment::{InferenceConfig, Timings};

/// Maximum number of images to name that were refused because their files exist.
const NAMED: usize = 3;

/// What segments an image: session, model and settings.
pub(super) struct Running<'a> {
    pub(super) session: &'a mut Session,
    pub(super) model: &'a ModelInfo,
    pub(super) output: Output,
    pub(super) settings: &'a InferenceConfig,
    pub(super) opening: OpenOptions,
    /// Prints a line on standard error without disturbing the progress bar.
    pub(super) say: &'a dyn Fn(&str),
}

/// The outcome of an image.
pub(super) enum Done {
    /// These files were written.
    Written(Timings, Vec<PathBuf>),
    /// Its files already existed.
    Skipped,
    /// Files exist that must not be replaced.
    Refused(anyhow::Error),
    /// It cannot be segmented or written.
    Failed(anyhow::Error),
    /// It was dropped after a signal because it would have taken too long.
    Dropped,
}

/// A batch of images, with the outcomes so far.
pub(super) struct Batch<'a> {
    running: Running<'a>,
    options: &'a export::Options,
    out: &'a Path,
    /// The image whose files have each output path.
    places: HashMap<String, PathBuf>,
    /// Number of images that were started.
    begun: u64,
    written: usize,
    skipped: usize,
    refused: Vec<(PathBuf, anyhow::Error)>,
    failed: Vec<(PathBuf, anyhow::Error)>,
}

impl<'a> Batch<'a> {
    /// An empty batch, whose files go to `out`.
    pub(super) fn new(running: Running<'a>, options: &'a export::Options, out: &'a Path) -> Self {
        Self {
            running,
            options,
            out,
            places: HashMap::new(),
            begun: 0,
            written: 0,
            skipped: 0,
            refused: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Segments an image and writes its files to `place`; `on_share` receives the progress, from 0 to 1.
    pub(super) fn take(&mut self, image: &Path, place: &str, on_share: impl FnMut(f32)) -> Done {
        if let Some(other) = self.places.get(place) {
            return Done::Failed(anyhow!(
                "another image of this run has the same name; add --recursive or --name '{{folder}}-{{name}}' if they are \
                 in different folders, or write this one to another --out: {}",
                other.display()
            ));
        }
        if let Some(path) = export::taken(self.options, &self.running.model.classes, self.out, place) {
            // Checked before the network runs in vain.
            return refused_or_failed(ExportError::Exists { path }.into());
        }
        let done = match self.options.keep_existing && export::is_there(self.options, self.out, place) {
            true => Done::Skipped,
            false => match self.segmented(image, place, on_share) {
                Ok((timings, written)) => Done::Written(timings, written),
                Err(why) if stopping::is_why(&why) => Done::Dropped,
                Err(why) => refused_or_failed(why),
            },
        };
        if matches!(done, Done::Written(..) | Done::Skipped) {
            self.places.insert(place.to_owned(), image.to_owned());
        }
        done
    }

    fn segmented(
        &mut self,
        image: &Path,
        place: &str,
        mut on_share: impl FnMut(f32),
    ) -> Result<(Timings, Vec<PathBuf>)> {
        let Running {
            model,
            output,
            settings,
            opening,
            say,
            ..
        } = self.running;
        let need = (model.classes.len(), Some(self.options));
        let photo = open_photo(image, opening, need, say)?;
        self.begun += 1;
        let task = Task {
            model: model.id,
            output,
            photo: &photo,
            photo_id: self.begun,
            settings,
        };
        let prediction = self.running.session.segment(&task, &mut |progress| {
            on_share(progress.fraction);
            stopping::keep_going()
        })?;
        let subject = Subject {
            photo: &photo,
            map: &prediction.labels.map,
            confidence: &prediction.labels.confidence,
            classes: &model.classes,
        };
        let written = export::write(&subject, self.options, self.out, place)?;
        Ok((prediction.timings, written))
    }

    /// Counts the outcome of an image.
    pub(super) fn count(&mut self, image: &Path, done: Done) {
        match done {
            Done::Written(..) => self.written += 1,
            Done::Skipped => self.skipped += 1,
            Done::Refused(why) => self.refused.push((image.to_owned(), why)),
            Done::Failed(why) => self.failed.push((image.to_owned(), why)),
            Done::Dropped => {}
        }
    }

    /// Prints a summary of `all` images; with `only_trouble`, for JSON output, only what went wrong.
    pub(super) fn tell(&self, all: usize, only_trouble: bool) {
        if !only_trouble {
            let out = self.out.display();
            err!("{} of {all} images segmented into {out}", self.written);
            if self.skipped > 0 {
                err!("{} of {all} images skipped because their files exist", self.skipped);
            }
        }
        let left = all - self.written - self.skipped - self.refused.len() - self.failed.len();
        if left > 0 {
            err!("segscope: stopped with {left} of {all} images to go; add --skip-existing to resume");
        }
        if !self.refused.is_empty() {
            err!(
                "segscope: {} of {all} images refused because files exist; add --skip-existing or --overwrite:",
                self.refused.len()
            );
            list(&self.refused[..self.refused.len().min(NAMED)]);
            if self.refused.len() > NAMED {
                err!("  and {} more", self.refused.len() - NAMED);
            }
        }
        if !self.failed.is_empty() {
            err!("segscope: {} of {all} images failed:", self.failed.len());
            list(&self.failed);
        }
    }

    /// 1 if an image was refused or failed, otherwise 0.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(!self.failed.is_empty() || !self.refused.is_empty()))
    }
}

/// `Refused` where an image's files exist; a list of other classes is a failure because it concerns the whole folder.
fn refused_or_failed(why: anyhow::Error) -> Done {
    let is_of_image =
        matches!(why.downcast_ref::<ExportError>(), Some(ExportError::Exists { path }) if !export::is_class_list(path));
    match is_of_image {
        true => Done::Refused(why),
        false => Done::Failed(why),
    }
}

/// Prints a line for each image.
fn list(images: &[(PathBuf, anyhow::Error)]) {
    for (image, why) in images {
        let (name, why) = (image.display().to_string(), described(why));
        // Most messages already end with the path.
        match why.contains(&name) {
            true => err!("  {why}"),
            false => err!("  {name}: {why}"),
        }
    }
}
