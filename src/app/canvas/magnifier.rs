//! The magnifier: the pixels around the cursor, enlarged, as the bare photo and its labels side by side.

use egui::{Color32, Painter, Pos2, Rect, Stroke, StrokeKind, Vec2, vec2};

use super::{DrawSlot, Drawing};
use crate::app::gpu::MaskStyle;
use crate::app::state::MaskFill;
use crate::app::theme::shade;

/// Number of pixels on each side of the one under the cursor.
const AROUND: f32 = 7.0;

/// Points per photo pixel.
const SCALE: f32 = 8.0;

/// Distance from the canvas's edges and between the two views, in points.
const GAP: f32 = 10.0;

/// Draws both views in a corner away from the cursor.
pub(super) fn paint(
    painter: &Painter,
    drawing: &Drawing,
    canvas: Rect,
    cursor: Pos2,
    pixel: [usize; 2],
    photo_size: Vec2,
) {
    let side = Vec2::splat((2.0 * AROUND + 1.0) * SCALE);
    let both = vec2(2.0 * side.x + GAP, side.y);
    if canvas.width() < 2.0 * both.x || canvas.height() < 2.0 * both.y {
        return;
    }
    let left = Rect::from_min_size(canvas.min + Vec2::splat(GAP), both);
    let right = left.translate(vec2(canvas.width() - both.x - 2.0 * GAP, 0.0));
    // It changes corners only when the cursor comes close, so that it rarely moves.
    let area = if left.expand(40.0).contains(cursor) {
        right
    } else {
        left
    };
    painter.rect_filled(area.expand(4.0), 4.0, shade(190));

    let bare = Drawing {
        masks: None,
        ..drawing.clone()
    };
    magnified(
        painter,
        &bare,
        DrawSlot::MagnifiedPhoto,
        Rect::from_min_size(area.min, side),
        pixel,
        photo_size,
    );
    let at = Rect::from_min_size(area.min + vec2(side.x + GAP, 0.0), side);
    if drawing.masks.is_some() {
        let labels = Drawing {
            masks: drawing.masks.clone().map(|(labels, style)| (labels, opaque(style))),
            ..drawing.clone()
        };
        magnified(painter, &labels, DrawSlot::MagnifiedLabels, at, pixel, photo_size);
    } else {
        painter.text(
            at.center(),
            egui::Align2::CENTER_CENTER,
            "No masks",
            egui::FontId::proportional(12.0),
            Color32::WHITE,
        );
    }
}

/// The same masks in plain, opaque colours.
fn opaque(style: MaskStyle) -> MaskStyle {
    MaskStyle {
        opacity: 1.0,
        fill: MaskFill::Fill,
        outline: 0.0,
        fade: false,
        highlight: None,
        ..style
    }
}

fn magnified(painter: &Painter, drawing: &Drawing, place: DrawSlot, at: Rect, [x, y]: [usize; 2], photo_size: Vec2) {
    let pixel = vec2(x as f32, y as f32);
    let origin = at.center() - (pixel + Vec2::splat(0.5)) * SCALE;
    drawing.paint(painter, place, at, Rect::from_min_size(origin, photo_size * SCALE));
    let middle = Rect::from_center_size(at.center(), Vec2::splat(SCALE));
    painter.rect_stroke(middle, 0.0, Stroke::new(3.0, Color32::BLACK), StrokeKind::Outside);
    painter.rect_stroke(middle, 0.0, Stroke::new(1.5, Color32::WHITE), StrokeKind::Outside);
}
