//! What the window's parts ask for. Nothing changes while a frame is drawn: whatever a click, a workspace or an answer
//! brings about is an action, and `apply` carries all of them out, once a frame.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use egui::Rect;

use super::canvas::Camera;
use super::chrome::Toast;
use super::command::Command;
use super::gpu::{Upload, Uploaded};
use super::inspector::ClassList;
use super::services::{Ask, Chosen};
use super::settings::{Panels, Settings};
use super::state::{ResultKey, TestSettings, ViewState};
use super::workspaces::News;
use crate::datasets::TruthChoices;
use crate::engine::{
    EngineSettings, Event, Inspection, Job, ModelInfo, ModelSource, OpenPhoto, Output, PhotoSource, Prediction,
    Question, ScoreRequest, Thumbnail, TrainPlan, TrainingPlace,
};
use crate::export::Options;

/// Something that is to be done.
pub(super) enum Action {
    /// What the command does.
    Perform(Command),
    /// Tell every workspace.
    Tell(News),

    // Pictures and models.
    /// Sort out what was dropped, chosen or named.
    Find(Vec<PathBuf>),
    /// Show the picture at this place of the list.
    GoTo(usize),
    /// Search the list of pictures for this.
    Search(String),
    /// A thumbnail has been made, or the picture cannot be read.
    Thumbnail(PhotoSource, Thumbnail),
    /// A picture's file has changed.
    FileChanged(PhotoSource),
    /// Open a model and use it.
    OpenModel(ModelSource),
    /// Open models one after another, without using them.
    OpenModels(Vec<ModelSource>),
    /// Open the next of them.
    OpenNextModel,
    /// Open no more of them.
    ForgetNextModels,
    /// Use an output.
    UseOutput(Arc<ModelInfo>, Output),
    /// Use the output at this place of the switch.
    UseEntry(usize),
    /// Use a model, with the output that was in use before.
    UseModel(Arc<ModelInfo>),
    /// Close a model.
    CloseModel(Arc<ModelInfo>),
    /// Run the model in use in another way.
    ChangeTestSettings(TestSettings),
    /// Run the model in use as its file says.
    ResetTestSettings,

    // Runs.
    /// Segment a photo, in place of any run before.
    Run(OpenPhoto, ResultKey),
    /// Stop the run.
    StopRun,
    /// Go on with the picture that is there: show its kept result, or make one.
    Resume,
    /// Segment pictures one after another, and write files of the results where that is wanted.
    SegmentPictures {
        pictures: Vec<PhotoSource>,
        write: Option<(Options, PathBuf)>,
        /// The results are scored.
        for_scores: bool,
    },
    /// A kept result was used: it stays longer than others.
    Touch(ResultKey),

    // What a person sees and has set.
    View(ViewState),
    Camera(Camera),
    /// Where the canvas is.
    CanvasArea(Option<Rect>),
    /// Photo pixel under the cursor.
    Cursor(Option<[usize; 2]>),
    /// Photo pixel whose reading stays.
    Pin(Option<[usize; 2]>),
    ClassList(ClassList),
    Panels(Panels),
    Settings(Settings),
    /// How ground truth is read.
    TruthChoices(TruthChoices),

    // Services.
    /// Hand a job to the engine.
    Send(Job),
    /// Have the engine compute in another way.
    Configure(EngineSettings),
    /// The engine has said something.
    Event(Event),
    /// Make textures.
    Upload(Upload),
    /// Textures have been made.
    Uploaded(Uploaded),
    /// Make thumbnails of these, and of no others.
    WantThumbnails(Vec<PhotoSource>),
    /// Watch the files of the open pictures.
    WatchFiles,
    /// Read attention.
    Read {
        inspection: Arc<Inspection>,
        prediction: Option<Arc<Prediction>>,
        questions: Vec<Question>,
    },
    /// Read no more attention, and free its memory.
    ForgetReading,
    /// Start the scoring thread if there is none.
    StartScorer,
    /// Hand something to the scoring thread.
    Score(ScoreRequest),
    /// Train.
    StartTraining(Box<(TrainPlan, PathBuf, TrainingPlace)>),
    /// End the training after the step that it is at.
    StopTraining,
    /// Open one of the system's file dialogs.
    Ask(Ask),
    /// What was chosen in it; `None` when it was closed without a choice.
    Chosen(Option<Chosen>),
    /// Copy a text, and say so.
    CopyText(String, &'static str),
    /// Show a folder in the system's file manager.
    OpenOutside(PathBuf),
    /// Say something.
    Toast(Toast),
}

/// Where actions go. Cheap to clone.
#[derive(Clone)]
pub(super) struct Actions(Sender<Action>);

impl Actions {
    /// A queue without an end, and its other side.
    pub(super) fn new() -> (Self, Receiver<Action>) {
        let (sender, receiver) = unbounded();
        (Self(sender), receiver)
    }

    /// Has something done at the end of the frame.
    pub(super) fn send(&self, action: Action) {
        // Fails when the window is gone.
        self.0.send(action).ok();
    }

    /// Has a command performed.
    pub(super) fn perform(&self, command: Command) {
        self.send(Action::Perform(command));
    }

    /// Hands a job to the engine.
    pub(super) fn job(&self, job: Job) {
        self.send(Action::Send(job));
    }

    /// Tells every workspace.
    pub(super) fn tell(&self, news: News) {
        self.send(Action::Tell(news));
    }

    /// Shows a message.
    pub(super) fn toast(&self, toast: Toast) {
        self.send(Action::Toast(toast));
    }

    /// Shows a short note.
    pub(super) fn info(&self, text: impl Into<String>) {
        self.toast(Toast::info(text));
    }

    /// Shows an error.
    pub(super) fn error(&self, text: impl Into<String>) {
        self.toast(Toast::failure(text));
    }
}
