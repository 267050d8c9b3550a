//! Changes that parts of the window ask for. Nothing changes while a frame is drawn: every change that comes from a
//! click, a workspace or the engine is an action, and `apply` carries out all actions once a frame.

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
use super::settings::{SavedPane, Settings};
use super::state::{Arrangement, InferenceSettings, ResultKey, ViewState};
use super::workspaces::{News, WorkspaceId};
use crate::annotate::project::ImageState;
use crate::datasets::TruthChoices;
use crate::engine::{
    AnnotationRequest, EngineSettings, Event, Export, ImageSource, Job, ModelInfo, ModelSource, OpenImage, Output,
    Prediction, ScoreRequest, TeacherRequest, Thumbnail, TraceQuestion, TracedImage, TrainPlan, TrainingPlace,
};
use crate::export::Options;

/// A change to make.
pub(super) enum Action {
    /// Perform a command.
    Perform(Command),
    /// Open a workspace.
    Show(WorkspaceId),
    /// Pass news to every workspace.
    Tell(News),

    // Images and models.
    /// Find out what the dropped, chosen or named files are.
    Find(Vec<PathBuf>),
    /// Show the image at this index of the list.
    GoTo(usize),
    /// Change which images are listed and in which order.
    Arrange(Arrangement),
    /// Remove images from the list.
    RemoveImages(Vec<ImageSource>),
    /// Note the score of an image.
    NoteScore(ImageSource, Option<f64>),
    /// Forget the scores of all images.
    ForgetScores,
    /// Note how far the annotation of images is.
    NoteAnnotated(Vec<(ImageSource, Option<ImageState>)>),
    /// An image's file has changed.
    FileChanged(ImageSource),
    /// Open a model and use it.
    OpenModel(ModelSource),
    /// Open models one after another, without using them.
    OpenModels(Vec<ModelSource>),
    /// Open the next of the models in [`Self::OpenModels`].
    OpenNextModel,
    /// Drop the models that still wait to be opened.
    ForgetNextModels,
    /// Use an output.
    UseOutput(Arc<ModelInfo>, Output),
    /// Use the output at this index of the output switch.
    UseEntry(usize),
    /// Use a model, with the output of it that was last in use.
    UseModel(Arc<ModelInfo>),
    /// Close a model.
    CloseModel(Arc<ModelInfo>),
    /// Change the inference settings of the model in use.
    ChangeInferenceSettings(InferenceSettings),
    /// Reset the inference settings of the model in use to those of its file.
    ResetInferenceSettings,

    // Runs.
    /// Segment a photo, in place of the current run.
    Run(OpenImage, ResultKey),
    /// Stop the run.
    StopRun,
    /// Show the cached result of the current image, or segment it.
    Resume,
    /// Segment images one after another, and export the results if `write` is given.
    SegmentImages {
        images: Vec<ImageSource>,
        write: Option<(Options, PathBuf)>,
        /// The results are scored.
        for_scores: bool,
    },
    /// Mark a cached result as used, so that it stays in the cache longer than others.
    Touch(ResultKey),

    // View and settings.
    /// Set the view. The flag says whether this is an undo step: a click is one, a move during a drag is not.
    View(ViewState, bool),
    Camera(Camera),
    /// Area of the canvas, in points.
    CanvasArea(Option<Rect>),
    /// Photo pixel under the cursor.
    Cursor(Option<[usize; 2]>),
    /// Pins the reading of a photo pixel, or removes its pin.
    TogglePin([usize; 2]),
    /// Removes all pins.
    Unpin,
    /// Closes the note that a photo is foreign to the model.
    CloseStrip(ImageSource),
    ClassList(ClassList),
    /// Widths of the list of images and of the panel at the right, in points.
    PanelWidths([f32; 2]),
    /// The hints of the first start have been seen.
    Coached,
    /// List a training's folder among the earlier ones.
    RememberTraining(PathBuf),
    /// Keep the panes of the compare workspace for the next start.
    KeepPanes(Vec<SavedPane>),
    Settings(Settings),
    /// How ground truth is read.
    TruthChoices(TruthChoices),

    // News.
    /// An event of the engine.
    Event(Event),
    /// Textures have been made.
    Uploaded(Uploaded),
    /// A thumbnail has been made, or the image cannot be read.
    Thumbnail(ImageSource, Thumbnail),
    /// The choice made in a file dialog; `None` if it was cancelled.
    Chosen(Option<Chosen>),

    /// Open the export sheet for what a workspace shows.
    Export(Box<Export>),
    /// Show a message.
    Toast(Toast),
    /// Ask a service for something.
    Request(Request),
}

/// A request to one of the services.
pub(super) enum Request {
    /// Hand a job to the engine.
    Send(Box<Job>),
    /// Change the engine's settings.
    Configure(EngineSettings),
    /// Make textures.
    Upload(Upload),
    /// Make thumbnails of these images only.
    WantThumbnails(Vec<ImageSource>),
    /// Watch the files of the open images.
    WatchFiles,
    /// Read attention.
    TraceReading {
        traced: Arc<TracedImage>,
        prediction: Option<Arc<Prediction>>,
        questions: Vec<TraceQuestion>,
    },
    /// Stop reading attention, and free the memory it uses.
    ForgetReading,
    /// Start the scoring thread if there is none.
    StartScorer,
    /// Hand a request to the scoring thread.
    Score(ScoreRequest),
    /// Start a training.
    StartTraining(Box<(TrainPlan, PathBuf, TrainingPlace)>),
    /// Stop the training after the current step.
    StopTraining,
    /// Hand a request to the thread that writes label files.
    Annotate(Box<AnnotationRequest>),
    /// Learn from strokes, or save what was learnt.
    Teach(TeacherRequest),
    /// Open one of the system's file dialogs.
    Ask(Ask),
    /// Show a folder in the system's file manager.
    OpenOutside(PathBuf),
    /// Copy a text to the clipboard, and show the given confirmation.
    CopyText(String, &'static str),
}

/// The sending side of the queue of actions. Cheap to clone.
#[derive(Clone)]
pub(super) struct Actions(Sender<Action>);

impl Actions {
    /// An unbounded queue: its sending and its receiving side.
    pub(super) fn new() -> (Self, Receiver<Action>) {
        let (sender, receiver) = unbounded();
        (Self(sender), receiver)
    }

    /// Queues an action. It is carried out in the next frame, or in this one while actions are being applied.
    pub(super) fn send(&self, action: Action) {
        // Fails only once the window is closed.
        self.0.send(action).ok();
    }

    /// Performs a command.
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

    /// Passes news to every workspace.
    pub(super) fn tell(&self, news: News) {
        self.send(Action::Tell(news));
    }

    /// Shows a message.
    pub(super) fn toast(&self, toast: Toast) {
        self.send(Action::Toast(toast));
    }

    /// Shows an informational message.
    pub(super) fn info(&self, text: impl Into<String>) {
        self.toast(Toast::info(text));
    }

    /// Shows an error.
    pub(super) fn error(&self, text: impl Into<String>) {
        self.toast(Toast::failure(text));
    }
}
