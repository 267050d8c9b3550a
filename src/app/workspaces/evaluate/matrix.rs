//! The confusion matrix: a cell for each pair of classes, stronger the larger its share of the true class.

use egui::{
    Align2, Color32, FontId, Painter, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, epaint::TextShape, pos2,
    vec2,
};

use super::Cell;
use super::summary::{ScoreSummary, strength};
use crate::app::theme::{RIGHT_AND_WRONG, Tokens, size};
use crate::labels::{ClassSet, Confusion};

/// Largest side of a cell, and least side of one beside which a name fits and in which a number fits, in points.
const LARGEST: f32 = 26.0;
const ROOM_FOR_NAMES: f32 = 13.0;
const ROOM_FOR_NUMBER: f32 = 19.0;

/// Width of the names of rows and height of those of columns at most, in points.
const NAMES: f32 = 84.0;
const HEADS: f32 = 66.0;

/// Share of the true class from which a cell shows its number.
const NUMBERED: f64 = 0.15;

/// Angle of the names of columns: upwards to the right.
const ANGLE: f32 = -0.9;

/// Draws the matrix. Returns the cell that was clicked.
pub(super) fn show(ui: &mut Ui, summary: &ScoreSummary, classes: &ClassSet, chosen: Option<Cell>) -> Option<Cell> {
    let count = summary.confusion.classes().max(1);
    // The last name of a column reaches beyond the cells.
    let side_with_names = ((ui.available_width() - NAMES - 44.0) / count as f32).min(LARGEST);
    let names = side_with_names >= ROOM_FOR_NAMES;
    let side = match names {
        true => side_with_names,
        false => (ui.available_width() / count as f32).min(LARGEST),
    };
    let corner = if names { vec2(NAMES, HEADS) } else { vec2(0.0, 0.0) };
    let cells = vec2(side, side) * count as f32;
    let (whole, _) = ui.allocate_exact_size(corner + cells, Sense::hover());
    let area = Rect::from_min_size(whole.min + corner, cells);
    let response = ui.interact(area, ui.scope_id().with("confusion"), Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "Cells of the confusion matrix"));
    let hovered = cell_at(&response, area, side, count);
    match names {
        true => {
            paint_cells(ui, summary, area, side);
            let marked = hovered.or(chosen);
            paint_names(ui, classes, area, side, marked);
        }
        false => {
            ui.painter().rect_filled(area, 0.0, Tokens::of(ui).raised);
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(summary.matrix.id(), area, whole, Color32::WHITE);
        }
    }
    for (cell, width) in [(hovered, 1.0), (chosen, 2.0)] {
        if let Some(cell) = cell {
            mark(ui, area, side, cell, width);
        }
    }
    // Its line is always there, so that nothing moves.
    let said = hovered.or(chosen).map(|cell| said(&summary.confusion, classes, cell));
    match said {
        Some(said) => ui.label(said),
        None => ui.weak("Point at a cell to read it; click to see the photos with the most of it"),
    };
    hovered.filter(|_| response.clicked())
}

/// The cell under the pointer.
fn cell_at(response: &Response, area: Rect, side: f32, count: usize) -> Option<Cell> {
    let at = (response.hover_pos()? - area.min) / side;
    let last = count.saturating_sub(1) as u16;
    Some(Cell {
        truth: (at.y.max(0.0) as u16).min(last),
        predicted: (at.x.max(0.0) as u16).min(last),
    })
}

fn paint_cells(ui: &Ui, summary: &ScoreSummary, area: Rect, side: f32) {
    let (tokens, painter) = (Tokens::of(ui), ui.painter());
    let confusion = &summary.confusion;
    let count = confusion.classes();
    let field = |truth: usize, predicted: usize| {
        let at = area.min + vec2(predicted as f32, truth as f32) * side;
        Rect::from_min_size(at, vec2(side, side)).shrink(1.0)
    };
    for truth in 0..count {
        for predicted in 0..count {
            painter.rect_filled(field(truth, predicted), 2.0, tokens.raised);
        }
    }
    for (truth, predicted, pixels) in confusion.cells() {
        if predicted >= count {
            continue;
        }
        let share = pixels as f64 / confusion.labelled(truth).max(1) as f64;
        let color = RIGHT_AND_WRONG[usize::from(truth != predicted)].gamma_multiply(strength(share));
        painter.rect_filled(field(truth, predicted), 2.0, color);
        if share >= NUMBERED && side >= ROOM_FOR_NUMBER {
            let text = format!("{:.0}", share * 100.0);
            // On strong cells dark text has the most contrast in both themes.
            let ink = if share > 0.3 { Color32::BLACK } else { tokens.text };
            let at = field(truth, predicted).center();
            painter.text(at, Align2::CENTER_CENTER, text, FontId::proportional(11.0), ink);
        }
    }
}

fn paint_names(ui: &Ui, classes: &ClassSet, area: Rect, side: f32, marked: Option<Cell>) {
    let (tokens, painter) = (Tokens::of(ui), ui.painter());
    let font = FontId::proportional(size::SMALL);
    for (class, named) in classes.classes.iter().enumerate() {
        let middle = (class as f32 + 0.5) * side;
        let of = |chosen: Option<u16>| match chosen == Some(class as u16) {
            true => tokens.text,
            false => tokens.second,
        };
        let color = of(marked.map(|cell| cell.truth));
        let galley = short(painter, &named.name, &font, NAMES - 8.0, color);
        let at = pos2(
            area.left() - 6.0 - galley.size().x,
            area.top() + middle - 0.5 * galley.size().y,
        );
        painter.galley(at, galley, color);
        let color = of(marked.map(|cell| cell.predicted));
        let galley = short(painter, &named.name, &font, HEADS + 12.0, color);
        let at: Pos2 = pos2(area.left() + middle - 5.0, area.top() - 10.0);
        painter.add(TextShape::new(at, galley, color).with_angle(ANGLE));
    }
}

/// A name in one line, cut to a width.
fn short(painter: &Painter, name: &str, font: &FontId, width: f32, color: Color32) -> std::sync::Arc<egui::Galley> {
    let mut job = egui::text::LayoutJob::simple_singleline(name.to_owned(), font.clone(), color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width);
    painter.layout_job(job)
}

/// Frames the row, the column and the field of a cell.
fn mark(ui: &Ui, area: Rect, side: f32, cell: Cell, width: f32) {
    let (tokens, painter) = (Tokens::of(ui), ui.painter());
    let at = area.min + vec2(f32::from(cell.predicted), f32::from(cell.truth)) * side;
    let field = Rect::from_min_size(at, vec2(side, side));
    let line = Stroke::new(1.0, tokens.control);
    let row = field.with_min_x(area.left()).with_max_x(area.right());
    let column = field.with_min_y(area.top()).with_max_y(area.bottom());
    painter.rect_stroke(row, 3.0, line, StrokeKind::Outside);
    painter.rect_stroke(column, 3.0, line, StrokeKind::Outside);
    painter.rect_stroke(field, 3.0, Stroke::new(width, tokens.text), StrokeKind::Outside);
}

/// The text for a cell.
fn said(confusion: &Confusion, classes: &ClassSet, cell: Cell) -> String {
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
