//! The panel of the workspace: ground truth, scores, confusion matrix, and the worst images.

use egui::{Align, Button, Color32, Grid, Label, Layout, Response, RichText, ScrollArea, Sense, Ui, vec2};

use super::Evaluate;
use super::matrix;
use super::summary::ScoreSummary;
use crate::app::action::{Action, Request};
use crate::app::command::Command;
use crate::app::services::Ask;
use crate::app::theme::heading;
use crate::app::workspaces::Ctx;
use crate::engine::ImageSource;
use crate::labels::ClassSet;

/// Maximum number of listed images; `segscope evaluate` lists more.
const MAX_LISTED: usize = 50;

/// Maximum number of listed failures.
const MAX_FAILURES: usize = 10;

/// Width of a column of numbers in points.
const NUMBER_WIDTH: f32 = 46.0;

impl Evaluate {
    /// Draws the panel.
    pub(super) fn panel(&mut self, ui: &mut Ui, ctx: &Ctx) {
        ScrollArea::vertical().id_salt("evaluate").show(ui, |ui| {
            ui.add_space(4.0);
            ui.label(heading("Evaluate"));
            if let Some(title) = ctx.state.library.models.output_title() {
                ui.add(Label::new(title).truncate());
            }
            self.truth_line(ui, ctx);
            self.truth_choices(ui, ctx);
            self.run_line(ui, ctx);
            ui.separator();
            let Some(model) = ctx.state.library.models.used() else {
                ui.weak("Open a model first");
                return;
            };
            self.shown_errors(ui, &model.classes, ctx);
            self.scores(ui, &model.classes, ctx);
        });
    }

    fn scores(&mut self, ui: &mut Ui, classes: &ClassSet, ctx: &Ctx) {
        let photo = ctx.document().map(|document| document.photo.id);
        if self.counted() > 1 {
            ui.horizontal(|ui| {
                let all = format!("All {} photos", self.counted());
                let of_one = &mut self.this_image;
                let changed = ui.selectable_value(of_one, false, all).changed();
                if ui.selectable_value(of_one, true, "This photo").changed() || changed {
                    self.summary = None;
                }
            });
        }
        let (chosen_class, chosen_cell) = (self.class, self.cell);
        let Some(summary) = self.tell(photo, ui.ctx()) else {
            ui.weak("Scores appear when a photo with ground truth has been segmented");
            return;
        };
        ui.label(heading(&summary.title));
        totals(ui, summary);
        let class = class_table(ui, summary, (classes, &ctx.state.view.colors(classes)), chosen_class);
        ui.separator();
        ui.label(heading("Confusion matrix"));
        ui.weak("Rows are true classes, columns are predicted classes. Click a cell to list its photos.");
        let cell = matrix::show(ui, summary, classes, chosen_cell);
        if let Some(cell) = chosen_cell {
            ui.label(matrix::said(&summary.confusion, classes, cell));
        }
        ui.separator();
        let shown = ctx.document().map(|document| &document.photo.source);
        let image = worst(ui, summary, shown, chosen_cell.is_some());
        if let Some(class) = class {
            self.class = if chosen_class == Some(class) { None } else { Some(class) };
            self.prediction = false;
        }
        if let Some(cell) = cell {
            self.cell = if chosen_cell == Some(cell) { None } else { Some(cell) };
            self.summary = None;
        }
        if let Some(place) = image.and_then(|source| ctx.state.library.images.place(&source)) {
            ctx.send(Action::GoTo(place));
        }
    }

    fn truth_line(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let (found, all) = (self.truths.files.len(), ctx.state.library.images.len());
        let mut choose = false;
        ui.horizontal(|ui| {
            choose = ui
                .button("Choose…")
                .accessible_name("Choose the folder of ground truth")
                .on_hover_text("Folder of label maps: PNG files of class ids, named like the photos")
                .clicked();
            let text = match &self.folder {
                Some(folder) => folder.display().to_string(),
                None => "Ground truth beside the photos".into(),
            };
            ui.add(Label::new(&text).truncate()).on_hover_text(&text);
        });
        if choose {
            ctx.request(Request::Ask(Ask::TruthFolder));
        }
        ui.horizontal_wrapped(|ui| {
            match &self.truths.asked {
                Some(_) => ui.weak("Looking for ground truth"),
                None => ui.weak(format!("{found} of {all} photos have ground truth")),
            };
            let back = self.folder.is_some() && ui.small_button("Beside the photos").clicked();
            if back {
                self.set_folder(None);
            }
        });
    }

    fn run_line(&self, ui: &mut Ui, ctx: &Ctx) {
        let (scored, found) = (self.counted(), self.truths.files.len());
        let run = ctx
            .state
            .jobs
            .batch
            .as_ref()
            .filter(|batch| batch.for_scores && self.run);
        ui.horizontal_wrapped(|ui| match run {
            Some(batch) => {
                if ui.button("Stop").on_hover_text("Scores so far are kept").clicked() {
                    ctx.perform(Command::CancelAll);
                }
                let progress = batch.progress.map_or(0.0, |progress| progress.fraction);
                ui.add(egui::ProgressBar::new(progress).text(format!("{scored} of {found}")))
                    .accessible_name("Progress of scoring");
            }
            None => {
                ctx.command_button(ui, Command::ScoreAll);
                if scored > 0 {
                    ui.weak(format!("{scored} of {found} scored"));
                }
            }
        });
    }

    fn shown_errors(&mut self, ui: &mut Ui, classes: &ClassSet, ctx: &Ctx) {
        ui.horizontal_wrapped(|ui| {
            ui.label("Show");
            let errors = match self.class {
                Some(class) => format!("Errors of {}", classes.label(class)),
                None => "Errors".into(),
            };
            ui.selectable_value(&mut self.prediction, false, errors);
            ui.selectable_value(&mut self.prediction, true, "Prediction");
            if self.class.is_some() && ui.small_button("All classes").clicked() {
                self.class = None;
            }
        });
        let source = ctx.document().map(|document| &document.photo.source);
        let failure = source.and_then(|source| self.scored.get(source)?.failure.as_ref());
        if let Some(why) = failure {
            ui.colored_label(ui.visuals().error_fg_color, why);
        }
    }
}

/// Lists the images in the order of the ranking. Returns the one that was clicked.
fn worst(ui: &mut Ui, summary: &ScoreSummary, shown: Option<&ImageSource>, by_cell: bool) -> Option<ImageSource> {
    ui.label(heading(match by_cell {
        true => "Photos with the most of these pixels",
        false => "Worst photos",
    }));
    let mut chosen = None;
    for (source, value) in summary.ranking.iter().take(MAX_LISTED) {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(match by_cell {
                true => format!("{value:.0} px"),
                false => format!("{:.1} %", value * 100.0),
            });
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let row = ui.add(Button::selectable(shown == Some(source), source.name()).truncate());
                if row.clicked() {
                    chosen = Some(source.clone());
                }
            });
        });
    }
    let more = summary.ranking.len().saturating_sub(MAX_LISTED);
    if more > 0 {
        ui.weak(format!("And {more} more"));
    }
    if !summary.failures.is_empty() {
        let text = format!("Left out: {}", summary.failures.len());
        let listed: Vec<&str> = summary.failures.iter().take(MAX_FAILURES).map(String::as_str).collect();
        ui.colored_label(ui.visuals().warn_fg_color, text)
            .on_hover_text(listed.join("\n"));
    }
    chosen
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{:.1}", value * 100.0))
}

fn totals(ui: &mut Ui, summary: &ScoreSummary) {
    ui.label(format!(
        "mIoU {} over {} of {} classes, mean accuracy {}, pixel accuracy {}, in percent",
        percent(summary.mean_iou),
        summary.confusion.scored_classes(),
        summary.confusion.classes(),
        percent(summary.mean_accuracy),
        percent(summary.pixel_accuracy)
    ));
    if let Some(share) = summary.confusion.ignored_share() {
        ui.weak(format!(
            "{:.1} % of the pixels have no class in the ground truth",
            share * 100.0
        ));
    }
}

/// Draws a number, or the title of its column, at the right end of the column.
fn number(ui: &mut Ui, text: RichText) -> Response {
    let size = vec2(NUMBER_WIDTH, ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_width(NUMBER_WIDTH);
        ui.label(text)
    })
    .inner
}

/// Draws a row for each class that occurs. Returns the class that was clicked.
fn class_table(
    ui: &mut Ui,
    summary: &ScoreSummary,
    (classes, colors): (&ClassSet, &[[u8; 3]]),
    chosen: Option<u16>,
) -> Option<u16> {
    let mut clicked = None;
    let gap = ui.spacing().item_spacing.x;
    let name_width = (ui.available_width() - 3.0 * (NUMBER_WIDTH + gap)).max(60.0);
    Grid::new("scores of classes")
        .num_columns(4)
        .striped(true)
        .show(ui, |ui| {
            for (title, hint) in [
                ("Class", "Click a class to see its false positives and false negatives"),
                ("IoU", "Intersection over union (%)"),
                (
                    "Acc.",
                    "Share of the pixels of this class that are predicted as this class (%)",
                ),
                (
                    "Prec.",
                    "Share of the pixels predicted as this class that are correct (%)",
                ),
            ] {
                let text = RichText::new(title).weak();
                match title {
                    "Class" => ui.label(text),
                    _ => number(ui, text),
                }
                .on_hover_text(hint);
            }
            ui.end_row();
            for (id, (class, score)) in classes.classes.iter().zip(&summary.classes).enumerate() {
                if score.iou.is_none() {
                    // Neither in the ground truth nor in a prediction.
                    continue;
                }
                let id = id as u16;
                let size = vec2(name_width, ui.spacing().interact_size.y);
                let row = ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
                    ui.set_min_width(name_width);
                    let [r, g, b] = colors.get(usize::from(id)).copied().unwrap_or_default();
                    let (swatch, _) = ui.allocate_exact_size(vec2(10.0, 14.0), Sense::hover());
                    ui.painter().rect_filled(swatch, 2.0, Color32::from_rgb(r, g, b));
                    ui.add(Button::selectable(chosen == Some(id), &class.name).truncate())
                });
                if row.inner.clicked() {
                    clicked = Some(id);
                }
                for value in [score.iou, score.accuracy, score.precision] {
                    number(ui, RichText::new(percent(value)));
                }
                ui.end_row();
            }
        });
    clicked
}
