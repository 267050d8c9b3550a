//! The masks workspace: the class masks of the output in use, drawn over the image.

mod panel;
mod reading_chips;

use egui::{PointerButton, Ui};

use super::image_view::{CanvasLayers, ImageView};
use super::{Ctx, Workspace, WorkspaceId};
use crate::app::action::{Action, Request};
use crate::app::command::Command;
use crate::app::inspector::Reading;

/// The state of the workspace.
#[derive(Default)]
pub(super) struct Masks {
    image: ImageView,
}

impl Workspace for Masks {
    fn id(&self) -> WorkspaceId {
        "Masks"
    }

    fn view(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let Some(document) = ctx.document() else { return };
        let masks = document.masks.as_ref();
        let happened = self.image.show(
            ui,
            ctx,
            document,
            CanvasLayers {
                masks: masks.map(|m| (m.labels.clone(), ctx.style(&m.result.model.classes))),
                regions: masks.map(|m| m.result.regions.clone()),
                pinned: None,
                overlay: None,
                muted: false,
                drag_moves: true,
                edited: false,
            },
        );
        reading_chips::show(ui, ctx, document, &happened);
        // Space and Enter do not pin while the canvas has the focus. A second click on the same pixel removes the pin;
        // the clicks of a double click count, too.
        if happened.response.clicked_by(PointerButton::Primary)
            && let Some(pixel) = happened.cursor
        {
            ctx.send(Action::TogglePin(pixel));
        }
    }

    fn side_panel(&mut self, ui: &mut Ui, ctx: &Ctx) {
        panel::show(ui, ctx);
    }

    fn enabled(&self, command: Command, ctx: &Ctx) -> Option<bool> {
        (command == Command::PinMiddle).then(|| ctx.is_open(self.id()) && middle(ctx).is_some())
    }

    fn perform(&mut self, command: Command, ctx: &Ctx) -> bool {
        match command {
            Command::PinMiddle => {
                if let Some(pixel) = middle(ctx) {
                    ctx.send(Action::TogglePin(pixel));
                }
                true
            }
            Command::CopyReading => {
                copy_reading(ctx);
                true
            }
            Command::UnpinReading => {
                ctx.send(Action::Unpin);
                true
            }
            _ => false,
        }
    }
}

/// The reading under the cursor, or else the one that was pinned last.
fn reading(ctx: &Ctx) -> Option<Reading> {
    let canvas = &ctx.state.canvas;
    ctx.document()?.reading_at(canvas.reading_pixel()?)
}

fn copy_reading(ctx: &Ctx) {
    let (Some(reading), Some(document)) = (reading(ctx), ctx.document()) else {
        return;
    };
    if let Some(result) = &document.result {
        let text = reading.text(&document.photo.source.name(), &result.model.classes);
        ctx.request(Request::CopyText(text, "Reading copied"));
    }
}

/// The photo pixel in the middle of the canvas.
fn middle(ctx: &Ctx) -> Option<[usize; 2]> {
    let photo = &ctx.document()?.photo.photo;
    let area = ctx.state.canvas.area?;
    let size = egui::vec2(photo.width as f32, photo.height as f32);
    let shown = ctx.state.canvas.camera.photo_rect(area, size);
    let at = (area.center() - shown.min) / shown.size() * size;
    let inside = |at: f32, side: usize| (0.0..side as f32).contains(&at).then_some(at as usize);
    Some([inside(at.x, photo.width)?, inside(at.y, photo.height)?])
}
