//! The panel of the workspace: scores, bars by class, the confusion matrix, and ground truth.

use egui::{Align, Label, Layout, RichText, Role, ScrollArea, Ui, WidgetInfo};

use super::summary::ScoreSummary;
use super::{Evaluate, bars, matrix};
use crate::app::action::{Action, Request};
use crate::app::services::Ask;
use crate::app::theme::{Tokens, figure, medium, size};
use crate::app::widgets::{choice, section_head, section_line};
use crate::app::workspaces::Ctx;
use crate::labels::ClassSet;

impl Evaluate {
    /// Draws the panel.
    pub(super) fn panel(&mut self, ui: &mut Ui, ctx: &Ctx) {
        ScrollArea::vertical().id_salt("evaluate").show(ui, |ui| {
            ui.add_space(4.0);
            match ctx.state.library.models.used() {
                Some(model) => self.scores(ui, &model.classes, ctx),
                None => {
                    ui.weak("Open a model first");
                }
            }
            section_line(ui);
            section_head(ui, "Canvas", "");
            self.shown_errors(ui, ctx);
            section_line(ui);
            let (scored, found) = (self.counted(), self.truths.files.len());
            section_head(ui, "Ground truth", &format!("{scored} of {found} scored"));
            self.truth_line(ui, ctx);
            self.truth_choices(ui, ctx);
        });
    }

    fn scores(&mut self, ui: &mut Ui, classes: &ClassSet, ctx: &Ctx) {
        let photo = ctx.document().map(|document| document.photo.id);
        let counted = self.counted();
        let (chosen_class, chosen_cell) = (self.class, self.cell);
        let has_summary = self.tell(photo, ui.ctx()).is_some();
        if counted > 1 {
            let all = format!("All {counted} photos");
            let choices = [
                (false, all.as_str(), "The sum over all scored photos"),
                (true, "This photo", "The photo on the canvas"),
            ];
            if choice(ui, &mut self.this_image, &choices) {
                self.summary = None;
            }
            ui.add_space(8.0);
        }
        let Some(summary) = self.summary.as_ref().filter(|_| has_summary) else {
            ui.weak("Scores appear when a photo with ground truth has been segmented");
            return;
        };
        totals(ui, summary);
        section_line(ui);
        section_head(ui, "IoU by class", "%");
        let class = bars::show(ui, summary, (classes, &ctx.state.view.colors(classes)), chosen_class);
        section_line(ui);
        section_head(ui, "What is taken for what", "rows: truth, columns: prediction, %");
        let cell = matrix::show(ui, summary, classes, chosen_cell);
        if let Some(class) = class {
            self.class = if chosen_class == Some(class) { None } else { Some(class) };
            self.prediction = false;
        }
        if let Some(cell) = cell {
            self.cell = if chosen_cell == Some(cell) { None } else { Some(cell) };
            self.summary = None;
        }
    }

    fn truth_line(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let mut choose = false;
        ui.horizontal(|ui| {
            choose = ui
                .button("Choose…")
                .accessible_name("Choose the folder of ground truth")
                .on_hover_text("Folder of label maps: PNG files of class ids, named like the photos")
                .clicked();
            let text = match &self.folder {
                Some(folder) => folder.display().to_string(),
                None => "Beside the photos".into(),
            };
            ui.add(Label::new(&text).truncate()).on_hover_text(&text);
        });
        if choose {
            ctx.request(Request::Ask(Ask::TruthFolder));
        }
        if self.folder.is_some() && ui.button("Look beside the photos").clicked() {
            self.set_folder(None);
            ctx.send(Action::ForgetScores);
        }
    }

    fn shown_errors(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let shows = [
            (false, "Errors", "Wrong pixels in red"),
            (true, "Prediction", "The masks of the model"),
        ];
        choice(ui, &mut self.prediction, &shows);
        let classes = ctx.state.library.models.used().map(|model| &model.classes);
        if let (Some(class), Some(classes)) = (self.class, classes) {
            ui.horizontal(|ui| {
                ui.label(format!("Errors of {}", classes.label(class)));
                if ui.button("All classes").clicked() {
                    self.class = None;
                }
            });
        }
        let source = ctx.document().map(|document| &document.photo.source);
        let failure = source.and_then(|source| self.scored.get(source)?.failure.as_ref());
        if let Some(why) = failure {
            ui.colored_label(ui.visuals().error_fg_color, why);
        }
    }
}

/// A share in percent, without the sign.
pub(super) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{:.1}", value * 100.0))
}

/// Draws the mean IoU as the big number, and the other means beside it.
fn totals(ui: &mut Ui, summary: &ScoreSummary) {
    let confusion = &summary.confusion;
    let text = format!(
        "mIoU {} over {} of {} classes, mean accuracy {}, pixel accuracy {}, in percent",
        percent(summary.mean_iou),
        confusion.scored_classes(),
        confusion.classes(),
        percent(summary.mean_accuracy),
        percent(summary.pixel_accuracy)
    );
    let color = Tokens::of(ui).second;
    let small = |text: String| RichText::new(text).size(size::SMALL).color(color);
    let shown = ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.label(small(format!("mIoU, {}", summary.title)));
            ui.label(figure(format!("{} %", percent(summary.mean_iou))));
        });
        ui.with_layout(Layout::top_down(Align::Max), |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            let classes = format!("{} of {}", confusion.scored_classes(), confusion.classes());
            for (title, value) in [
                ("Pixel accuracy", percent(summary.pixel_accuracy)),
                ("Mean accuracy", percent(summary.mean_accuracy)),
                ("Classes", classes),
            ] {
                ui.horizontal(|ui| {
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        ui.label(medium(value));
                        ui.label(small(title.to_owned()));
                    });
                });
            }
        });
    });
    let whole = ui.interact(shown.response.rect, ui.scope_id().with("totals"), egui::Sense::hover());
    whole.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    if let Some(share) = confusion.ignored_share() {
        ui.label(small(format!(
            "{:.1} % of the pixels have no class in the ground truth",
            share * 100.0
        )));
    }
}
