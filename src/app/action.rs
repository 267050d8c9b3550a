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
use super::settings::Settings;
use super::state::{ResultKey, TestSettings, ViewState};
use super::workspaces::{News, WorkspaceId};
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
    /// Go to a workspace.
    Show(WorkspaceId),
    /// Tell every workspace.
    Tell(News),

    // Pictures and models.
    /// Sort out what was dropped, chosen or named.
    Find(Vec<PathBuf>),
    /// Show the picture at this place of the list.
    GoTo(usize),
    /// Search the list of pictures for this.
    Search(String),
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
    /// The view, and whether this is a step of its own for undo: a click is, a move while something is dragged is not.
    View(ViewState, bool),
    Camera(Camera),
    /// Where the canvas is.
    CanvasArea(Option<Rect>),
    /// Photo pixel under the cursor.
    Cursor(Option<[usize; 2]>),
    /// Photo pixel whose reading stays.
    Pin(Option<[usize; 2]>),
    ClassList(ClassList),
    /// How wide the list of pictures and the panel at the right are, in points.
    PanelWidths([f32; 2]),
    Settings(Settings),
    /// How ground truth is read.
    TruthChoices(TruthChoices),

    // News.
    /// The engine has said something.
    Event(Event),
    /// Textures have been made.
    Uploaded(Uploaded),
    /// A thumbnail has been made, or the picture cannot be read.
    Thumbnail(PhotoSource, Thumbnail),
    /// What was chosen in a file dialog; `None` when it was closed without a choice.
    Chosen(Option<Chosen>),

    /// Say something.
    Toast(Toast),
    /// Have something done elsewhere.
    Request(Request),
}

/// What services are asked for.
pub(super) enum Request {
    /// Hand a job to the engine.
    Send(Box<Job>),
    /// Have the engine compute in another way.
    Configure(EngineSettings),
    /// Make textures.
    Upload(Upload),
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
    /// Show a folder in the system's file manager.
    OpenOutside(PathBuf),
    /// Copy a text, and say so.
    CopyText(String, &'static str),
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

    /// Has something done: in the next frame, or in this one while actions are being applied.
    pub(super) fn send(&self, action: Action) {
        // Fails when the window is gone.
        self.0.send(action).ok();
    }

    /// Has a command performed.
    pub(super) fn perform(&self, command: Command) {
        self.send(Action::Perform(command));
    }

    /// Asks a service for something.
    pub(super) fn request(&self, request: Request) {
        self.send(Action::Request(request));
    }

    /// Hands a job to the engine.
    pub(super) fn job(&self, job: Job) {
        self.request(Request::Send(Box::new(job)));
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
