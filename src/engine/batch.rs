//! Segmenting many pictures while nobody asks for anything else.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::failure::panic_sentence;
use super::job::Event;
use super::worker::{Worker, log_times};
use crate::export::{self, ExportError};
use crate::labels::ClassSet;
use crate::model::Output;
use crate::runtime::{OpenPhoto, PhotoSource, Progress, Segmented, SessionError, Task};
use crate::segment::Settings;

/// Pictures to segment, all in one way.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Comes back with everything that is said about it; larger than that of every batch before.
    pub number: u64,
    /// In this order.
    pub pictures: Vec<PhotoSource>,
    /// Number of an open model.
    pub model: u64,
    /// One of its outputs.
    pub output: Output,
    /// `None` for the model's own.
    pub settings: Option<Settings>,
    /// Key of a class set in place of the model's own, see [`ModelInfo::with_set`](super::ModelInfo::with_set).
    pub class_set: Option<String>,
    /// Files to write of each result, and the folder for them; nothing is written without.
    pub write: Option<(export::Options, PathBuf)>,
}

/// How far a picture of a batch is.
#[derive(Clone, Debug)]
pub enum BatchState {
    /// It is being segmented, with breaks for other jobs.
    Running,
    /// It is segmented, and its files are written.
    Done {
        /// Everything about it.
        result: Segmented,
        /// Files that were written.
        files: Vec<PathBuf>,
    },
    /// All files that were wanted of it are there already. They stay, and it is not segmented again.
    AlreadyThere,
    /// It could not be read, segmented or written: what happened and what to do.
    Failed(String),
}

/// A batch that is not over.
pub(super) struct RunningBatch {
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

/// Why an attempt at a picture came to no result.
enum Stopped {
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
    /// How far all is, with `fraction` of the running picture.
    fn progress(&mut self, fraction: f32) -> Event {
        let total = self.batch.pictures.len();
        let passed = (self.done + self.failed + self.there) as f32 + fraction;
        self.furthest = (passed / total.max(1) as f32).clamp(self.furthest, 1.0);
        let mean = (self.done > 0).then(|| self.busy / self.done as u32);
        Event::BatchProgress {
            number: self.batch.number,
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

impl Worker {
    /// Takes a batch down, in place of one that is not over.
    pub(super) fn begin_batch(&mut self, mut batch: Batch) {
        if let Some(old) = self.batch.take() {
            self.end_batch(old, true);
        }
        if let Some((options, _)) = &mut batch.write {
            // A batch again goes on where the one before has ended.
            options.keep_existing = !options.overwrite;
        }
        self.batch = Some(RunningBatch {
            shared: shared_names(&batch.pictures),
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
        });
    }

    /// Ends the batch if it uses this model.
    pub(super) fn end_batch_with(&mut self, model: u64) {
        if let Some(batch) = self.batch.take_if(|running| running.batch.model == model) {
            self.end_batch(batch, true);
        }
    }

    fn end_batch(&mut self, batch: RunningBatch, cancelled: bool) {
        if batch.has_place {
            self.places.1.try_recv().ok();
        }
        let RunningBatch {
            done, failed, there, ..
        } = batch;
        let (number, total) = (batch.batch.number, batch.batch.pictures.len());
        let how = if cancelled { "stopped" } else { "ended" };
        log::info!("the batch {how}: {done} of {total} pictures done, {failed} failed, {there} were there already");
        self.outbox.tell(Event::BatchEnded {
            number,
            done,
            failed,
            there,
            cancelled,
        });
    }

    /// Goes on with the batch: up to the end of a picture, or to its next block when a job arrives.
    pub(super) fn advance_batch(&mut self) {
        let Some(mut batch) = self.batch.take() else { return };
        let (number, index) = (batch.batch.number, batch.index);
        if self.signals.is_batch_cancelled(number) {
            return self.end_batch(batch, true);
        }
        let Some(source) = batch.batch.pictures.get(index).cloned() else {
            return self.end_batch(batch, false);
        };
        if !batch.announced {
            batch.announced = true;
            let state = BatchState::Running;
            self.outbox.tell(Event::BatchPicture { number, index, state });
        }
        let start = Instant::now();
        let attempt = AssertUnwindSafe(|| self.on_cores(|worker| worker.batch_picture(&mut batch, source)));
        let outcome = catch_unwind(attempt).unwrap_or_else(|panic| {
            self.start_over();
            Err(Stopped::Failed(panic_sentence(&*panic)))
        });
        let state = match outcome {
            Err(Stopped::Interrupted) => {
                self.batch = Some(batch);
                return;
            }
            Err(Stopped::AlreadyThere) => {
                batch.there += 1;
                BatchState::AlreadyThere
            }
            Err(Stopped::Failed(why)) => {
                log::error!("{why}");
                batch.failed += 1;
                BatchState::Failed(why)
            }
            Ok((result, files)) => {
                log_times(&result);
                batch.done += 1;
                batch.busy += start.elapsed();
                // Its place belongs to the result now.
                batch.has_place = false;
                BatchState::Done { result, files }
            }
        };
        batch.index += 1;
        batch.photo = None;
        batch.announced = false;
        self.outbox.tell(Event::BatchPicture { number, index, state });
        self.outbox.tell(batch.progress(0.0));
        if batch.index == batch.batch.pictures.len() {
            self.end_batch(batch, false);
        } else {
            self.batch = Some(batch);
        }
    }

    /// One attempt at the picture whose turn it is.
    fn batch_picture(
        &mut self,
        batch: &mut RunningBatch,
        source: PhotoSource,
    ) -> Result<(Segmented, Vec<PathBuf>), Stopped> {
        let Batch {
            number, model, output, ..
        } = batch.batch;
        let mut info = self.session.info(model).cloned().ok_or(SessionError::NoModel)?;
        if let Some(set) = &batch.batch.class_set {
            info = Arc::new(info.with_set(Some(set)));
        }
        let stem = match &batch.batch.write {
            Some((options, _)) => batch.file_stem(options, &source, &info.output_title(output)),
            None => source.stem(),
        };
        batch.check_files(&info.classes, &stem)?;
        let photo = match batch.photo.take() {
            Some(photo) => photo,
            None => self.open_photo(source)?,
        };
        batch.photo = Some(photo.clone());
        let settings = batch.batch.settings.clone();
        let settings = settings.unwrap_or_else(|| Settings::of(&info.spec.inference));
        let Self {
            session,
            jobs,
            outbox,
            signals,
            ..
        } = self;
        let interrupted = || !jobs.is_empty() || signals.is_batch_cancelled(number) || signals.is_closing();
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
        let done = session.segment_in_passing(&task, &mut |progress| {
            if interrupted() {
                return ControlFlow::Break(());
            }
            outbox.tell_progress(batch.progress(progress.fraction));
            ControlFlow::Continue(())
        });
        self.announce_device();
        let prediction = match done {
            Ok(prediction) => prediction,
            Err(e) if e.is_cancelled() => return Err(Stopped::Interrupted),
            Err(e) => return Err(e.into()),
        };
        let result = Segmented::new(photo, info, output, prediction);
        let files = batch.write(&result, &stem)?;
        batch.stems.insert(stem);
        Ok((result, files))
    }
}
