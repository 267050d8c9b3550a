//! Implements [`Workspace`] for [`Attention`].

use egui::{PointerButton, Ui, vec2};

use super::overlay::Overlay;
use super::{Attention, MapChoice};
use crate::app::command::Command;
use crate::app::theme::{Icon, height};
use crate::app::widgets::{Segment, pointer_chip, segmented, width_of};
use crate::app::workspaces::image_view::CanvasLayers;
use crate::app::workspaces::{Ctx, News, Workspace, WorkspaceId, bare};

/// Width of the head, without the model's chip, from which there is room for words, in points.
const ROOM_FOR_WORDS: f32 = 420.0;

impl Workspace for Attention {
    fn id(&self) -> WorkspaceId {
        "Attention"
    }

    fn leave(&mut self, ctx: &Ctx) {
        self.stop_trace(ctx);
        self.interrupt_averaging();
    }

    fn on_news(&mut self, news: &News, _ctx: &Ctx) {
        match news {
            News::Engine(event) => self.take_event(event),
            News::TraceReading(read) => self.take(read.clone()),
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
        if self.shows_wall && self.traced.is_some() {
            return self.wall(ui, ctx);
        }
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
            muted: overlay.as_ref().is_some_and(Overlay::has_map),
            overlay: overlay.is_some().then_some(&paint),
            drag_moves: false,
            edited: false,
        };
        let happened = self.image.show(ui, ctx, document, shown);
        let canvas = happened.response.rect;
        self.color_bar(ui, canvas);
        if let (Some(at), false) = (happened.hover, happened.response.dragged())
            && let Some(text) = self.under_cursor(ctx)
        {
            let size = vec2(24.0 + 6.8 * text.len() as f32, 38.0);
            pointer_chip(ui, "value at the cursor", (at, canvas), size, |ui| {
                ui.add(egui::Label::new(text).extend());
            });
        }
        let response = &happened.response;
        let chooses = response.clicked_by(PointerButton::Primary) || response.dragged_by(PointerButton::Primary);
        if let Some(pixel) = happened.cursor.filter(|_| chooses) {
            self.choose_patch(pixel);
            ui.ctx().request_repaint();
        }
    }

    fn title(&self, ctx: &Ctx) -> Option<[String; 2]> {
        let model = ctx.state.library.models.used().filter(|_| self.traced.is_some())?;
        let [sentence, below] = self.sentence(&model.classes);
        Some(match self.shows_wall {
            true => [self.wall_title(), sentence],
            false => [sentence, below],
        })
    }

    fn head_controls(&mut self, ui: &mut Ui, _ctx: &Ctx) -> bool {
        if self.traced.is_none() {
            return false;
        }
        let segments =
            [(false, "One map", Icon::Square), (true, "All heads", Icon::Grid3X3)].map(|(wall, name, icon)| Segment {
                icon: (ui.available_width() < ROOM_FOR_WORDS).then_some(icon),
                title: if ui.available_width() < ROOM_FOR_WORDS {
                    ""
                } else {
                    name
                },
                name,
                chosen: self.shows_wall == wall,
                enabled: true,
            });
        let widths = segments.each_ref().map(|segment| width_of(ui, segment, 12.0));
        let size = vec2(widths.iter().sum(), height::BUTTON);
        let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
        let [one, all] = [false, true];
        for (wall, response) in [one, all]
            .into_iter()
            .zip(segmented(ui, rect, &widths, &segments, false))
        {
            if response.clicked() {
                self.shows_wall = wall;
                if wall && !matches!(self.shown, MapChoice::Mean | MapChoice::Most | MapChoice::Head(_)) {
                    self.shown = MapChoice::Mean;
                }
            }
        }
        true
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
            Command::Export if ctx.is_open(self.id()) => self.open_export(ctx),
            Command::Cancel => return self.cancel_trace(),
            _ => return false,
        }
        true
    }

    fn is_busy(&self) -> bool {
        self.pending.is_some()
    }
}
