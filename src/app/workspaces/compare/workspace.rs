//! Implements [`Workspace`] for [`Compare`].

use egui::Ui;

use super::{Compare, truth_reader};
use crate::app::action::{Action, Request};
use crate::app::command::Command;
use crate::app::services::Ask;
use crate::app::workspaces::{Ctx, ListedClasses, News, Workspace, WorkspaceId};
use crate::engine::Event;

impl Workspace for Compare {
    fn id(&self) -> WorkspaceId {
        "Compare"
    }

    fn shows_output(&self) -> bool {
        false
    }

    fn enter(&mut self, ctx: &Ctx) {
        ctx.send(Action::StopRun);
        self.begin(ctx);
    }

    fn leave(&mut self, ctx: &Ctx) {
        ctx.send(Action::ForgetNextModels);
        ctx.send(Action::StopRun);
        self.hovered = None;
        self.free();
        // The other workspaces show the output in use again.
        ctx.send(Action::Resume);
    }

    fn on_news(&mut self, news: &News, ctx: &Ctx) {
        let is_open = ctx.is_open(self.id());
        match news {
            News::Engine(Event::Labels { ticket, labels }) => self.take_labels(ticket, labels.clone(), ctx),
            News::Engine(Event::Compared { ticket, comparison }) => self.take_comparison(ticket, comparison.clone()),
            News::Uploaded { ticket, labels } => self.take_texture(ticket, labels),
            News::Result { result, key } if is_open => self.show_run(result, key, ctx),
            News::RunFailed { key, message } => self.note_failure(key, message, ctx),
            News::RunAgain if is_open => self.keep_going(),
            News::Paused if is_open => self.pause(),
            News::ModelOpened(model) if is_open => self.add_opened_model(model, ctx),
            News::ModelClosing(source) => self.drop_panes_of(source),
            News::ChosenLabels { path, truth } => self.add_labels(path.clone(), *truth, ctx),
            _ => {}
        }
    }

    fn update(&mut self, ctx: &Ctx) {
        if self.choices != ctx.state.truth {
            self.choices.clone_from(&ctx.state.truth);
            let model = ctx.state.library.models.used();
            self.read_truth_again(|classes| truth_reader(model.map(|model| &**model), classes, &ctx.state.truth));
        }
        if ctx.is_open(self.id()) {
            if self.panes.is_empty() && !self.restored && !self.awaits_model(ctx) {
                self.begin(ctx);
            }
            self.keep_panes(ctx);
            self.fill_panes(ctx);
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
            Command::ToggleWipe => Some(is_open && self.has_two()),
            Command::ToggleDifferences | Command::ToggleTable => Some(is_open),
            Command::AddLabelMap | Command::AddGroundTruth => Some(ctx.document().is_some()),
            // These act on the masks and readings of the masks workspace, which are not shown here.
            Command::CopyReading | Command::UnpinReading | Command::CopyOverlay | Command::CopyLabels if is_open => {
                Some(false)
            }
            Command::Export if is_open => Some(ctx.document().is_some() && self.can_export()),
            Command::ToggleMasks | Command::ShowPresentClasses if is_open => Some(true),
            Command::ToggleClassUnderCursor | Command::SoloClassUnderCursor if is_open => {
                Some(self.class_under_cursor(ctx).is_some())
            }
            _ => None,
        }
    }

    fn is_on(&self, command: Command) -> Option<bool> {
        match command {
            Command::ToggleWipe => Some(self.is_wipe()),
            Command::ToggleDifferences => Some(self.differences),
            Command::ToggleTable => Some(self.table),
            _ => None,
        }
    }

    fn perform(&mut self, command: Command, ctx: &Ctx) -> bool {
        let is_open = ctx.is_open(self.id());
        match command {
            Command::ToggleWipe => self.toggle_wipe(),
            Command::ToggleDifferences => self.differences = !self.differences,
            Command::ToggleTable => self.table = !self.table,
            Command::PatchSizes => self.add_patch_sizes(ctx),
            Command::AddLabelMap => ctx.request(Request::Ask(Ask::LabelMap)),
            Command::AddGroundTruth => ctx.request(Request::Ask(Ask::GroundTruth)),
            Command::Export if is_open => self.open_export(ctx),
            _ => return false,
        }
        true
    }

    fn listed_classes(&self, ctx: &Ctx) -> Option<ListedClasses> {
        match self.classes() {
            Some(classes) => Some(ListedClasses {
                classes: classes.clone(),
                present: self.present(),
            }),
            None => ctx.listed_classes(),
        }
    }

    fn class_under_cursor(&self, ctx: &Ctx) -> Option<String> {
        self.class_at(ctx.state.canvas.cursor?)
    }
}
