//! The page for training: what to train on which pictures, and how it goes.

mod form;
mod progress;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use egui::{Context, Panel, ScrollArea, Ui, vec2};

use super::dialogs::Ask;
use super::page;
use crate::engine::{DeviceChoice, TrainPlan, TrainingNews, TrainingPlace, TrainingResult, TrainingRun};
use form::Form;
use progress::Curves;

/// The window with the form and the curves.
#[derive(Default)]
pub(super) struct TrainingPage {
    open: bool,
    form: Form,
    run: Option<TrainingRun>,
    curves: Curves,
    /// How the last training ended.
    outcome: Option<Result<TrainingResult, String>>,
}

/// What a person wants of it.
#[derive(Debug, PartialEq)]
pub(super) enum Wish {
    /// Choose a folder or file for a field.
    Ask(Ask),
    /// Use this bundle.
    Open(PathBuf),
}

impl TrainingPage {
    pub(super) fn open(&mut self) {
        self.open = true;
    }

    /// Whether it is shown.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// What the status bar says of a training, also while the page is closed.
    pub(super) fn status(&self) -> Option<String> {
        self.run.as_ref().map(|_| self.curves.status())
    }

    /// Takes what was chosen in a dialog.
    pub(super) fn set_path(&mut self, what: Ask, path: PathBuf) {
        self.form.set_path(what, path);
    }

    /// Takes the news since the last frame; a sentence when a training has ended, and whether it went well.
    pub(super) fn take_news(&mut self, context: &Context) -> Option<Result<String, String>> {
        let mut ended = None;
        while let Some(news) = self.run.as_ref().and_then(TrainingRun::poll) {
            match news {
                TrainingNews::Ended(result) => {
                    let asked = self.run.take().is_some_and(|run| run.is_stopping());
                    ended = Some(match &result {
                        Err(_) if asked => Ok("The training was stopped before it had begun".to_owned()),
                        Ok(result) if result.stopped => Ok("The training was stopped; it can go on".to_owned()),
                        Ok(_) => Ok("The training is done".to_owned()),
                        Err(why) => Err(format!("The training failed: {why}")),
                    });
                    self.outcome = Some(result);
                }
                news => self.curves.take(news, context),
            }
        }
        ended
    }

    /// Draws it if it is open; `threads` is how many a training may take on the CPU.
    pub(super) fn show(&mut self, context: &Context, threads: Option<usize>) -> Option<Wish> {
        if !self.open {
            return None;
        }
        let mut open = true;
        let mut wish = None;
        page::show(context, "Train a model", &mut open, vec2(900.0, 620.0), |ui| {
            let width = (ui.available_width() * 0.45).clamp(260.0, 400.0);
            Panel::left("training form")
                .exact_size(width)
                .resizable(false)
                .show(ui, |ui| {
                    Panel::bottom("training start").show(ui, |ui| self.start_line(ui, threads));
                    ScrollArea::vertical().id_salt("form").show(ui, |ui| {
                        ui.add_enabled_ui(self.run.is_none(), |ui| {
                            wish = self.form.show(ui).map(Wish::Ask);
                        });
                    });
                });
            egui::CentralPanel::default().show(ui, |ui| {
                ScrollArea::vertical().id_salt("progress").show(ui, |ui| {
                    self.end(ui, &mut wish);
                    self.curves.show(ui, self.run.is_some());
                });
            });
        });
        self.open = open;
        wish
    }

    /// The button that starts or stops, and what is missing for it.
    fn start_line(&mut self, ui: &mut Ui, threads: Option<usize>) {
        ui.add_space(6.0);
        let plan = self.form.plan();
        ui.horizontal(|ui| match &self.run {
            Some(run) => {
                let stopping = run.is_stopping();
                let title = if stopping { "Stopping" } else { "Stop" };
                let stop = ui.add_enabled(!stopping, egui::Button::new(title));
                if stop
                    .on_hover_text("End after this step; the same plan goes on from here")
                    .clicked()
                {
                    run.stop();
                }
            }
            None => {
                let start = ui.add_enabled(plan.is_ok(), egui::Button::new("Start training"));
                let start = match &plan {
                    Ok(_) => start.on_hover_text("A training of the same plan in the same folder goes on where it was"),
                    Err(missing) => start.on_disabled_hover_text(missing),
                };
                if start.clicked()
                    && let Ok((plan, out)) = plan.clone()
                {
                    self.start((plan, out), threads, ui.ctx());
                }
            }
        });
        if let (Err(missing), None) = (&plan, &self.run) {
            ui.weak(missing);
        }
        ui.add_space(4.0);
    }

    fn start(&mut self, (plan, out): (TrainPlan, PathBuf), threads: Option<usize>, context: &Context) {
        self.curves = Curves::default();
        self.outcome = None;
        let context = context.clone();
        let wake = Box::new(move || context.request_repaint());
        let place = TrainingPlace {
            device: self.form.device,
            threads,
        };
        match TrainingRun::start(plan, out, place, wake) {
            Ok(run) => self.run = Some(run),
            Err(why) => self.outcome = Some(Err(format!("the system gives no thread ({why})"))),
        }
    }

    fn end(&self, ui: &mut Ui, wish: &mut Option<Wish>) {
        match &self.outcome {
            None => {}
            Some(Err(why)) => {
                ui.colored_label(ui.visuals().error_fg_color, why);
            }
            Some(Ok(result)) => {
                let text = match result.stopped {
                    true => "Stopped. Start again with the same choices to go on.",
                    false => "Done.",
                };
                ui.label(text);
                let bundles = [
                    ("Use the best model", &result.best),
                    ("Use the last model", &Some(result.last.clone())),
                ];
                ui.horizontal(|ui| {
                    for (title, bundle) in bundles {
                        if let Some(bundle) = bundle {
                            let button = ui.button(title).on_hover_text(bundle.display().to_string());
                            if button.clicked() {
                                *wish = Some(Wish::Open(bundle.clone()));
                            }
                        }
                    }
                });
                ui.separator();
            }
        }
    }
}

/// Where a network learns, unless something else is chosen: kernels for going backwards are tried on the CPU only.
const USUAL_DEVICE: DeviceChoice = DeviceChoice::Cpu;
