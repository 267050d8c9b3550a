//! The confusion matrix: a cell for each pair of classes, brighter the larger its share of the true class.

use egui::{Color32, Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use super::Cell;
use super::summary::ScoreSummary;
use crate::labels::{ClassSet, Confusion};

/// Largest side of a cell in points.
const LARGEST: f32 = 22.0;

/// Draws the matrix. Returns the cell that was clicked.
pub(super) fn show(ui: &mut Ui, summary: &ScoreSummary, classes: &ClassSet, chosen: Option<Cell>) -> Option<Cell> {
    let count = summary.confusion.classes();
    let side = (ui.available_width() / count.max(1) as f32).min(LARGEST);
    let (area, response) = ui.allocate_exact_size(vec2(side, side) * count as f32, Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "Cells of the confusion matrix"));
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().image(summary.matrix.id(), area, whole, Color32::WHITE);
    if let Some(cell) = chosen {
        let corner = area.min + vec2(f32::from(cell.predicted), f32::from(cell.truth)) * side;
        let field = Rect::from_min_size(corner, vec2(side, side)).expand(1.0);
        let stroke = Stroke::new(2.0, Color32::WHITE);
        ui.painter().rect_stroke(field, 0.0, stroke, StrokeKind::Outside);
    }
    let at = response.hover_pos().map(|at| (at - area.min) / side);
    let last = count.saturating_sub(1) as u16;
    let cell = at.map(|at| Cell {
        truth: (at.y.max(0.0) as u16).min(last),
        predicted: (at.x.max(0.0) as u16).min(last),
    });
    let clicked = response.clicked();
    if let Some(cell) = cell {
        response.on_hover_text_at_pointer(said(&summary.confusion, classes, cell));
    }
    cell.filter(|_| clicked)
}

/// The text for a cell.
pub(super) fn said(confusion: &Confusion, classes: &ClassSet, cell: Cell) -> String {
    let [truth, predicted] = [cell.truth, cell.predicted].map(|class| classes.label(class));
    let labelled = confusion.labelled(cell.truth.into());
    let count = confusion.count(cell.truth.into(), cell.predicted.into());
    match labelled {
        0 => format!("There is no {truth} in the ground truth"),
        _ => format!(
            "{truth} predicted as {predicted}: {:.1} %",
            count as f64 / labelled as f64 * 100.0
        ),
    }
}
