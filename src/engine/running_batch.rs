//! A running batch: its current image, and the outcome of the previous ones.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::batch::{Batch, BatchState};
use super::job::Event;
use super::outbox::Outbox;
use super::read_ahead::ReadAhead;
use super::ticket::Ticket;
use super::workbench::{Workbench, log_times};
use crate::export::{self, ExportError};
use crate::labels::ClassSet;
use crate::runtime::opening;
use crate::runtime::{ImageSource, OpenImage, Progress, Segmented, SessionError, Task};
use crate::segment::InferenceConfig;

/// A running batch.
pub(super) struct RunningBatch {
    ticket: Ticket,
    batch: Batch,
    /// Index of the current image.
    index: usize,
    /// The current image, kept over an interruption.
    photo: Option<OpenImage>,
    /// The image after the current one.
    ahead: Option<ReadAhead>,
    /// Whether the current image was reported as running.
    announced: bool,
    /// Whether a place in the window's queue is reserved for the result of the current image.
    pub(super) has_place: bool,
    done: usize,
    failed: usize,
    /// Number of images skipped because their files exist.
    there: usize,
    /// Total time of the segmented images, without interruptions.
    busy: Duration,
    /// Largest reported fraction of the progress.
    furthest: f32,
    /// File stems used by results of this batch.
    stems: HashSet<String>,
    /// Names shared by several images, which are distinguished by their folders.
    shared: HashSet<String>,
}

/// A result with the paths of its written files, or why there is none.
pub(super) type Outcome = Result<(Segmented, Vec<PathBuf>), Stopped>;

/// Why an attempt at an image has no result.
pub(super) enum Stopped {
    /// Other work came first, or the batch is no longer wanted.
    Interrupted,
    /// Its files exist, so it is skipped.
    Skipped,
    Failed(String),
}

impl<E: std::error::Error> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

impl RunningBatch {
    /// Creates a batch, positioned before its first image.
    pub(super) fn new(ticket: Ticket, mut batch: Batch) -> Self {
        if let Some((options, _)) = &mut batch.write {
            // Repeating a batch resumes it: images whose files exist are skipped.
            options.keep_existing = !options.overwrite;
        }
        Self {
            shared: shared_names(&batch.images),
            ticket,
            batch,
            index: 0,
            photo: None,
            ahead: None,
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

    /// Whether its results are still wanted.
    pub(super) fn is_wanted(&self) -> bool {
        self.ticket.is_wanted()
    }

    /// Whether it uses this model.
    pub(super) fn uses(&self, model: u64) -> bool {
        self.batch.model == model
    }

    /// The current image, which is reported as running; `None` if there are no more images.
    pub(super) fn next_image(&mut self, outbox: &Outbox) -> Option<ImageSource> {
        let source = self.batch.images.get(self.index).cloned()?;
        if !self.announced {
            self.announced = true;
            outbox.send(self.image_event(BatchState::Running));
        }
        Some(source)
    }

    /// Makes one attempt at the current image; stops early as soon as `waiting` is true.
    pub(super) fn attempt(
        &mut self,
        bench: &mut Workbench,
        source: ImageSource,
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
            None => {
                let ahead = self.ahead.take().and_then(|ahead| ahead.finish(bench, &source));
                ahead.map_or_else(|| bench.open_photo(source), Ok)?
            }
        };
        self.photo = Some(photo.clone());
        let settings = self.batch.settings.clone();
        let settings = settings.unwrap_or_else(|| InferenceConfig::of(&info.spec.inference));
        let ticket = self.ticket.clone();
        let interrupted = || waiting() || !ticket.is_wanted();
        if interrupted() {
            return Err(Stopped::Interrupted);
        }
        let next = self.batch.images.get(self.index + 1);
        if let (None, Some(next), false) = (&self.ahead, next, opening::is_large(&photo.photo)) {
            self.ahead = ReadAhead::start(bench, next.clone());
        }
        let task = Task {
            model,
            output,
            photo: &photo.photo,
            photo_id: photo.id,
            settings: &settings,
        };
        let Workbench { session, outbox, .. } = bench;
        let done = session.segment_uncached(&task, &mut |progress| {
            if interrupted() {
                return ControlFlow::Break(());
            }
            outbox.send_progress(self.progress(progress.fraction));
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

    /// Records and reports the outcome of the current image with its duration `took`, and moves to the next one. After
    /// an interruption, the image stays the current one.
    pub(super) fn take(&mut self, outcome: Outcome, took: Duration, outbox: &Outbox) {
        let state = match outcome {
            Err(Stopped::Interrupted) => return,
            Err(Stopped::Skipped) => {
                self.there += 1;
                BatchState::Skipped
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
                // The reserved place now belongs to the result.
                self.has_place = false;
                BatchState::Done { result, files }
            }
        };
        outbox.send(self.image_event(state));
        self.index += 1;
        self.photo = None;
        self.announced = false;
        outbox.send(self.progress(0.0));
    }

    /// Whether all images are processed.
    pub(super) fn is_over(&self) -> bool {
        self.index >= self.batch.images.len()
    }

    /// Reports the end of the batch.
    pub(super) fn end(self, cancelled: bool, outbox: &Outbox) {
        let Self {
            ticket,
            done,
            failed,
            there,
            ..
        } = self;
        let total = self.batch.images.len();
        let how = if cancelled { "stopped" } else { "ended" };
        log::info!("the batch {how}: {done} of {total} images done, {failed} failed, {there} already exported");
        outbox.send(Event::BatchEnded {
            ticket,
            done,
            failed,
            there,
            cancelled,
        });
    }

    fn image_event(&self, state: BatchState) -> Event {
        Event::BatchImage {
            ticket: self.ticket.clone(),
            index: self.index,
            state,
        }
    }

    /// The progress of the batch, with `fraction` of the current image.
    fn progress(&mut self, fraction: f32) -> Event {
        let total = self.batch.images.len();
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

    /// File stem for an image; includes the folder name if several images of the batch have the same name.
    fn file_stem(&self, options: &export::Options, source: &ImageSource, title: &str) -> String {
        let folder = source.file().and_then(Path::parent).and_then(Path::file_name);
        let folder = folder.unwrap_or_default().to_string_lossy();
        let name = source.stem();
        match self.shared.contains(&name) {
            true => options.file_stem_in(&folder, &format!("{folder}-{name}"), title),
            false => options.file_stem_in(&folder, &name, title),
        }
    }

    /// Checks whether the files of an image can be written, before the network runs in vain.
    ///
    /// # Errors
    /// When all of them exist, or they would overwrite those of another image or of other classes.
    fn check_files(&mut self, classes: &ClassSet, stem: &str) -> Result<(), Stopped> {
        let Some((options, folder)) = &self.batch.write else {
            return Ok(());
        };
        if self.stems.contains(stem) {
            return Err(Stopped::Failed(format!(
                "another image of this batch has the same name ({stem}); export this one to another folder"
            )));
        }
        if let Some(path) = export::taken(options, classes, folder, stem) {
            return Err(ExportError::Exists { path }.into());
        }
        if options.keep_existing && export::is_there(options, folder, stem) {
            self.stems.insert(stem.to_owned());
            return Err(Stopped::Skipped);
        }
        Ok(())
    }

    /// Writes the files of a result if the batch exports files; returns their paths.
    fn write(&self, result: &Segmented, stem: &str) -> Result<Vec<PathBuf>, ExportError> {
        match &self.batch.write {
            Some((options, folder)) => export::write(&result.subject(), options, folder, stem),
            None => Ok(Vec::new()),
        }
    }
}

/// Names shared by several images.
fn shared_names(images: &[ImageSource]) -> HashSet<String> {
    let mut seen = HashSet::new();
    let names = images.iter().map(ImageSource::stem);
    names.filter(|name| !seen.insert(name.clone())).collect()
}
