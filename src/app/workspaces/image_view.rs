//! The canvas with one image, used by the masks and attention workspaces.

use std::sync::Arc;

use egui::{PointerButton, Rect, Ui};

use super::Ctx;
use crate::app::canvas::{self, CanvasResponse, DrawOver, DrawSlot, Patches, Scene};
use crate::app::command::Command;
use crate::app::gpu::{GpuLabels, Highlight, MaskStyle};
use crate::app::state::Document;
use crate::labels::Regions;

/// Commands in the context menu of the image.
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

/// The state of the canvas.
#[derive(Default)]
pub(super) struct ImageView {
    /// Image id and pixel that the context menu was opened on.
    menu_pixel: Option<(u64, [usize; 2])>,
}

/// What is drawn on the canvas.
pub(super) struct CanvasLayers<'a> {
    pub(super) masks: Option<(Arc<GpuLabels>, MaskStyle)>,
    /// Regions that are highlighted under the cursor.
    pub(super) regions: Option<Arc<Regions>>,
    /// The pixel whose reading is pinned.
    pub(super) pinned: Option<[usize; 2]>,
    /// Draws over the image.
    pub(super) overlay: Option<&'a DrawOver<'a>>,
    /// Whether the photo is muted, so that a map over it stands out.
    pub(super) muted: bool,
    /// Whether dragging with the primary button moves the image.
    pub(super) drag_moves: bool,
    /// Whether the image is edited: then a double click does not move it, and wheel and drags with Alt are left to the
    /// tool.
    pub(super) edited: bool,
}

impl ImageView {
    /// Draws the image and lets the user move it.
    pub(super) fn show(&mut self, ui: &mut Ui, ctx: &Ctx, document: &Document, shown: CanvasLayers) -> CanvasResponse {
        ctx.set_canvas_area(Some(ui.available_rect_before_wrap()));
        let view = &ctx.state.view;
        let regions = shown.regions;
        let mut drawing = ctx.drawing(ui, document, shown.masks);
        if let Some(drawing) = drawing.as_mut().filter(|_| shown.muted) {
            drawing.tone = drawing.tone.under_map();
        }
        let highlight_at = |pixel| Highlight::at(regions.as_deref()?, pixel);
        let scene = Scene {
            place: DrawSlot::Canvas,
            name: "Photo canvas",
            size: [document.photo.photo.width, document.photo.photo.height],
            drawing,
            beside: None,
            highlight_at: &highlight_at,
            patches: patches(ctx, document),
            pinned: shown.pinned,
            pixel_grid: view.pixel_grid,
            minimap: view.minimap,
            magnifier: view.magnifier,
            overlay: shown.overlay,
            drag_moves: shown.drag_moves,
            alt_is_taken: shown.edited,
        };
        let mut camera = ctx.state.canvas.camera;
        let happened = canvas::show(ui, &mut camera, scene);
        if let Some(source) = ctx.state.slowly_opening(ui.ctx()) {
            opening_note(ui, happened.response.rect, &source.name());
        }
        ctx.set_camera(camera);
        if !shown.edited {
            double_click(ctx, &happened);
        }
        // The menu acts on the pixel that was clicked, not on the one under the open menu.
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

/// The patches of the result, if the patch grid is on.
fn patches<'a>(ctx: &Ctx, document: &'a Document) -> Option<Patches<'a>> {
    let result = document.result.as_ref().filter(|_| ctx.state.view.patch_grid)?;
    // The first pass is at the model's own size or, with several scales, at the smallest one.
    let field = result.prediction.fields.first()?;
    Some(Patches {
        size: field.size,
        patch: result.model.spec.encoder.attention()?.patch,
        columns: &field.columns,
        rows: &field.rows,
    })
}

/// Switches between the whole image and its actual size on a double click.
pub(super) fn double_click(ctx: &Ctx, happened: &CanvasResponse) {
    if happened.response.double_clicked_by(PointerButton::Primary) {
        ctx.perform(if ctx.state.canvas.camera.is_fit() {
            Command::ActualSize
        } else {
            Command::Fit
        });
    }
}

/// Shows over the canvas that another image is being opened.
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
