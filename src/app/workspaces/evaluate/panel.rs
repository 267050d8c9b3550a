//! The panel of the workspace: ground truth, scores, confusion matrix, and the worst pictures.

use egui::{Align, Button, Color32, Grid, Label, Layout, RichText, ScrollArea, Sense, Ui, vec2};

use super::Evaluate;
use super::matrix;
use super::told::Told;
use crate::app::action::{Action, Request};
use crate::app::command::Command;
use crate::app::services::Ask;
use crate::app::workspaces::Ctx;
use crate::engine::PhotoSource;
use crate::labels::ClassSet;

/// Pictures that are listed at most; who wants more of them uses `segscope evaluate`.
const MOST_LISTED: usize = 50;

/// Failures that are listed at most.
const MOST_FAILURES: usize = 10;

/// Width of a column of numbers in points.
const NUMBER_WIDTH: f32 = 46.0;

impl Evaluate {
    /// The inspector of the workspace.
    pub(super) fn panel(&mut self, ui: &mut Ui, ctx: &Ctx) {
        ScrollArea::vertical().id_salt("evaluate").show(ui, |ui| {
            ui.add_space(4.0);
            ui.strong("Evaluate");
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
                let all = format!("All {} pictures", self.counted());
                let of_one = &mut self.this_picture;
                let changed = ui.selectable_value(of_one, false, all).changed();
                if ui.selectable_value(of_one, true, "This picture").changed() || changed {
                    self.told = None;
                }
            });
        }
        let (chosen_class, chosen_cell) = (self.class, self.cell);
        let Some(told) = self.tell(photo, ui.ctx()) else {
            ui.weak("Scores appear when a picture with ground truth has been segmented");
            return;
        };
        ui.strong(&told.title);
        totals(ui, told);
        let class = class_table(ui, told, classes, chosen_class);
        ui.separator();
        ui.strong("Confusion matrix");
        ui.weak("Rows are true classes, columns predicted ones; click a field for the pictures behind it.");
        let cell = matrix::show(ui, told, classes, chosen_cell);
        if let Some(cell) = chosen_cell {
            ui.label(matrix::said(&told.confusion, classes, cell));
        }
        ui.separator();
        let shown = ctx.document().map(|document| &document.photo.source);
        let picture = worst(ui, told, shown, chosen_cell.is_some());
        if let Some(class) = class {
            self.class = if chosen_class == Some(class) { None } else { Some(class) };
            self.prediction = false;
        }
        if let Some(cell) = cell {
            self.cell = if chosen_cell == Some(cell) { None } else { Some(cell) };
            self.told = None;
        }
        if let Some(place) = picture.and_then(|source| ctx.state.library.pictures.place(&source)) {
            ctx.send(Action::GoTo(place));
        }
    }

    fn truth_line(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let (found, all) = (self.truths.files.len(), ctx.state.library.pictures.len());
        let mut choose = false;
        ui.horizontal(|ui| {
            choose = ui
                .button("Choose…")
                .accessible_name("Choose the folder of ground truth")
                .on_hover_text("Folder of label maps: PNG files with class ids, named as the pictures are")
                .clicked();
            let text = match &self.folder {
                Some(folder) => folder.display().to_string(),
                None => "Ground truth beside the pictures".into(),
            };
            ui.add(Label::new(&text).truncate()).on_hover_text(&text);
        });
        if choose {
            ctx.request(Request::Ask(Ask::TruthFolder));
        }
        ui.horizontal_wrapped(|ui| {
            match &self.truths.asked {
                Some(_) => ui.weak("Looking for ground truth"),
                None => ui.weak(format!("{found} of {all} pictures have ground truth")),
            };
            let back = self.folder.is_some() && ui.small_button("Beside the pictures").clicked();
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
                if ui.button("Stop").on_hover_text("What is scored stays").clicked() {
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

/// Pictures in the order of the ranking; the one that was clicked.
fn worst(ui: &mut Ui, told: &Told, shown: Option<&PhotoSource>, by_cell: bool) -> Option<PhotoSource> {
    ui.strong(match by_cell {
        true => "Pictures with the most of it first",
        false => "Worst pictures first",
    });
    let mut chosen = None;
    for (source, value) in told.ranking.iter().take(MOST_LISTED) {
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
    let more = told.ranking.len().saturating_sub(MOST_LISTED);
    if more > 0 {
        ui.weak(format!("And {more} more"));
    }
    if !told.failures.is_empty() {
        let text = format!("Left out: {}", told.failures.len());
        let listed: Vec<&str> = told.failures.iter().take(MOST_FAILURES).map(String::as_str).collect();
        ui.colored_label(ui.visuals().warn_fg_color, text)
            .on_hover_text(listed.join("\n"));
    }
    chosen
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{:.1}", value * 100.0))
}

fn totals(ui: &mut Ui, told: &Told) {
    ui.label(format!(
        "mIoU {} over {} of {} classes, mean accuracy {}, pixel accuracy {}, in percent",
        percent(told.mean_iou),
        told.confusion.scored_classes(),
        told.confusion.classes(),
        percent(told.mean_accuracy),
        percent(told.pixel_accuracy)
    ));
    if let Some(share) = told.confusion.ignored_share() {
        ui.weak(format!(
            "{:.1} % of the pixels have no class in the ground truth",
            share * 100.0
        ));
    }
}

/// A row per class that occurs; the class that was clicked.
fn class_table(ui: &mut Ui, told: &Told, classes: &ClassSet, chosen: Option<u16>) -> Option<u16> {
    let mut clicked = None;
    let name_width = (ui.available_width() - 3.0 * NUMBER_WIDTH).max(60.0);
    Grid::new("scores of classes")
        .num_columns(4)
        .striped(true)
        .show(ui, |ui| {
            for (title, hint) in [
                ("Class", "Click a class to see its false positives and false negatives"),
                ("IoU", "Intersection over union, in percent"),
                ("Acc.", "Pixels of the class that are found, in percent"),
                ("Prec.", "Pixels said to be of the class that are, in percent"),
            ] {
                ui.label(RichText::new(title).weak()).on_hover_text(hint);
            }
            ui.end_row();
            for (id, (class, score)) in classes.classes.iter().zip(&told.classes).enumerate() {
                if score.iou.is_none() {
                    // Neither in the truth nor predicted anywhere.
                    continue;
                }
                let id = id as u16;
                let size = vec2(name_width, ui.spacing().interact_size.y);
                let row = ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
                    let [r, g, b] = class.color;
                    let (swatch, _) = ui.allocate_exact_size(vec2(10.0, 14.0), Sense::hover());
                    ui.painter().rect_filled(swatch, 2.0, Color32::from_rgb(r, g, b));
                    ui.add(Button::selectable(chosen == Some(id), &class.name).truncate())
                });
                if row.inner.clicked() {
                    clicked = Some(id);
                }
                for value in [score.iou, score.accuracy, score.precision] {
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(percent(value)));
                }
                ui.end_row();
            }
        });
    clicked
}
