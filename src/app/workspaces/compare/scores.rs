//! IoU of every class in every pane.

use egui::{Align, Grid, Layout, RichText, ScrollArea, Ui};

use super::Compare;
use super::pane::Pane;
use crate::app::workspaces::Ctx;
use crate::labels::{ClassSet, Confusion};

impl Compare {
    /// Draws a row per class and a column per pane.
    pub(super) fn iou_per_class(&self, ui: &mut Ui, classes: &ClassSet, ctx: &Ctx) {
        if !self.panes.iter().any(Pane::is_truth) {
            ui.weak("Add the ground truth to see how well each pane matches it");
            return;
        }
        let scored = self.panes.iter().enumerate().filter_map(|(place, pane)| {
            let comparison = self.with_truth(pane)?;
            // The rows are the classes listed above.
            pane.classes()?.has_names_of(classes).then_some(())?;
            Some((place, self.pane_title(pane, ctx), &comparison.confusion))
        });
        let columns: Vec<(usize, String, &Confusion)> = scored.collect();
        ScrollArea::horizontal().id_salt("iou").show(ui, |ui| {
            Grid::new("iou per class").striped(true).show(ui, |ui| {
                ui.weak("Class");
                for (place, title, _) in &columns {
                    ui.label(RichText::new((place + 1).to_string()).weak())
                        .on_hover_text(title);
                }
                ui.end_row();
                for (id, class) in classes.classes.iter().enumerate() {
                    let scores: Vec<_> = columns.iter().map(|(.., scores)| scores.class(id).iou).collect();
                    if scores.iter().all(Option::is_none) {
                        // Neither in the ground truth nor in a prediction.
                        continue;
                    }
                    ui.label(&class.name);
                    for score in scores {
                        let text = score.map_or_else(String::new, |iou| format!("{:.1}", iou * 100.0));
                        ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(text));
                    }
                    ui.end_row();
                }
            });
        });
        ui.weak("In percent; the columns are numbered like the panes");
    }
}
