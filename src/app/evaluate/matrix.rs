//! The confusion matrix: a field for each pair of classes, as dark as its share of the true class.

use egui::{Color32, Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use super::Cell;
use crate::labels::{ClassSet, Confusion};

/// Smallest and largest side of a field in points.
const SIDES: [f32; 2] = [4.0, 22.0];

/// Draws it; the field that was clicked.
pub(super) fn show(ui: &mut Ui, confusion: &Confusion, classes: &ClassSet, chosen: Option<Cell>) -> Option<Cell> {
    let count = confusion.classes().min(classes.len());
    let side = (ui.available_width() / count.max(1) as f32).clamp(SIDES[0], SIDES[1]);
    let (area, response) = ui.allocate_exact_size(vec2(side, side) * count as f32, Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "Confusion matrix"));
    let painter = ui.painter_at(area.expand(1.0));
    let (empty, full) = (ui.visuals().extreme_bg_color, ui.visuals().hyperlink_color);
    let wrong = ui.visuals().error_fg_color;
    let field = |cell: Cell| {
        let corner = area.min + vec2(f32::from(cell.predicted), f32::from(cell.truth)) * side;
        Rect::from_min_size(pos2(corner.x, corner.y), vec2(side, side))
    };
    let cells = (0..count as u16).flat_map(|truth| (0..count as u16).map(move |predicted| Cell { truth, predicted }));
    for cell in cells {
        let share = share(confusion, cell).unwrap_or(0.0);
        let towards = if cell.truth == cell.predicted { full } else { wrong };
        // The root makes small confusions visible beside what is right.
        let color = mixed(empty, towards, share.sqrt());
        painter.rect_filled(field(cell).shrink(0.5), 0.0, color);
    }
    if let Some(cell) = chosen {
        let stroke = Stroke::new(2.0, ui.visuals().strong_text_color());
        painter.rect_stroke(field(cell), 0.0, stroke, StrokeKind::Inside);
    }
    let at = response.hover_pos().map(|at| (at - area.min) / side);
    let cell = at.map(|at| Cell {
        truth: (at.y.max(0.0) as u16).min(count.saturating_sub(1) as u16),
        predicted: (at.x.max(0.0) as u16).min(count.saturating_sub(1) as u16),
    });
    let clicked = response.clicked();
    if let Some(cell) = cell {
        response.on_hover_text_at_pointer(said(confusion, classes, cell));
    }
    cell.filter(|_| clicked)
}

/// The share of a true class's pixels that is said to be of another.
fn share(confusion: &Confusion, cell: Cell) -> Option<f32> {
    let labelled = confusion.labelled(cell.truth.into());
    let count = confusion.count(cell.truth.into(), cell.predicted.into());
    (labelled > 0).then(|| (count as f64 / labelled as f64) as f32)
}

/// A field in words.
pub(super) fn said(confusion: &Confusion, classes: &ClassSet, cell: Cell) -> String {
    let [truth, predicted] = [cell.truth, cell.predicted].map(|class| classes.label(class));
    match share(confusion, cell) {
        Some(share) => format!("{:.1} % of {truth} is taken for {predicted}", share * 100.0),
        None => format!("There is no {truth} in the ground truth"),
    }
}

fn mixed(from: Color32, to: Color32, share: f32) -> Color32 {
    let share = share.clamp(0.0, 1.0);
    let [from, to] = [from.to_array(), to.to_array()];
    let channel = |i: usize| (f32::from(from[i]) * (1.0 - share) + f32::from(to[i]) * share).round() as u8;
    Color32::from_rgb(channel(0), channel(1), channel(2))
}
