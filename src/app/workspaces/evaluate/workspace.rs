//! Implements [`Workspace`] for [`Evaluate`].

use egui::Ui;

use super::Evaluate;
use crate::app::action::Request;
use crate::app::command::Command;
use crate::app::services::Ask;
use crate::app::workspaces::{Ctx, News, Workspace, WorkspaceId};

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
            News::ImageChanged(source) => self.forget(source),
            News::Chosen(Ask::TruthFolder, folder) => self.set_folder(Some(folder.clone())),
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
