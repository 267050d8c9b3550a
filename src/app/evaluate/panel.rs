//! The panel of the workspace: ground truth, scores, confusion matrix, and the worst pictures.

use egui::{Align, Button, Grid, Label, Layout, RichText, ScrollArea, Ui};

use super::matrix;
use crate::app::App;
use crate::app::command::Command;
use crate::app::dialogs::Ask;
use crate::engine::PhotoSource;
use crate::labels::{ClassSet, Confusion};

/// Pictures that are listed at most; who wants more of them uses `segscope evaluate`.
const MOST_LISTED: usize = 50;

impl App {
    /// The inspector of the workspace.
    pub(in crate::app) fn evaluate_panel(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        ScrollArea::vertical().id_salt("evaluate").show(ui, |ui| {
            ui.add_space(4.0);
            ui.strong("Evaluate");
            if let Some(title) = self.output_title() {
                ui.add(Label::new(title).truncate());
            }
            self.truth_line(ui);
            self.run_line(ui, asked);
            ui.separator();
            let Some(classes) = self.model.as_ref().map(|model| self.named(model).classes.clone()) else {
                ui.weak("Open a model first");
                return;
            };
            self.shown_errors(ui, &classes);
            let (scores, title) = self.told_scores();
            let Some(scores) = scores else {
                ui.weak("Scores appear when a picture with ground truth has been segmented");
                return;
            };
            ui.strong(title);
            totals(ui, &scores);
            if let Some(class) = class_table(ui, &scores, &classes, self.evaluate.class) {
                self.evaluate.class = if self.evaluate.class == Some(class) {
                    None
                } else {
                    Some(class)
                };
                self.evaluate.prediction = false;
            }
            ui.separator();
            ui.strong("Confusion matrix");
            ui.weak("Rows are true, columns predicted; click a field for the pictures behind it.");
            let chosen = self.evaluate.cell;
            if let Some(cell) = matrix::show(ui, &scores, &classes, chosen) {
                self.evaluate.cell = if chosen == Some(cell) { None } else { Some(cell) };
            }
            if let Some(cell) = self.evaluate.cell {
                ui.label(matrix::said(&scores, &classes, cell));
            }
            ui.separator();
            self.worst(ui);
        });
    }

    fn truth_line(&mut self, ui: &mut Ui) {
        let (found, all) = (self.evaluate.truths.files.len(), self.pictures.len());
        let mut choose = false;
        ui.horizontal(|ui| {
            choose = ui
                .button("Choose…")
                .accessible_name("Choose the folder of ground truth")
                .on_hover_text("Folder of label maps: PNG files with class ids, named as the pictures are")
                .clicked();
            let text = match &self.evaluate.folder {
                Some(folder) => folder.display().to_string(),
                None => "Ground truth beside the pictures".into(),
            };
            ui.add(Label::new(&text).truncate()).on_hover_text(&text);
        });
        if choose {
            self.ask(Ask::TruthFolder, ui);
        }
        match self.evaluate.truths.asked {
            Some(_) => ui.weak("Looking"),
            None => ui.weak(format!("{found} of {all} pictures have ground truth")),
        };
    }

    fn run_line(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        let (scored, found) = (self.evaluate.scored.len(), self.evaluate.truths.files.len());
        ui.horizontal(|ui| match &self.batch {
            Some(batch) => {
                if ui.button("Stop").on_hover_text("What is scored stays").clicked() {
                    asked.push(Command::CancelAll);
                }
                let progress = batch.progress.map_or(0.0, |progress| progress.fraction);
                ui.add(egui::ProgressBar::new(progress).text(format!("{scored} of {found}")))
                    .accessible_name("Progress of scoring");
            }
            None => {
                self.command_button(ui, Command::ScoreAll, asked);
                if scored > 0 {
                    ui.weak(format!("{scored} of {found} scored"));
                }
            }
        });
    }

    fn shown_errors(&mut self, ui: &mut Ui, classes: &ClassSet) {
        ui.horizontal_wrapped(|ui| {
            ui.label("Show");
            let evaluate = &mut self.evaluate;
            let errors = match evaluate.class {
                Some(class) => format!("Errors of {}", classes.label(class)),
                None => "Errors".into(),
            };
            ui.selectable_value(&mut evaluate.prediction, false, errors);
            ui.selectable_value(&mut evaluate.prediction, true, "Prediction");
            if evaluate.class.is_some() && ui.small_button("All classes").clicked() {
                evaluate.class = None;
            }
        });
        let source = self.document.as_ref().map(|document| &document.photo.source);
        let failure = source.and_then(|source| self.evaluate.scored.get(source)?.failure.as_ref());
        if let Some(why) = failure {
            ui.colored_label(ui.visuals().error_fg_color, why);
        }
    }

    /// The scores over all pictures, or of the one on the canvas while no other is scored.
    fn told_scores(&self) -> (Option<Confusion>, String) {
        let counted = self.evaluate.scored.values().filter(|scored| scored.failure.is_none());
        match counted.count() {
            0 | 1 => {
                let shown = self.evaluate.shown.as_ref().map(|shown| shown.confusion.clone());
                (shown.or_else(|| self.evaluate.total.clone()), "This picture".into())
            }
            count => (self.evaluate.total.clone(), format!("{count} pictures")),
        }
    }

    fn worst(&mut self, ui: &mut Ui) {
        let ranking = self.evaluate.ranking();
        ui.strong(match self.evaluate.cell {
            Some(_) => "Pictures with the most of it first",
            None => "Worst pictures first",
        });
        let shown = self.document.as_ref().map(|document| &document.photo.source);
        let mut chosen: Option<PhotoSource> = None;
        for (source, value) in ranking.iter().take(MOST_LISTED) {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(match self.evaluate.cell {
                    Some(_) => format!("{value:.0} px"),
                    None => format!("{:.1}", value * 100.0),
                });
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let row = ui.add(Button::selectable(shown == Some(*source), source.name()).truncate());
                    if row.clicked() {
                        chosen = Some((*source).clone());
                    }
                });
            });
        }
        let more = ranking.len().saturating_sub(MOST_LISTED);
        if more > 0 {
            ui.weak(format!("And {more} more"));
        }
        let failed: Vec<String> = self
            .evaluate
            .scored
            .iter()
            .filter_map(|(source, scored)| Some(format!("{}: {}", source.name(), scored.failure.as_ref()?)))
            .collect();
        if !failed.is_empty() {
            let text = format!("Left out: {}", failed.len());
            ui.colored_label(ui.visuals().warn_fg_color, text)
                .on_hover_text(failed.join("\n"));
        }
        let place = chosen.and_then(|source| self.pictures.place(&source));
        if let Some(place) = place {
            self.open_picture(place);
        }
    }
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{:.1}", value * 100.0))
}

fn totals(ui: &mut Ui, scores: &Confusion) {
    let accuracy = scores.mean(|score| score.accuracy);
    ui.label(format!(
        "mIoU {}, mean accuracy {}, pixel accuracy {}",
        percent(scores.mean_iou()),
        percent(accuracy),
        percent(scores.pixel_accuracy())
    ));
}

/// A row per class that occurs; the class that was clicked.
fn class_table(ui: &mut Ui, scores: &Confusion, classes: &ClassSet, chosen: Option<u16>) -> Option<u16> {
    let mut clicked = None;
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
            for (id, class) in classes.classes.iter().enumerate() {
                let score = scores.class(id);
                if score.iou.is_none() {
                    // Neither in the truth nor predicted anywhere.
                    continue;
                }
                let id = id as u16;
                let row = ui.add(Button::selectable(chosen == Some(id), &class.name));
                if row.clicked() {
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
