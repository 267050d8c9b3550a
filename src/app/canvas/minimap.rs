//! The minimap: the whole photo in a corner while only a part of it is visible.

use egui::{Color32, Painter, Pos2, Rect, Sense, Stroke, StrokeKind, Ui, Vec2};

use super::{Camera, DrawSlot, Drawing};

/// Largest size in points.
const MOST: Vec2 = Vec2::new(160.0, 120.0);

/// Distance from the canvas's edges, in points.
const GAP: f32 = 10.0;

/// The minimap's area; `None` while the whole photo is visible.
pub(super) fn place(camera: &Camera, canvas: Rect, size: Vec2) -> Option<Rect> {
    let photo = camera.photo_rect(canvas, size);
    let all_in_sight = canvas.expand(1.0).contains_rect(photo);
    if all_in_sight || canvas.width() < 2.0 * MOST.x || canvas.height() < 2.0 * MOST.y {
        return None;
    }
    let scale = (MOST.x / size.x).min(MOST.y / size.y);
    // The strip of a panorama stays wide enough to be clicked.
    let own = (size * scale).max(Vec2::splat(12.0));
    let corner = canvas.max - Vec2::splat(GAP);
    Some(Rect::from_min_max(corner - own, corner))
}

/// Moves the view to a click or drag on the minimap.
pub(super) fn drag(ui: &Ui, camera: &mut Camera, place: Rect, size: Vec2) {
    let response = ui.interact(place, ui.scope_id().with("minimap"), Sense::CLICK | Sense::DRAG);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, ui.is_enabled(), "Minimap"));
    if let Some(at) = response
        .interact_pointer_pos()
        .filter(|_| response.is_pointer_button_down_on())
    {
        camera.look_at((at - place.min) / place.size() * size, size);
    }
}

/// Draws the photo, with a frame around the part that the canvas shows.
pub(super) fn paint(painter: &Painter, drawing: &Drawing, place: Rect, canvas: Rect, photo: Rect) {
    painter.rect_filled(place.expand(3.0), 3.0, shade(170));
    drawing.paint(painter, DrawSlot::Minimap, place, place);
    let scale = place.size() / photo.size();
    let at = |p: Pos2| place.min + (p - photo.min) * scale;
    let seen = Rect::from_min_max(at(canvas.min), at(canvas.max)).intersect(place);
    painter.rect_stroke(seen, 0.0, Stroke::new(3.0, Color32::BLACK), StrokeKind::Outside);
    painter.rect_stroke(seen, 0.0, Stroke::new(1.5, Color32::WHITE), StrokeKind::Outside);
}
use crate::app::theme::shade;
