//! Live handles: threads of the engine and of the window, and the system's dialogs and clipboard. They take jobs and
//! give answers; what is open and shown is in the state.

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
    Busy, Engine, EngineSettings, FileWatch, InsideReader, Inspection, Job, PhotoSource, Prediction, Question,
    ScoreRequest, Scorer, Thumbnails, TrainPlan, TrainingNews, TrainingPlace, TrainingRun, Wake,
};
use clipboard::PictureClipboard;
use copying::ViewShots;
use dialogs::Dialogs;
pub(super) use dialogs::{Ask, Chosen};
use system_fonts::SystemFonts;

/// Thumbnails that are handed to the GPU in one frame: more would be felt while scrolling.
const MOST_THUMBNAILS: usize = 4;

/// Everything that lives beside the thread of the window.
pub(super) struct Services {
    pub(super) engine: Engine,
    /// Jobs for which the engine's queue had no room.
    waiting: VecDeque<Job>,
    /// `None` where the system gives no thread; the list then shows names alone.
    thumbnails: Option<Thumbnails>,
    /// `None` where the system gives no thread; attention is not read then.
    reader: Option<InsideReader>,
    /// `None` until scores are wanted.
    scorer: Option<Scorer>,
    /// `None` while nothing is trained.
    training: Option<TrainingRun>,
    pub(super) watch: Option<FileWatch>,
    /// `None` where nothing is kept.
    pub(super) writer: Option<Writer>,
    pub(super) uploader: Uploader,
    pub(super) clipboard: PictureClipboard,
    pub(super) shots: ViewShots,
    pub(super) fonts: SystemFonts,
    dialogs: Dialogs,
}

/// Has the window drawn again, from any thread.
fn wake(context: &Context) -> Wake {
    let context = context.clone();
    Box::new(move || context.request_repaint())
}

impl Services {
    /// Starts the threads that are always there.
    ///
    /// # Errors
    /// When the system gives no thread.
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
            reader: InsideReader::start(wake(context)).ok(),
            scorer: None,
            training: None,
            watch: FileWatch::start(wake(context))
                .inspect_err(|why| log::warn!("{why}"))
                .ok(),
            writer,
            uploader: Uploader::start(gpu, context)?,
            clipboard: PictureClipboard::start(wake(context))?,
            shots: ViewShots::default(),
            fonts: SystemFonts::of(context),
            dialogs: Dialogs::default(),
        })
    }

    /// Hands a job to the engine, behind those that wait already. None is lost: what finds no room is handed over later.
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

    /// Everything that other threads have said since the last frame.
    pub(super) fn poll(&mut self, context: &Context, actions: &Actions) {
        while let Some(event) = self.engine.poll() {
            actions.send(Action::Event(event));
        }
        self.hand_over();
        while let Some(uploaded) = self.uploader.poll() {
            actions.send(Action::Uploaded(uploaded));
        }
        if let Some(thumbnails) = &self.thumbnails {
            let ready: Vec<_> = std::iter::from_fn(|| thumbnails.poll()).take(MOST_THUMBNAILS).collect();
            for (source, made) in ready {
                actions.send(Action::Thumbnail(source, made));
                // There may be more.
                context.request_repaint();
            }
        }
        while let Some(read) = self.reader.as_ref().and_then(InsideReader::poll) {
            actions.tell(News::Read(read));
        }
        while let Some(answer) = self.scorer.as_ref().and_then(Scorer::poll) {
            actions.tell(News::Score(answer));
        }
        while let Some(news) = self.training.as_ref().and_then(TrainingRun::poll) {
            if matches!(news, TrainingNews::Ended(_)) {
                self.training = None;
            }
            actions.tell(News::Training(news));
        }
        while let Some(path) = self.watch.as_ref().and_then(FileWatch::poll) {
            actions.send(Action::FileChanged(PhotoSource::Path(path)));
        }
        while let Some(problem) = self.writer.as_ref().and_then(Writer::poll) {
            actions.error(problem);
        }
        if let Some(answer) = self.dialogs.poll() {
            actions.send(Action::Chosen(answer));
        }
        self.take_copies(actions);
    }

    /// Hands on what was drawn for the clipboard, and tells what has become of it.
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
    /// When the system gives no thread.
    pub(super) fn ask(&mut self, what: Ask, folder: Option<PathBuf>, context: &Context) -> std::io::Result<()> {
        self.dialogs.ask(what, folder, context)
    }

    /// Has thumbnails made of these, and of no others.
    pub(super) fn want_thumbnails(&self, sources: Vec<PhotoSource>) {
        if let Some(thumbnails) = &self.thumbnails {
            thumbnails.want(sources);
        }
    }

    /// Has questions about a pass answered, and no others.
    pub(super) fn read(
        &self,
        inspection: &Arc<Inspection>,
        prediction: Option<&Arc<Prediction>>,
        questions: Vec<Question>,
    ) {
        if let Some(reader) = &self.reader {
            reader.want(inspection, prediction, questions);
        }
    }

    /// Has nothing more read.
    pub(super) fn forget_reading(&self) {
        if let Some(reader) = &self.reader {
            reader.forget();
        }
    }

    /// Starts the scoring thread if there is none.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start_scorer(&mut self, context: &Context) -> std::io::Result<()> {
        if self.scorer.is_none() {
            self.scorer = Some(Scorer::start(wake(context))?);
        }
        Ok(())
    }

    /// Hands something to the scoring thread; nothing comes back where there is none.
    pub(super) fn score(&self, request: ScoreRequest) {
        if let Some(scorer) = &self.scorer {
            scorer.ask(request);
        }
    }

    /// Starts a training.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn train(
        &mut self,
        (plan, out, place): (TrainPlan, PathBuf, TrainingPlace),
        context: &Context,
    ) -> std::io::Result<()> {
        self.training = Some(TrainingRun::start(plan, out, place, wake(context))?);
        Ok(())
    }

    /// Ends the training after the step that it is at.
    pub(super) fn stop_training(&self) {
        if let Some(training) = &self.training {
            training.stop();
        }
    }

    /// Opens a folder in the system's file manager, on a thread: starting a program can take a while. A folder that is
    /// not there yet is made.
    ///
    /// # Errors
    /// A message when the system gives no thread.
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
