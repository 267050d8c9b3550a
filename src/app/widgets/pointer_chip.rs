//! A small field beside the pointer.

use egui::{Area, Frame, Id, Margin, Order, Pos2, Rect, Stroke, Ui, Vec2, pos2};

use crate::app::theme::{Tokens, radius};

/// Distance from the pointer, in points.
const DISTANCE: f32 = 14.0;

/// The frame of what is drawn over the photo.
pub(in crate::app) fn chip_frame(ui: &Ui, corner: u8, margin: Margin) -> Frame {
    let tokens = Tokens::of(ui);
    Frame::new()
        .fill(tokens.chip)
        .stroke(Stroke::new(1.0, tokens.line))
        .corner_radius(corner)
        .inner_margin(margin)
        .shadow(tokens.shadow())
}

/// Draws content of about `size` right of and below the pointer at `at`, or on the other side at the edges of `canvas`.
pub(in crate::app) fn pointer_chip(
    ui: &Ui,
    name: &str,
    (at, canvas): (Pos2, Rect),
    size: Vec2,
    content: impl FnOnce(&mut Ui),
) {
    let flipped = |at: f32, size: f32, end: f32| match at + DISTANCE + size > end {
        true => at - DISTANCE - size,
        false => at + DISTANCE,
    };
    let corner = pos2(
        flipped(at.x, size.x, canvas.right()).max(canvas.left()),
        flipped(at.y, size.y, canvas.bottom()).max(canvas.top()),
    );
    Area::new(Id::unique(name))
        .order(Order::Middle)
        .fixed_pos(corner)
        .interactable(false)
        .show(ui.ctx(), |ui| {
            chip_frame(ui, radius::FLOATING, Margin::symmetric(12, 10)).show(ui, content);
        });
}
