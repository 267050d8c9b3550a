//! The IoU of each class as a bar.

use egui::{Align2, Color32, FontId, Rect, Role, Sense, Stroke, StrokeKind, TextStyle, Ui, WidgetInfo, pos2, vec2};

use super::panel::percent;
use super::summary::ScoreSummary;
use crate::app::theme::{Tokens, data_color, radius, size};
use crate::labels::ClassSet;

/// Height of a row, width of the column of names at most, width of the values, and height of a bar, in points.
const ROW: f32 = 24.0;
const NAMES: f32 = 110.0;
const VALUE: f32 = 44.0;
const BAR: f32 = 8.0;

/// Draws a bar for each class that occurs, the best first. Returns the class that was clicked.
pub(super) fn show(
    ui: &mut Ui,
    summary: &ScoreSummary,
    (classes, colors): (&ClassSet, &[[u8; 3]]),
    chosen: Option<u16>,
) -> Option<u16> {
    let mut clicked = None;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for &class in &summary.order {
            let (Some(named), Some(score)) = (classes.classes.get(class), summary.classes.get(class)) else {
                continue;
            };
            let id = class as u16;
            let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
            let is_chosen = chosen == Some(id);
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_chosen, &named.name));
            if ui.is_rect_visible(rect) {
                let color = colors.get(class).copied().unwrap_or_default();
                let marked = (is_chosen, response.hovered(), response.has_focus());
                paint(ui, rect, &named.name, color, score.iou, marked);
            }
            let hint = format!(
                "IoU {} %, accuracy {} %, precision {} %\nClick to see only the errors of this class",
                percent(score.iou),
                percent(score.accuracy),
                percent(score.precision)
            );
            if response.on_hover_text(hint).clicked() {
                clicked = Some(id);
            }
        }
    });
    clicked
}

fn paint(
    ui: &Ui,
    rect: Rect,
    name: &str,
    [r, g, b]: [u8; 3],
    iou: Option<f64>,
    (chosen, hovered, focused): (bool, bool, bool),
) {
    let tokens = Tokens::of(ui);
    let painter = ui.painter();
    let (fill, edge) = match (chosen, hovered) {
        (true, _) => (tokens.selection, Stroke::new(1.0, tokens.accent_line)),
        (false, true) => (tokens.hover, Stroke::NONE),
        (false, false) => (Color32::TRANSPARENT, Stroke::NONE),
    };
    let edge = if focused {
        Stroke::new(1.5, tokens.accent_line)
    } else {
        edge
    };
    painter.rect(
        rect.expand2(vec2(6.0, 0.0)),
        radius::CONTROL,
        fill,
        edge,
        StrokeKind::Inside,
    );
    let names = NAMES.min(0.35 * rect.width());
    let font = TextStyle::Body.resolve(ui.style());
    let mut job = egui::text::LayoutJob::simple_singleline(name.to_owned(), font.clone(), tokens.text);
    job.wrap = egui::text::TextWrapping::truncate_at_width(names);
    let galley = painter.layout_job(job);
    painter.galley(
        pos2(rect.left(), rect.center().y - 0.5 * galley.size().y),
        galley,
        tokens.text,
    );
    let track = Rect::from_x_y_ranges(
        rect.left() + names + 8.0..=rect.right() - VALUE,
        rect.center().y - 0.5 * BAR..=rect.center().y + 0.5 * BAR,
    );
    painter.rect_filled(track, 2.0, tokens.track);
    let share = iou.unwrap_or(0.0).clamp(0.0, 1.0) as f32;
    let filled = track.with_max_x(track.left() + (share * track.width()).max(2.0));
    painter.rect_filled(filled, 2.0, data_color([r, g, b]));
    let at = pos2(rect.right(), rect.center().y);
    let font = FontId::proportional(size::BODY);
    painter.text(at, Align2::RIGHT_CENTER, percent(iou), font, tokens.text);
}
