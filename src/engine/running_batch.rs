//! A batch that is not over: which picture's turn it is, and what has become of those before.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::batch::{Batch, BatchState};
use super::job::Event;
use super::outbox::Outbox;
use super::ticket::Ticket;
use super::workbench::{Workbench, log_times};
use crate::export::{self, ExportError};
use crate::labels::ClassSet;
use crate::runtime::{OpenPhoto, PhotoSource, Progress, Segmented, SessionError, Task};
use crate::segment::Settings;

/// A batch that is not over.
pub(super) struct RunningBatch {
    ticket: Ticket,
    batch: Batch,
    /// The picture that is next or running.
    index: usize,
    /// Its pixels, kept over a break.
    photo: Option<OpenPhoto>,
    /// The window knows that it is running.
    announced: bool,
    /// A result of the picture at `index` would have a place in the window's queue.
    pub(super) has_place: bool,
    done: usize,
    failed: usize,
    /// Pictures whose files were there already.
    there: usize,
    /// Time that the pictures took which are done, breaks not counted.
    busy: Duration,
    /// Largest share that was told.
    furthest: f32,
    /// File names that results of this batch have taken.
    stems: HashSet<String>,
    /// Names that several pictures have; their folders tell them apart.
    shared: HashSet<String>,
}

/// A result and the files that were written of it, or why there is none.
pub(super) type Outcome = Result<(Segmented, Vec<PathBuf>), Stopped>;

/// Why an attempt at a picture came to no result.
pub(super) enum Stopped {
    /// Something else is to do, or the batch is not wanted any more.
    Interrupted,
    /// Its files are there already.
    AlreadyThere,
    Failed(String),
}

impl<E: std::error::Error> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

impl RunningBatch {
    /// A batch before its first picture.
    pub(super) fn new(ticket: Ticket, mut batch: Batch) -> Self {
        if let Some((options, _)) = &mut batch.write {
            // A batch again goes on where the one before has ended.
            options.keep_existing = !options.overwrite;
        }
        Self {
            shared: shared_names(&batch.pictures),
            ticket,
            batch,
            index: 0,
            photo: None,
            announced: false,
            has_place: false,
            done: 0,
            failed: 0,
            there: 0,
            busy: Duration::ZERO,
            furthest: 0.0,
            stems: HashSet::new(),
        }
    }

    /// Whether somebody still waits for its results.
    pub(super) fn is_wanted(&self) -> bool {
        self.ticket.is_wanted()
    }

    /// Whether it is made with this model.
    pub(super) fn uses(&self, model: u64) -> bool {
        self.batch.model == model
    }

    /// The picture whose turn it is, after the window was told so; `None` when all have had theirs.
    pub(super) fn next_picture(&mut self, outbox: &Outbox) -> Option<PhotoSource> {
        let source = self.batch.pictures.get(self.index).cloned()?;
        if !self.announced {
            self.announced = true;
            outbox.tell(self.picture_event(BatchState::Running));
        }
        Some(source)
    }

    /// One attempt at the picture whose turn it is; it ends early as soon as something is `waiting`.
    pub(super) fn attempt(
        &mut self,
        bench: &mut Workbench,
        source: PhotoSource,
        waiting: &dyn Fn() -> bool,
    ) -> Outcome {
        let Batch { model, output, .. } = self.batch;
        let mut info = bench.session.info(model).cloned().ok_or(SessionError::NoModel)?;
        if let Some(set) = &self.batch.class_set {
            info = Arc::new(info.with_set(Some(set)));
        }
        let stem = match &self.batch.write {
            Some((options, _)) => self.file_stem(options, &source, &info.output_title(output)),
            None => source.stem(),
        };
        self.check_files(&info.classes, &stem)?;
        let photo = match self.photo.take() {
            Some(photo) => photo,
            None => bench.open_photo(source)?,
        };
        self.photo = Some(photo.clone());
        let settings = self.batch.settings.clone();
        let settings = settings.unwrap_or_else(|| Settings::of(&info.spec.inference));
        let ticket = self.ticket.clone();
        let interrupted = || waiting() || !ticket.is_wanted();
        if interrupted() {
            return Err(Stopped::Interrupted);
        }
        let task = Task {
            model,
            output,
            photo: &photo.photo,
            photo_id: photo.id,
            settings: &settings,
        };
        let Workbench { session, outbox, .. } = bench;
        let done = session.segment_in_passing(&task, &mut |progress| {
            if interrupted() {
                return ControlFlow::Break(());
            }
            outbox.tell_progress(self.progress(progress.fraction));
            ControlFlow::Continue(())
        });
        bench.announce_device();
        let prediction = match done {
            Ok(prediction) => prediction,
            Err(e) if e.is_cancelled() => return Err(Stopped::Interrupted),
            Err(e) => return Err(e.into()),
        };
        let result = Segmented::new(photo, info, output, prediction);
        let files = self.write(&result, &stem)?;
        self.stems.insert(stem);
        Ok((result, files))
    }

    /// Takes what has become of the picture whose turn it was, after so long, and tells it. One that was interrupted
    /// stays where it is.
    pub(super) fn take(&mut self, outcome: Outcome, took: Duration, outbox: &Outbox) {
        let state = match outcome {
            Err(Stopped::Interrupted) => return,
            Err(Stopped::AlreadyThere) => {
                self.there += 1;
                BatchState::AlreadyThere
            }
            Err(Stopped::Failed(why)) => {
                log::error!("{why}");
                self.failed += 1;
                BatchState::Failed(why)
            }
            Ok((result, files)) => {
                log_times(&result);
                self.done += 1;
                self.busy += took;
                // Its place belongs to the result now.
                self.has_place = false;
                BatchState::Done { result, files }
            }
        };
        outbox.tell(self.picture_event(state));
        self.index += 1;
        self.photo = None;
        self.announced = false;
        outbox.tell(self.progress(0.0));
    }

    /// Whether all pictures have had their turn.
    pub(super) fn is_over(&self) -> bool {
        self.index >= self.batch.pictures.len()
    }

    /// Tells that it is over.
    pub(super) fn end(self, cancelled: bool, outbox: &Outbox) {
        let Self {
            ticket,
            done,
            failed,
            there,
            ..
        } = self;
        let total = self.batch.pictures.len();
        let how = if cancelled { "stopped" } else { "ended" };
        log::info!("the batch {how}: {done} of {total} pictures done, {failed} failed, {there} were there already");
        outbox.tell(Event::BatchEnded {
            ticket,
            done,
            failed,
            there,
            cancelled,
        });
    }

    fn picture_event(&self, state: BatchState) -> Event {
        Event::BatchPicture {
            ticket: self.ticket.clone(),
            index: self.index,
            state,
        }
    }

    /// How far all is, with `fraction` of the running picture.
    fn progress(&mut self, fraction: f32) -> Event {
        let total = self.batch.pictures.len();
        let passed = (self.done + self.failed + self.there) as f32 + fraction;
        self.furthest = (passed / total.max(1) as f32).clamp(self.furthest, 1.0);
        let mean = (self.done > 0).then(|| self.busy / self.done as u32);
        Event::BatchProgress {
            ticket: self.ticket.clone(),
            progress: Progress {
                fraction: self.furthest,
                remaining: mean.map(|mean| mean.mul_f32((total as f32 - passed).max(0.0))),
            },
            done: self.done,
            failed: self.failed,
            there: self.there,
            total,
        }
    }

    /// The name of a picture's files, without ending: with its folder's where another picture of the batch has the same.
    fn file_stem(&self, options: &export::Options, source: &PhotoSource, title: &str) -> String {
        let folder = source.file().and_then(Path::parent).and_then(Path::file_name);
        let folder = folder.unwrap_or_default().to_string_lossy();
        let name = source.stem();
        match self.shared.contains(&name) {
            true => options.file_stem_in(&folder, &format!("{folder}-{name}"), title),
            false => options.file_stem_in(&folder, &name, title),
        }
    }

    /// Looks whether the files of a picture can be written, before the network runs for nothing.
    ///
    /// # Errors
    /// When all of them are there already, or they would fall on those of another picture or of other classes.
    fn check_files(&mut self, classes: &ClassSet, stem: &str) -> Result<(), Stopped> {
        let Some((options, folder)) = &self.batch.write else {
            return Ok(());
        };
        if self.stems.contains(stem) {
            return Err(Stopped::Failed(format!(
                "another picture of this run has the same name ({stem}); write this one to another folder"
            )));
        }
        if let Some(path) = export::taken(options, classes, folder, stem) {
            return Err(ExportError::Exists { path }.into());
        }
        if options.keep_existing && export::is_there(options, folder, stem) {
            self.stems.insert(stem.to_owned());
            return Err(Stopped::AlreadyThere);
        }
        Ok(())
    }

    /// Writes the files of a result, if files are wanted; returns their paths.
    fn write(&self, result: &Segmented, stem: &str) -> Result<Vec<PathBuf>, ExportError> {
        match &self.batch.write {
            Some((options, folder)) => export::write(&result.subject(), options, folder, stem),
            None => Ok(Vec::new()),
        }
    }
}

/// Names that more than one picture has.
fn shared_names(pictures: &[PhotoSource]) -> HashSet<String> {
    let mut seen = HashSet::new();
    let names = pictures.iter().map(PhotoSource::stem);
    names.filter(|name| !seen.insert(name.clone())).collect()
}
