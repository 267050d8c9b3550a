//! A palette as a strip of its colours.

use egui::{Painter, Rect, pos2, vec2};

/// Most colours of a strip; further ones could not be told apart.
const MOST: usize = 24;

/// Paints the colours side by side.
pub(in crate::app) fn swatches(painter: &Painter, rect: Rect, colors: &[[u8; 3]]) {
    let shown = &colors[..colors.len().min(MOST)];
    let width = rect.width() / shown.len().max(1) as f32;
    for (i, [r, g, b]) in shown.iter().enumerate() {
        let at = pos2(rect.left() + i as f32 * width, rect.top());
        let field = Rect::from_min_size(at, vec2(width, rect.height()));
        painter.rect_filled(field, 0.0, data_color([*r, *g, *b]));
    }
}
use crate::app::theme::data_color;
