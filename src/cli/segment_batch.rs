//! Pictures one after the other to files, and what became of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};

use super::said::err;
use super::{described, open_photo, stopping};
use crate::export::{self, ExportError, Subject};
use crate::model::Output;
use crate::photo::OpenOptions;
use crate::runtime::{ModelInfo, Session, Task};
use crate::segment::{Settings, Timings};

/// Of pictures that were refused because their files are there, so many are named.
const NAMED: usize = 3;

/// What segments.
pub(super) struct Running<'a> {
    pub(super) session: &'a mut Session,
    pub(super) model: &'a ModelInfo,
    pub(super) output: Output,
    pub(super) settings: &'a Settings,
    pub(super) opening: OpenOptions,
    /// Prints a line on standard error, past what is drawn there.
    pub(super) say: &'a dyn Fn(&str),
}

/// What became of a picture.
pub(super) enum Done {
    /// These files were written.
    Written(Timings, Vec<PathBuf>),
    /// Its files were there.
    Skipped,
    /// Files are there that are not to be replaced.
    Refused(anyhow::Error),
    /// It cannot be segmented or written.
    Failed(anyhow::Error),
    /// A signal came, and it would have taken too long.
    Dropped,
}

/// Pictures on their way to files.
pub(super) struct Batch<'a> {
    running: Running<'a>,
    options: &'a export::Options,
    out: &'a Path,
    /// Which picture's files are at a place.
    places: HashMap<String, PathBuf>,
    /// Pictures that were begun.
    begun: u64,
    written: usize,
    skipped: usize,
    refused: Vec<(PathBuf, anyhow::Error)>,
    failed: Vec<(PathBuf, anyhow::Error)>,
}

impl<'a> Batch<'a> {
    /// Nothing yet; files go to `out`.
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

    /// Segments a picture and writes its files to a place; `on_share` is told how far it is, from 0 to 1.
    pub(super) fn take(&mut self, picture: &Path, place: &str, on_share: impl FnMut(f32)) -> Done {
        if let Some(other) = self.places.get(place) {
            return Done::Failed(anyhow!(
                "another picture of this run has the same name; add --recursive or --name '{{folder}}-{{name}}' where they lie \
                 in different folders, or write this one to another --out: {}",
                other.display()
            ));
        }
        if let Some(path) = export::taken(self.options, &self.running.model.classes, self.out, place) {
            // Before the network runs for nothing.
            return refused_or_failed(ExportError::Exists { path }.into());
        }
        let done = match self.options.keep_existing && export::is_there(self.options, self.out, place) {
            true => Done::Skipped,
            false => match self.segmented(picture, place, on_share) {
                Ok((timings, written)) => Done::Written(timings, written),
                Err(why) if stopping::is_why(&why) => Done::Dropped,
                Err(why) => refused_or_failed(why),
            },
        };
        if matches!(done, Done::Written(..) | Done::Skipped) {
            self.places.insert(place.to_owned(), picture.to_owned());
        }
        done
    }

    fn segmented(
        &mut self,
        picture: &Path,
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
        let photo = open_photo(picture, opening, need, say)?;
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
            stopping::go_on()
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

    /// Counts what became of a picture.
    pub(super) fn count(&mut self, picture: &Path, done: Done) {
        match done {
            Done::Written(..) => self.written += 1,
            Done::Skipped => self.skipped += 1,
            Done::Refused(why) => self.refused.push((picture.to_owned(), why)),
            Done::Failed(why) => self.failed.push((picture.to_owned(), why)),
            Done::Dropped => {}
        }
    }

    /// Says what became of so many pictures; of those that are done only what went wrong where others read along.
    pub(super) fn tell(&self, all: usize, only_trouble: bool) {
        if !only_trouble {
            let out = self.out.display();
            err!("{} of {all} pictures segmented into {out}", self.written);
            if self.skipped > 0 {
                err!("{} of {all} were there already", self.skipped);
            }
        }
        let left = all - self.written - self.skipped - self.refused.len() - self.failed.len();
        if left > 0 {
            err!("segscope: stopped with {left} of {all} pictures to go; --skip-existing goes on");
        }
        if !self.refused.is_empty() {
            err!(
                "segscope: {} of {all} pictures refused since files exist; add --skip-existing or --overwrite:",
                self.refused.len()
            );
            list(&self.refused[..self.refused.len().min(NAMED)]);
            if self.refused.len() > NAMED {
                err!("  and {} more", self.refused.len() - NAMED);
            }
        }
        if !self.failed.is_empty() {
            err!("segscope: {} of {all} pictures failed:", self.failed.len());
            list(&self.failed);
        }
    }

    /// 1 where a picture has no files by now.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(!self.failed.is_empty() || !self.refused.is_empty()))
    }
}

/// Files that are there are no failure of a picture; a list of other classes is one, for it stands for the whole folder.
fn refused_or_failed(why: anyhow::Error) -> Done {
    let is_of_picture =
        matches!(why.downcast_ref::<ExportError>(), Some(ExportError::Exists { path }) if !export::is_class_list(path));
    match is_of_picture {
        true => Done::Refused(why),
        false => Done::Failed(why),
    }
}

/// A line for each picture.
fn list(pictures: &[(PathBuf, anyhow::Error)]) {
    for (picture, why) in pictures {
        let (name, why) = (picture.display().to_string(), described(why));
        // Most sentences end with the path already.
        match why.contains(&name) {
            true => err!("  {why}"),
            false => err!("  {name}: {why}"),
        }
    }
}
