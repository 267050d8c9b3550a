//! Running services: threads of the engine and of the window, the system's file dialogs and the clipboard.
//!
//! They take jobs and return answers. What is open and shown is in the state.

mod clipboard;
mod copying;
mod dialogs;
mod system_fonts;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use egui::Context;

use super::Start;
use super::action::{Action, Actions};
use super::chrome::Toast;
use super::gpu::{Gpu, Uploader};
use super::settings::Writer;
use super::workspaces::News;
use crate::engine::{
    AnnotationRequest, Annotator, Busy, Engine, EngineSettings, FileWatch, ImageSource, Job, Prediction, ScoreRequest,
    Scorer, Teacher, TeacherRequest, Thumbnails, TraceQuestion, TraceReader, TracedImage, TrainPlan, TrainingNews,
    TrainingPlace, TrainingRun, Wake,
};
use clipboard::ImageClipboard;
use copying::ViewShots;
use dialogs::Dialogs;
pub(super) use dialogs::{Ask, Chosen};
use system_fonts::SystemFonts;

/// Maximum number of thumbnails uploaded to the GPU per frame. More would make scrolling stutter.
const MAX_THUMBNAILS: usize = 4;

/// Everything that runs beside the window's thread.
pub(super) struct Services {
    pub(super) engine: Engine,
    /// Jobs for which the engine's queue had no room.
    waiting: VecDeque<Job>,
    /// `None` if its thread cannot be started; the list then shows only names.
    thumbnails: Option<Thumbnails>,
    /// `None` if its thread cannot be started; attention is then not read.
    reader: Option<TraceReader>,
    /// `None` until scores are requested.
    scorer: Option<Scorer>,
    /// `None` until labels are opened. Dropping it saves all edits.
    annotator: Option<Annotator>,
    /// `None` until strokes teach something.
    teacher: Option<Teacher>,
    /// `None` while nothing is trained.
    training: Option<TrainingRun>,
    pub(super) watch: Option<FileWatch>,
    /// `None` if nothing is persisted.
    pub(super) writer: Option<Writer>,
    pub(super) uploader: Uploader,
    pub(super) clipboard: ImageClipboard,
    pub(super) shots: ViewShots,
    pub(super) fonts: SystemFonts,
    dialogs: Dialogs,
}

/// A function that repaints the window, to be called from any thread.
fn wake(context: &Context) -> Wake {
    let context = context.clone();
    Box::new(move || context.request_repaint())
}

impl Services {
    /// Starts the threads that run as long as the window is open.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(super) fn start(
        context: &Context,
        gpu: Option<Gpu>,
        start: &Start,
        computing: EngineSettings,
    ) -> std::io::Result<Self> {
        let store = start.store.clone();
        let writer = store.map(|store| Writer::start(store, wake(context))).transpose()?;
        Ok(Self {
            engine: Engine::start(computing, wake(context))?,
            waiting: VecDeque::new(),
            thumbnails: Thumbnails::start(wake(context)).ok(),
            reader: TraceReader::start(wake(context)).ok(),
            scorer: None,
            annotator: None,
            teacher: None,
            training: None,
            watch: FileWatch::start(wake(context))
                .inspect_err(|why| log::warn!("{why}"))
                .ok(),
            writer,
            uploader: Uploader::start(gpu, context)?,
            clipboard: ImageClipboard::start(wake(context))?,
            shots: ViewShots::default(),
            fonts: SystemFonts::of(context),
            dialogs: Dialogs::default(),
        })
    }

    /// Sends a job to the engine, after those that are already waiting.
    ///
    /// No job is lost: one that finds no room in the engine's queue is sent later.
    pub(super) fn send(&mut self, job: Job) {
        self.waiting.push_back(job);
        self.hand_over();
    }

    fn hand_over(&mut self) {
        while let Some(job) = self.waiting.pop_front() {
            if let Err(Busy(job)) = self.engine.send(job) {
                self.waiting.push_front(*job);
                return;
            }
        }
    }

    /// Turns everything that other threads have reported since the last frame into actions.
    pub(super) fn poll(&mut self, context: &Context, actions: &Actions) {
        while let Some(event) = self.engine.poll() {
            actions.send(Action::Event(event));
        }
        self.hand_over();
        while let Some(uploaded) = self.uploader.poll() {
            actions.send(Action::Uploaded(uploaded));
        }
        if let Some(thumbnails) = &self.thumbnails {
            let ready: Vec<_> = std::iter::from_fn(|| thumbnails.poll()).take(MAX_THUMBNAILS).collect();
            for (source, made) in ready {
                actions.send(Action::Thumbnail(source, made));
                // There may be more.
                context.request_repaint();
            }
        }
        while let Some(read) = self.reader.as_ref().and_then(TraceReader::poll) {
            actions.tell(News::TraceReading(read));
        }
        while let Some(answer) = self.scorer.as_ref().and_then(Scorer::poll) {
            actions.tell(News::Score(answer));
        }
        while let Some(news) = self.annotator.as_ref().and_then(Annotator::poll) {
            actions.tell(News::Annotation(news));
        }
        while let Some(answer) = self.teacher.as_ref().and_then(Teacher::poll) {
            actions.tell(News::Taught(answer));
        }
        while let Some(news) = self.training.as_ref().and_then(TrainingRun::poll) {
            if matches!(news, TrainingNews::Ended(_)) {
                self.training = None;
            }
            actions.tell(News::Training(news));
        }
        while let Some(path) = self.watch.as_ref().and_then(FileWatch::poll) {
            actions.send(Action::FileChanged(ImageSource::Path(path)));
        }
        while let Some(problem) = self.writer.as_ref().and_then(Writer::poll) {
            actions.error(problem);
        }
        if let Some(answer) = self.dialogs.poll() {
            actions.send(Action::Chosen(answer));
        }
        self.take_copies(actions);
    }

    /// Passes new screenshots to the clipboard, and reports which copies succeeded and which failed.
    fn take_copies(&mut self, actions: &Actions) {
        while let Some(view) = self.shots.poll() {
            self.clipboard.copy("View", view);
        }
        while let Some(copied) = self.clipboard.poll() {
            match copied {
                Ok(text) => actions.info(text),
                Err(why) => actions.error(why),
            }
        }
    }

    /// Opens a file dialog, in `folder` if that is given, unless one is open.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn ask(&mut self, what: Ask, folder: Option<PathBuf>, context: &Context) -> std::io::Result<()> {
        self.dialogs.ask(what, folder, context)
    }

    /// Requests thumbnails of these images, in place of all earlier requests.
    pub(super) fn want_thumbnails(&self, sources: Vec<ImageSource>) {
        if let Some(thumbnails) = &self.thumbnails {
            thumbnails.want(sources);
        }
    }

    /// Requests answers to questions about a pass, in place of all earlier questions.
    pub(super) fn read(
        &self,
        traced: &Arc<TracedImage>,
        prediction: Option<&Arc<Prediction>>,
        questions: Vec<TraceQuestion>,
    ) {
        if let Some(reader) = &self.reader {
            reader.want(traced, prediction, questions);
        }
    }

    /// Drops all questions to the attention reader.
    pub(super) fn forget_reading(&self) {
        if let Some(reader) = &self.reader {
            reader.forget();
        }
    }

    /// Starts the scoring thread unless it is running.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn start_scorer(&mut self, context: &Context) -> std::io::Result<()> {
        if self.scorer.is_none() {
            self.scorer = Some(Scorer::start(wake(context))?);
        }
        Ok(())
    }

    /// Sends a request to the scoring thread; without one, the request is dropped.
    pub(super) fn score(&self, request: ScoreRequest) {
        if let Some(scorer) = &self.scorer {
            scorer.ask(request);
        }
    }

    /// Hands a request to the thread that writes label files, and starts it if there is none.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn annotate(&mut self, request: AnnotationRequest, context: &Context) -> std::io::Result<()> {
        let annotator = match &self.annotator {
            Some(annotator) => annotator,
            None => self.annotator.insert(Annotator::start(wake(context))?),
        };
        annotator.ask(request);
        Ok(())
    }

    /// Hands strokes to the thread that learns from them, and starts it if that has not been done.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn teach(&mut self, request: TeacherRequest, context: &Context) -> std::io::Result<()> {
        let teacher = match &self.teacher {
            Some(teacher) => teacher,
            None => self.teacher.insert(Teacher::start(wake(context))?),
        };
        teacher.ask(request);
        Ok(())
    }

    /// Starts a training.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn train(
        &mut self,
        (plan, out, place): (TrainPlan, PathBuf, TrainingPlace),
        context: &Context,
    ) -> std::io::Result<()> {
        self.training = Some(TrainingRun::start(plan, out, place, wake(context))?);
        Ok(())
    }

    /// Stops the training after the current step.
    pub(super) fn stop_training(&self) {
        if let Some(training) = &self.training {
            training.stop();
        }
    }

    /// Opens a folder in the system's file manager. A folder that does not exist is created.
    ///
    /// This happens on a separate thread, because starting a program can take a while.
    ///
    /// # Errors
    /// A message when the thread cannot be started.
    pub(super) fn open_outside(folder: PathBuf) -> Result<(), Toast> {
        let open = move || {
            if let Err(e) = std::fs::create_dir_all(&folder).and_then(|()| open::that_detached(&folder)) {
                log::warn!("cannot open the folder ({e}): {}", folder.display());
            }
        };
        let started = std::thread::Builder::new().name("open folder".into()).spawn(open);
        started
            .map(drop)
            .map_err(|e| Toast::error(format!("the folder cannot be opened ({e})")))
    }
}
