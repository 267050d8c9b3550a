//! The picture on one canvas, as the masks and the attention workspace show it.

use std::sync::Arc;

use egui::{PointerButton, Rect, Ui};

use super::Ctx;
use crate::app::canvas::{self, DrawOver, Happened, Patches, Place, Scene};
use crate::app::command::Command;
use crate::app::gpu::{GpuLabels, Highlight, Look};
use crate::app::state::Document;
use crate::labels::Regions;

/// What a right click on the picture offers.
const CONTEXT_MENU: [Command; 9] = [
    Command::ToggleClassUnderCursor,
    Command::SoloClassUnderCursor,
    Command::ShowAllClasses,
    Command::Fit,
    Command::ActualSize,
    Command::CopyView,
    Command::CopyOverlay,
    Command::Segment,
    Command::Export,
];

/// The canvas.
#[derive(Default)]
pub(super) struct PictureView {
    /// Photo and pixel that the context menu is about.
    menu_pixel: Option<(u64, [usize; 2])>,
}

/// What is drawn on it.
pub(super) struct Shown<'a> {
    pub(super) masks: Option<(Arc<GpuLabels>, Look)>,
    /// Regions that light up under the cursor.
    pub(super) regions: Option<Arc<Regions>>,
    /// The pixel whose reading is pinned.
    pub(super) pinned: Option<[usize; 2]>,
    /// What is drawn over the photo.
    pub(super) overlay: Option<&'a DrawOver<'a>>,
    /// Dragging with the primary button moves the photo.
    pub(super) drag_moves: bool,
}

impl PictureView {
    /// Draws it, and lets a person move the picture.
    pub(super) fn show(&mut self, ui: &mut Ui, ctx: &Ctx, document: &Document, shown: Shown) -> Happened {
        ctx.set_canvas_area(Some(ui.available_rect_before_wrap()));
        let view = &ctx.state.view;
        let regions = shown.regions;
        let highlight_at = |pixel| Highlight::at(regions.as_deref()?, pixel);
        let scene = Scene {
            place: Place::Canvas,
            name: "Picture canvas",
            size: [document.photo.photo.width, document.photo.photo.height],
            drawing: ctx.drawing(ui, document, shown.masks),
            beside: None,
            highlight_at: &highlight_at,
            patches: patches(ctx, document),
            pinned: shown.pinned,
            pixel_grid: view.pixel_grid,
            minimap: view.minimap,
            magnifier: view.magnifier,
            overlay: shown.overlay,
            drag_moves: shown.drag_moves,
        };
        let mut camera = ctx.state.canvas.camera;
        let happened = canvas::show(ui, &mut camera, scene);
        if let Some(source) = ctx.state.slowly_opening(ui.ctx()) {
            opening_note(ui, happened.response.rect, &source.name());
        }
        ctx.set_camera(camera);
        double_click(ctx, &happened);
        // The menu is about the pixel that was clicked, not about the one under the open menu.
        if happened.response.secondary_clicked() {
            self.menu_pixel = happened.cursor.map(|pixel| (document.photo.id, pixel));
        }
        let mut cursor = happened.cursor;
        happened.response.context_menu(|ui| {
            ui.set_min_width(220.0);
            let pixel = self.menu_pixel.filter(|(id, _)| *id == document.photo.id);
            cursor = pixel.map(|(_, pixel)| pixel);
            for command in CONTEXT_MENU {
                ctx.menu_item(ui, command);
            }
        });
        ctx.set_cursor(cursor);
        happened
    }
}

/// The patches of the result, if they are wanted.
fn patches<'a>(ctx: &Ctx, document: &'a Document) -> Option<Patches<'a>> {
    let result = document.result.as_ref().filter(|_| ctx.state.view.patch_grid)?;
    // The first pass is the one at the model's own size, or the smallest of several.
    let field = result.prediction.fields.first()?;
    Some(Patches {
        size: field.size,
        patch: result.model.spec.encoder.attention()?.patch,
        columns: &field.columns,
        rows: &field.rows,
    })
}

/// A double click goes to and fro between the whole picture and its pixels.
pub(super) fn double_click(ctx: &Ctx, happened: &Happened) {
    if happened.response.double_clicked_by(PointerButton::Primary) {
        ctx.perform(if ctx.state.canvas.camera.is_fit() {
            Command::ActualSize
        } else {
            Command::Fit
        });
    }
}

/// Says over the canvas that another picture is on its way.
fn opening_note(ui: &Ui, canvas: Rect, name: &str) {
    let text = format!("Opening {name}…");
    let painter = ui.painter_at(canvas);
    let galley = painter.layout(
        text,
        egui::FontId::proportional(15.0),
        ui.visuals().text_color(),
        canvas.width() * 0.8,
    );
    let place = Rect::from_center_size(canvas.center(), galley.size());
    painter.rect_filled(place.expand(10.0), 6.0, ui.visuals().panel_fill);
    painter.galley(place.min, galley, ui.visuals().text_color());
}
