//! The table of what each pane costs, and how far it agrees with the others.

use egui::{Align, Button, Grid, Layout, RichText, ScrollArea, Ui, vec2};

use super::Compare;
use super::comparing::common_classes;
use super::pane::{Content, Pane};
use crate::app::workspaces::Ctx;
use crate::engine::OpenImage;
use crate::labels::BOUNDARY_PIXELS;

/// Maximum height of the table, as a share of the window's height.
const MAX_SHARE: f32 = 0.35;

/// A cell: its text, and a tooltip where it needs one.
type Cell = (String, Option<&'static str>);

/// An empty cell.
fn nothing() -> Cell {
    (String::new(), None)
}

/// Width from which every column is shown, in points, and the columns that a narrower table leaves out: patch, tokens,
/// windows, and total time.
const WIDE: f32 = 900.0;
const NARROW_LEAVES_OUT: [usize; 4] = [1, 2, 3, 8];

/// Width of the panes' titles in points.
const TITLE: f32 = 150.0;

/// Gap between rows in points.
const ROW_GAP: f32 = 3.0;

impl Compare {
    /// Height of the table in points: all rows, if there is room, and the horizontal scroll bar.
    pub(super) fn table_height(&self, ui: &Ui) -> f32 {
        let rows = self.panes.iter().filter(|pane| pane.content != Content::Photo).count();
        let row = ui.spacing().interact_size.y + ROW_GAP;
        let height = (rows + 1) as f32 * row + ui.spacing().scroll.allocated_width() + 12.0;
        height.min(ui.ctx().content_rect().height() * MAX_SHARE)
    }

    /// Draws the table.
    pub(super) fn comparison_table(&mut self, ui: &mut Ui, photo: &OpenImage, ctx: &Ctx) {
        let with_truth = self.panes.iter().any(Pane::is_truth);
        // In a narrow window the table leaves out what is the same for most panes or follows from the rest.
        let wide = ui.available_width() >= WIDE;
        let is_shown = |column: usize| wide || !NARROW_LEAVES_OUT.contains(&column);
        let mut chosen = None;
        ScrollArea::both()
            .id_salt("comparison table")
            .auto_shrink(false)
            .show(ui, |ui| {
                let table = Grid::new("comparison")
                    .striped(true)
                    .spacing([9.0, ROW_GAP])
                    .min_col_width(20.0);
                table.show(ui, |ui| {
                    let headings = headings(with_truth).into_iter().enumerate();
                    for (_, (title, hint)) in headings.filter(|(column, _)| is_shown(*column)) {
                        let label = ui.label(RichText::new(title).weak());
                        if !hint.is_empty() {
                            label.on_hover_text(hint);
                        }
                    }
                    ui.end_row();
                    for (place, pane) in self.panes.iter().enumerate() {
                        if pane.content != Content::Photo {
                            let is_reference = place == self.reference;
                            let title = self.pane_title(pane, ctx);
                            let title = match is_reference {
                                true => RichText::new(title).strong(),
                                false => RichText::new(title),
                            };
                            let size = vec2(TITLE, ui.spacing().interact_size.y);
                            let row = ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
                                ui.set_min_width(TITLE);
                                ui.add(Button::selectable(is_reference, title).truncate())
                            });
                            let row = row.inner.accessible_name(format!("Row of pane {}", place + 1));
                            if row.on_hover_text("Compare the others with this one").clicked() {
                                chosen = Some(place);
                            }
                            let cells = self.cells(pane, place, with_truth, photo).into_iter().enumerate();
                            for (_, (text, hint)) in cells.filter(|(column, _)| is_shown(column + 1)) {
                                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                                    let label = ui.label(text);
                                    if let Some(hint) = hint {
                                        label.on_hover_text(hint);
                                    }
                                });
                            }
                            ui.end_row();
                        }
                    }
                });
            });
        if let Some(place) = chosen {
            self.refer_to(place);
        }
    }

    /// The cells of a pane after its title.
    fn cells(&self, pane: &Pane, place: usize, with_truth: bool, photo: &OpenImage) -> Vec<Cell> {
        let plain = |text: String| (text, None);
        let percent = |value: f64| plain(format!("{:.1}", value * 100.0));
        let labelled = pane.labelled.as_ref().filter(|labelled| labelled.photo == photo.id);
        let mut cells = Vec::new();
        match labelled.and_then(|labelled| labelled.result.as_ref()) {
            Some(result) => {
                let (cost, times) = (&result.cost, &result.prediction.timings);
                let counts = [cost.patch, cost.tokens, Some(cost.windows)];
                let text = |count: Option<usize>| count.map_or_else(|| "–".into(), |count| count.to_string());
                cells.extend(counts.map(|count| plain(text(count))));
                cells.push(plain(format!("{:.1}", cost.operations / 1e9)));
                let ms = |time: std::time::Duration| plain(format!("{:.0}", time.as_secs_f64() * 1e3));
                cells.push(match times.encode.is_zero() {
                    true => (
                        "cached".into(),
                        Some("The encoder's result for this photo was cached from another decoder"),
                    ),
                    false => ms(times.encode),
                });
                cells.extend([times.decode, times.labels, times.total()].map(ms));
                cells.push(result.peak_mib.map_or_else(nothing, |mib| plain(mib.to_string())));
            }
            None => cells.extend(std::iter::repeat_with(nothing).take(9)),
        }
        match self.with_reference(pane) {
            Some(comparison) => {
                cells.push(percent(comparison.agreement.same));
                cells.extend(comparison.agreement.boundary.map(percent));
            }
            None => {
                let reference = self.panes.get(self.reference);
                let other_classes = reference.is_some_and(|reference| {
                    pane.classes().is_some()
                        && reference.classes().is_some()
                        && common_classes(pane, reference).is_none()
                });
                cells.push(match (place == self.reference, other_classes) {
                    (true, _) => plain("reference".into()),
                    (false, true) => (
                        "other classes".into(),
                        Some("The two have different classes, so their labels cannot be compared"),
                    ),
                    (false, false) => nothing(),
                });
                cells.extend(BOUNDARY_PIXELS.map(|_| nothing()));
            }
        }
        if with_truth {
            let truth = self.with_truth(pane);
            let scores = [
                truth.and_then(|truth| truth.mean_iou),
                truth.and_then(|truth| truth.pixel_accuracy),
            ];
            cells.extend(scores.map(|score| score.map_or_else(nothing, percent)));
        }
        cells
    }
}

/// Titles and tooltips of the columns.
fn headings(with_truth: bool) -> Vec<(String, String)> {
    let mut headings: Vec<(String, String)> = [
        ("Pane", ""),
        ("Patch", "Side of a patch in pixels"),
        (
            "Tokens",
            "Tokens of one window: patches and class token. The cost of attention grows with their square",
        ),
        ("Windows", "Number of windows in all passes over the photo"),
        (
            "GFLOP",
            "Billions of floating-point operations for the photo, in matrix products and convolutions",
        ),
        (
            "Encoder ms",
            "Milliseconds in the encoder, including scaling and cutting the photo",
        ),
        ("Decoder ms", "Milliseconds in the decoder"),
        (
            "Labels ms",
            "Milliseconds for enlarging the logits and taking the best class",
        ),
        ("Total ms", "Milliseconds in total"),
        ("Peak MiB", "Peak memory of the whole program during this run, in MiB"),
        ("Agree", "Share of pixels with the same label as the reference (%)"),
    ]
    .map(|(title, hint)| (title.to_owned(), hint.to_owned()))
    .into();
    for pixels in BOUNDARY_PIXELS {
        headings.push((
            format!("Edges ±{pixels} px"),
            format!("Share of boundaries at most {pixels} px from the reference's boundaries (%)"),
        ));
    }
    if with_truth {
        let scores = [
            (
                "mIoU",
                "Intersection over union with the ground truth, mean over the classes (%)",
            ),
            ("Pixels", "Share of pixels that have their true class (%)"),
        ];
        headings.extend(scores.map(|(title, hint)| (title.to_owned(), hint.to_owned())));
    }
    headings
}
