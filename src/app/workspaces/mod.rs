//! The workspaces: ways of looking at the picture. Each is a file or a folder here, implements one trait and stands in
//! one list; nothing else names one.

mod attention;
mod compare;
mod ctx;
mod evaluate;
mod masks;
mod picture_view;
mod train;

use std::path::PathBuf;
use std::sync::Arc;

use egui::Ui;

use super::command::Command;
use super::gpu::GpuLabels;
use super::services::Ask;
use super::state::{OpenWorkspace, ResultKey};
use crate::engine::{Event, ModelInfo, ModelSource, PhotoSource, Read, ScoreAnswer, Segmented, Ticket, TrainingNews};
use crate::labels::ClassSet;
pub(super) use ctx::{Ctx, bare};

/// Every workspace, in the order of the switch.
pub(super) const WORKSPACES: [Entry; 5] = [
    Entry {
        title: "Masks",
        command: Command::ShowMasks,
        make: || Box::<masks::Masks>::default(),
    },
    Entry {
        title: "Attention",
        command: Command::ShowAttention,
        make: || Box::<attention::Attention>::default(),
    },
    Entry {
        title: "Compare",
        command: Command::ShowCompare,
        make: || Box::<compare::Compare>::default(),
    },
    Entry {
        title: "Evaluate",
        command: Command::ShowEvaluate,
        make: || Box::<evaluate::Evaluate>::default(),
    },
    Entry {
        title: "Train",
        command: Command::ShowTrain,
        make: || Box::<train::Train>::default(),
    },
];

/// A line of the list of workspaces.
pub(super) struct Entry {
    /// What stands on its tab.
    pub(super) title: &'static str,
    /// What opens it.
    pub(super) command: Command,
    make: fn() -> Box<dyn Workspace>,
}

/// Which workspace.
pub(super) type WorkspaceId = &'static str;

/// A way of looking at the picture.
///
/// It sees the state through a [`Ctx`], which it cannot change, and asks for changes by actions.
/// What is its own, such as panes or scores, it keeps itself.
pub(super) trait Workspace {
    /// The title of its entry in [`WORKSPACES`].
    fn id(&self) -> WorkspaceId;

    /// Whether it shows the output in use: a picture or a model that comes is then segmented by that.
    fn shows_output(&self) -> bool {
        true
    }

    /// Whether there is nothing to see in it without a picture.
    fn needs_picture(&self) -> bool {
        true
    }

    /// It comes into sight.
    fn enter(&mut self, _ctx: &Ctx) {}

    /// Another one comes into sight.
    fn leave(&mut self, _ctx: &Ctx) {}

    /// Something has happened.
    fn on_news(&mut self, _news: &News, _ctx: &Ctx) {}

    /// Once a frame, also while another one is in sight: asks for what is missing.
    fn update(&mut self, _ctx: &Ctx) {}

    /// Draws it into the middle of the window.
    fn view(&mut self, ui: &mut Ui, ctx: &Ctx);

    /// Draws its panel at the right.
    fn side_panel(&mut self, ui: &mut Ui, ctx: &Ctx);

    /// Whether a command makes sense now, where that is for it to say: of its own commands, and of others while it is in
    /// sight.
    fn enabled(&self, _command: Command, _ctx: &Ctx) -> Option<bool> {
        None
    }

    /// Whether a command of its own that switches something has it on.
    fn is_on(&self, _command: Command) -> Option<bool> {
        None
    }

    /// Performs a command, where that is its to do; whether it has.
    fn perform(&mut self, _command: Command, _ctx: &Ctx) -> bool {
        false
    }

    /// The classes that its list has.
    fn listed_classes(&self, ctx: &Ctx) -> Option<ListedClasses> {
        ctx.listed_classes()
    }

    /// Name of the class under the cursor.
    fn class_under_cursor(&self, ctx: &Ctx) -> Option<String> {
        ctx.class_under_cursor()
    }

    /// Whether it is busy with something that Escape ends.
    fn is_busy(&self) -> bool {
        false
    }

    /// What the status bar says of it while another one is in sight, too.
    fn status(&self) -> Option<String> {
        None
    }
}

/// Classes of a list, and whether each is in the picture.
pub(super) struct ListedClasses {
    pub(super) classes: ClassSet,
    pub(super) present: Vec<bool>,
}

/// What has happened.
pub(super) enum News {
    /// The engine has answered something that a workspace asked for.
    Engine(Event),
    /// Attention has been read.
    Read(Read),
    /// The scoring thread has answered.
    Score(ScoreAnswer),
    /// A training goes on.
    Training(TrainingNews),
    /// There is no training, and why.
    NoTraining(String),
    /// Labels are on the GPU.
    Uploaded { ticket: Ticket, labels: Arc<GpuLabels> },
    /// A run has ended.
    Result { result: Segmented, key: ResultKey },
    /// A run has failed.
    RunFailed { key: ResultKey, message: String },
    /// A picture has been segmented to be scored.
    ResultToScore { result: Segmented, key: ResultKey },
    /// What is shown beside the output in use is to be run again.
    RunAgain,
    /// Nothing more is to be run until a person wants it.
    Paused,
    /// A picture's file has changed.
    PictureChanged(PhotoSource),
    /// Another model is in use, and the classes of both.
    ModelChanged { before: ClassSet, now: ClassSet },
    /// A model has been opened to be used.
    ModelOpened(Arc<ModelInfo>),
    /// A model is being closed.
    ModelClosing(ModelSource),
    /// A folder or file was chosen for a workspace.
    Chosen(Ask, PathBuf),
    /// A label map was chosen; whether it is the ground truth.
    ChosenLabels { path: PathBuf, truth: bool },
}

/// All workspaces, one of which is in sight.
pub(super) struct Workspaces(Vec<Box<dyn Workspace>>);

impl Workspaces {
    /// Those of the list.
    pub(super) fn new() -> Self {
        Self(WORKSPACES.iter().map(|entry| (entry.make)()).collect())
    }

    /// The one that is in sight at first.
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

    /// The one with this id.
    pub(super) fn get_mut(&mut self, id: WorkspaceId) -> Option<&mut Box<dyn Workspace>> {
        self.0.iter_mut().find(|workspace| workspace.id() == id)
    }

    /// Which one a command opens.
    pub(super) fn opened_by(command: Command) -> Option<WorkspaceId> {
        let entry = WORKSPACES.iter().find(|entry| entry.command == command);
        entry.map(|entry| entry.title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::testing::Bench;

    /// A workspace that notes what it hears.
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
    fn every_workspace_is_what_its_entry_says_and_has_a_command_of_its_own() {
        for (entry, workspace) in WORKSPACES.iter().zip(Workspaces::new().iter()) {
            assert_eq!(entry.title, workspace.id());
            assert_eq!(Workspaces::opened_by(entry.command), Some(workspace.id()));
            let same = WORKSPACES.iter().filter(|other| other.command == entry.command);
            assert_eq!(same.count(), 1, "{}", entry.title);
        }
        assert_eq!(Workspaces::opened_by(Command::Export), None);
    }

    #[test]
    fn one_that_does_not_show_the_output_is_told_instead_of_a_run() {
        let mut bench = Bench::with_pictures(&["a"]);
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
