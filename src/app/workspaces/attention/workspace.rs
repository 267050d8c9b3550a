//! Implements [`Workspace`] for [`Attention`].

use egui::{PointerButton, Ui};

use super::Attention;
use crate::app::action::Request;
use crate::app::command::Command;
use crate::app::services::Ask;
use crate::app::workspaces::image_view::CanvasLayers;
use crate::app::workspaces::{Ctx, News, Workspace, WorkspaceId, bare};

impl Workspace for Attention {
    fn id(&self) -> WorkspaceId {
        "Attention"
    }

    fn leave(&mut self, ctx: &Ctx) {
        self.stop_trace(ctx);
        self.interrupt_averaging();
    }

    fn on_news(&mut self, news: &News, ctx: &Ctx) {
        match news {
            News::Engine(event) => self.take_event(event),
            News::TraceReading(read) => self.take(read.clone()),
            News::Chosen(Ask::FigureFolder, folder) => self.export_figures(folder.clone(), ctx),
            News::ModelChanged { before, now } => self.follow_classes(before, now),
            _ => {}
        }
    }

    fn update(&mut self, ctx: &Ctx) {
        if ctx.is_open(self.id()) {
            self.update_trace(ctx);
            if let Some(document) = ctx.document() {
                self.begin_with_an_object(document);
            }
            if self.traced.is_some() {
                self.update_averaging(ctx);
            }
        }
    }

    fn view(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let Some(document) = ctx.document() else { return };
        let overlay = self.overlay(ui, document).filter(|_| !bare(ui));
        let paint = |painter: &egui::Painter, photo: egui::Rect| {
            if let Some(overlay) = &overlay {
                overlay.paint(painter, photo);
            }
        };
        let shown = CanvasLayers {
            masks: None,
            regions: None,
            pinned: None,
            overlay: overlay.is_some().then_some(&paint),
            drag_moves: false,
        };
        let happened = self.image.show(ui, ctx, document, shown);
        if let Some(model) = ctx.state.library.models.used() {
            self.caption(ui, happened.response.rect, &model.classes);
        }
        let response = &happened.response;
        let chooses = response.clicked_by(PointerButton::Primary) || response.dragged_by(PointerButton::Primary);
        if let Some(pixel) = happened.cursor.filter(|_| chooses) {
            self.choose_patch(pixel);
            ui.ctx().request_repaint();
        }
    }

    fn side_panel(&mut self, ui: &mut Ui, ctx: &Ctx) {
        self.panel(ui, ctx);
    }

    fn enabled(&self, command: Command, ctx: &Ctx) -> Option<bool> {
        let is_open = ctx.is_open(self.id());
        match command {
            Command::PreviousLayer | Command::NextLayer | Command::PreviousHead | Command::NextHead => {
                Some(is_open && self.traced.is_some())
            }
            Command::Export if is_open => Some(self.can_export()),
            _ => None,
        }
    }

    fn perform(&mut self, command: Command, ctx: &Ctx) -> bool {
        match command {
            Command::PreviousLayer => self.step_layer(-1),
            Command::NextLayer => self.step_layer(1),
            Command::PreviousHead => self.step_head(-1),
            Command::NextHead => self.step_head(1),
            Command::Export if ctx.is_open(self.id()) => ctx.request(Request::Ask(Ask::FigureFolder)),
            Command::Cancel => return self.cancel_trace(),
            _ => return false,
        }
        true
    }

    fn is_busy(&self) -> bool {
        self.pending.is_some()
    }
}
