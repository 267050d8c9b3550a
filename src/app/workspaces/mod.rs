//! The workspaces: masks, annotate, attention, compare, evaluate and train.
//!
//! Each is a file or a folder here, implements [`Workspace`] and is listed in [`WORKSPACES`]; no other code names one.

mod annotate;
mod attention;
mod compare;
mod ctx;
mod evaluate;
mod image_view;
mod masks;
mod train;

use std::path::PathBuf;
use std::sync::Arc;

use egui::Ui;

use super::command::Command;
use super::gpu::GpuLabels;
use super::services::Ask;
use super::state::{OpenWorkspace, ResultKey};
use super::theme::Icon;
use crate::engine::{
    AnnotationNews, Event, ImageSource, ModelInfo, ModelSource, ScoreAnswer, Segmented, TeacherAnswer, Ticket,
    TraceReading, TrainingNews,
};
use crate::labels::ClassSet;
pub(super) use ctx::{Ctx, bare};

/// Every workspace, in the order of the switch.
pub(super) const WORKSPACES: [WorkspaceEntry; 6] = [
    WorkspaceEntry {
        title: "Masks",
        icon: Icon::Layers,
        command: Command::ShowMasks,
        make: || Box::<masks::Masks>::default(),
    },
    WorkspaceEntry {
        title: "Annotate",
        icon: Icon::Brush,
        command: Command::ShowAnnotate,
        make: || Box::<annotate::Annotate>::default(),
    },
    WorkspaceEntry {
        title: "Attention",
        icon: Icon::ScanEye,
        command: Command::ShowAttention,
        make: || Box::<attention::Attention>::default(),
    },
    WorkspaceEntry {
        title: "Compare",
        icon: Icon::Columns2,
        command: Command::ShowCompare,
        make: || Box::<compare::Compare>::default(),
    },
    WorkspaceEntry {
        title: "Evaluate",
        icon: Icon::ChartColumn,
        command: Command::ShowEvaluate,
        make: || Box::<evaluate::Evaluate>::default(),
    },
    WorkspaceEntry {
        title: "Train",
        icon: Icon::ChartSpline,
        command: Command::ShowTrain,
        make: || Box::<train::Train>::default(),
    },
];

/// An entry of [`WORKSPACES`].
pub(super) struct WorkspaceEntry {
    /// The text of its tab.
    pub(super) title: &'static str,
    /// Beside or in place of the text.
    pub(super) icon: Icon,
    /// The command that opens it.
    pub(super) command: Command,
    make: fn() -> Box<dyn Workspace>,
}

/// The title of a workspace, which identifies it.
pub(super) type WorkspaceId = &'static str;

/// A workspace of the window.
///
/// It reads the state through a [`Ctx`], which it cannot change, and requests changes by sending actions.
/// State that no other part of the window needs, such as panes or scores, is stored in the workspace itself.
pub(super) trait Workspace {
    /// The title of its entry in [`WORKSPACES`].
    fn id(&self) -> WorkspaceId;

    /// Whether it shows the output in use. If so, a newly opened image or model is segmented with that output.
    fn shows_output(&self) -> bool {
        true
    }

    /// Whether it needs an open image to show anything.
    fn needs_image(&self) -> bool {
        true
    }

    /// Called when it is opened.
    fn enter(&mut self, _ctx: &Ctx) {}

    /// Called when another workspace is opened.
    fn leave(&mut self, _ctx: &Ctx) {}

    /// Handles news.
    fn on_news(&mut self, _news: &News, _ctx: &Ctx) {}

    /// Called once per frame, also while another workspace is open: requests what is missing.
    fn update(&mut self, _ctx: &Ctx) {}

    /// Draws its content in the middle of the window.
    fn view(&mut self, ui: &mut Ui, ctx: &Ctx);

    /// A title and a line below it for the head of the canvas, in place of name and size of the photo.
    fn title(&self, _ctx: &Ctx) -> Option<[String; 2]> {
        None
    }

    /// Draws its controls at the right end of the head of the canvas, from the right on. Returns whether they take the
    /// place of those that move the photo.
    fn head_controls(&mut self, _ui: &mut Ui, _ctx: &Ctx) -> bool {
        false
    }

    /// Whether its panel needs more width than others.
    fn wide_panel(&self) -> bool {
        false
    }

    /// Draws its panel on the right.
    fn side_panel(&mut self, ui: &mut Ui, ctx: &Ctx);

    /// Whether a command is enabled now; `None` if this workspace does not decide. It decides on its own commands, and
    /// on others while it is open.
    fn enabled(&self, _command: Command, _ctx: &Ctx) -> Option<bool> {
        None
    }

    /// Whether a toggle command of this workspace is on; `None` for all other commands.
    fn is_on(&self, _command: Command) -> Option<bool> {
        None
    }

    /// Performs a command if it belongs to this workspace. Returns whether it did.
    fn perform(&mut self, _command: Command, _ctx: &Ctx) -> bool {
        false
    }

    /// The classes in its class list.
    fn listed_classes(&self, ctx: &Ctx) -> Option<ListedClasses> {
        ctx.listed_classes()
    }

    /// The name of the class under the cursor.
    fn class_under_cursor(&self, ctx: &Ctx) -> Option<String> {
        ctx.class_under_cursor()
    }

    /// Whether it runs something that Escape cancels.
    fn is_busy(&self) -> bool {
        false
    }

    /// The names of what undo and redo would change, if they act on this workspace instead of the view.
    fn undo_names(&self) -> Option<[Option<String>; 2]> {
        None
    }

    /// Its text in the status bar, which is shown while another workspace is open, too.
    fn status(&self) -> Option<String> {
        None
    }
}

/// The classes of a class list, and whether each occurs in the image.
pub(super) struct ListedClasses {
    pub(super) classes: ClassSet,
    pub(super) present: Vec<bool>,
}

/// An event that a workspace may react to.
pub(super) enum News {
    /// The engine has answered a request of a workspace.
    Engine(Event),
    /// Attention has been read from a trace.
    TraceReading(TraceReading),
    /// The scoring thread has answered.
    Score(ScoreAnswer),
    /// Progress or the end of a training.
    Training(TrainingNews),
    /// A training could not start, and why.
    NoTraining(String),
    /// The thread that writes label files has reported.
    Annotation(AnnotationNews),
    /// What strokes have taught, or a model of it.
    Taught(TeacherAnswer),
    /// Labels have been uploaded to the GPU.
    Uploaded { ticket: Ticket, labels: Arc<GpuLabels> },
    /// A run has ended.
    Result { result: Segmented, key: ResultKey },
    /// A run has failed.
    RunFailed { key: ResultKey, message: String },
    /// A photo or its labels do not fit on the GPU: the number of the photo.
    NotUploaded { photo: u64 },
    /// An image has been segmented for scoring.
    ResultToScore { result: Segmented, key: ResultKey },
    /// A workspace that does not show the output in use should run its own models again.
    RunAgain,
    /// The user has stopped the runs; nothing runs until the user resumes.
    Paused,
    /// An image's file has changed.
    ImageChanged(ImageSource),
    /// Another model is in use; the classes of both models.
    ModelChanged { before: ClassSet, now: ClassSet },
    /// A model has been opened for use.
    ModelOpened(Arc<ModelInfo>),
    /// A model is being closed.
    ModelClosing(ModelSource),
    /// The user has chosen a folder or file for a workspace.
    Chosen(Ask, PathBuf),
    /// The user has chosen a label map; `truth` says whether it is ground truth.
    ChosenLabels { path: PathBuf, truth: bool },
}

/// All workspaces, one of which is open.
pub(super) struct Workspaces(Vec<Box<dyn Workspace>>);

impl Workspaces {
    /// One workspace for each entry of [`WORKSPACES`].
    pub(super) fn new() -> Self {
        Self(WORKSPACES.iter().map(|entry| (entry.make)()).collect())
    }

    /// The workspace that is open at the start.
    pub(super) fn first(&self) -> OpenWorkspace {
        let first = self.0.first();
        OpenWorkspace {
            id: first.map_or("", |first| first.id()),
            shows_output: first.is_none_or(|first| first.shows_output()),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &dyn Workspace> {
        self.0.iter().map(|workspace| &**workspace)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Box<dyn Workspace>> {
        self.0.iter_mut()
    }

    /// The workspace with this id.
    pub(super) fn get_mut(&mut self, id: WorkspaceId) -> Option<&mut Box<dyn Workspace>> {
        self.0.iter_mut().find(|workspace| workspace.id() == id)
    }

    /// The workspace that a command opens.
    pub(super) fn opened_by(command: Command) -> Option<WorkspaceId> {
        let entry = WORKSPACES.iter().find(|entry| entry.command == command);
        entry.map(|entry| entry.title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::testing::Bench;

    /// A workspace that records the news it receives.
    #[derive(Default)]
    struct Listener {
        heard: Vec<&'static str>,
    }

    impl Workspace for Listener {
        fn id(&self) -> WorkspaceId {
            "Listener"
        }

        fn shows_output(&self) -> bool {
            false
        }

        fn on_news(&mut self, news: &News, _ctx: &Ctx) {
            self.heard.push(match news {
                News::RunAgain => "run again",
                News::Paused => "paused",
                News::ModelChanged { .. } => "another model",
                _ => "something else",
            });
        }

        fn view(&mut self, _ui: &mut Ui, _ctx: &Ctx) {}

        fn side_panel(&mut self, _ui: &mut Ui, _ctx: &Ctx) {}
    }

    #[test]
    fn workspace_ids_match_their_entries_and_commands_are_unique() {
        for (entry, workspace) in WORKSPACES.iter().zip(Workspaces::new().iter()) {
            assert_eq!(entry.title, workspace.id());
            assert_eq!(Workspaces::opened_by(entry.command), Some(workspace.id()));
            let same = WORKSPACES.iter().filter(|other| other.command == entry.command);
            assert_eq!(same.count(), 1, "{}", entry.title);
        }
        assert_eq!(Workspaces::opened_by(Command::Export), None);
    }

    #[test]
    fn a_workspace_without_the_output_gets_news_instead_of_a_run() {
        let mut bench = Bench::with_images(&["a"]);
        let mut listener = Listener::default();
        bench.open(&mut listener);
        bench.state.segment();
        bench.settle(&mut [&mut listener]);
        assert!(bench.state.jobs.running.is_none());
        bench.state.choose_entry(1);
        bench.settle(&mut [&mut listener]);
        bench.state.cancel_and_say();
        bench.settle(&mut [&mut listener]);
        assert_eq!(listener.heard, ["run again", "another model", "run again", "paused"]);
    }
}
