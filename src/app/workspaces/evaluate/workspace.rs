//! Implements [`Workspace`] for [`Evaluate`].

use egui::Ui;

use super::Evaluate;
use crate::app::action::{Action, Request};
use crate::app::command::Command;
use crate::app::services::Ask;
use crate::app::workspaces::{Ctx, News, Workspace, WorkspaceId};

impl Evaluate {
    /// Draws the button that scores all images or stops that. Returns whether there is one of them.
    fn run_controls(&self, ui: &mut Ui, ctx: &Ctx) -> bool {
        let found = self.truths.files.len();
        let run = ctx.state.jobs.batch.as_ref();
        if run.is_some_and(|batch| batch.for_scores && self.run) {
            // The status bar shows how far it is.
            if ui.button("Stop").on_hover_text("Scores so far are kept").clicked() {
                ctx.perform(Command::CancelAll);
            }
            return true;
        }
        if found == 0 {
            return false;
        }
        if ctx.commands.enabled(Command::ScoreAll) {
            ctx.command_button(ui, Command::ScoreAll);
        }
        true
    }
}

impl Workspace for Evaluate {
    fn id(&self) -> WorkspaceId {
        "Evaluate"
    }

    fn enter(&mut self, ctx: &Ctx) {
        self.opened = true;
        // Label maps may have been added since.
        self.truths.of = None;
        ctx.request(Request::StartScorer);
    }

    /// Keeps the scores.
    fn leave(&mut self, _ctx: &Ctx) {
        self.shown = None;
        self.summary = None;
        // Its scores still count when they arrive.
        if let Some((asked, wanted)) = self.asked.take() {
            self.pending.insert(wanted.key.source, asked);
        }
    }

    fn on_news(&mut self, news: &News, ctx: &Ctx) {
        match news {
            News::Score(answer) => self.take_answer(answer, ctx),
            News::Uploaded { ticket, labels } => self.take_texture(ticket, labels),
            News::ResultToScore { result, key } => self.score_in_passing(result, key, ctx),
            News::ImageChanged(source) => {
                self.forget(source);
                ctx.send(Action::NoteScore(source.clone(), None));
            }
            News::Chosen(Ask::TruthFolder, folder) => {
                self.set_folder(Some(folder.clone()));
                ctx.send(Action::ForgetScores);
            }
            _ => {}
        }
    }

    fn update(&mut self, ctx: &Ctx) {
        if self.opened {
            self.ask(ctx);
        }
    }

    fn view(&mut self, ui: &mut Ui, ctx: &Ctx) {
        self.show(ui, ctx);
    }

    fn title(&self, ctx: &Ctx) -> Option<[String; 2]> {
        let (found, all) = (self.truths.files.len(), ctx.state.library.images.len());
        let below = match &self.truths.asked {
            Some(_) => "Looking for ground truth".to_owned(),
            None => format!("{found} of {all} photos have ground truth"),
        };
        let folder = self.folder.as_ref().and_then(|folder| folder.file_name());
        let name = ctx.document().map(|document| document.photo.source.name());
        let title = folder.map(|folder| folder.to_string_lossy().into_owned()).or(name)?;
        Some([title, below])
    }

    fn head_controls(&mut self, ui: &mut Ui, ctx: &Ctx) -> bool {
        self.run_controls(ui, ctx)
    }

    fn wide_panel(&self) -> bool {
        true
    }

    fn side_panel(&mut self, ui: &mut Ui, ctx: &Ctx) {
        self.panel(ui, ctx);
    }

    fn enabled(&self, command: Command, ctx: &Ctx) -> Option<bool> {
        let is_open = ctx.is_open(self.id());
        match command {
            Command::ScoreAll => {
                let ready = ctx.state.has_model() && ctx.state.jobs.batch.is_none();
                Some(is_open && ready && self.waiting.is_empty() && self.unscored().next().is_some())
            }
            // These act on the masks and readings of the masks workspace, which are not shown here.
            Command::CopyReading
            | Command::UnpinReading
            | Command::CopyOverlay
            | Command::CopyLabels
            | Command::ToggleClassUnderCursor
            | Command::SoloClassUnderCursor
                if is_open =>
            {
                Some(false)
            }
            _ => None,
        }
    }

    fn perform(&mut self, command: Command, ctx: &Ctx) -> bool {
        match command {
            Command::ScoreAll => self.score_all(ctx),
            _ => return false,
        }
        true
    }
}
