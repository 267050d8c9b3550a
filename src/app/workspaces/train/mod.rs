//! The train workspace: the choices for a training, and its progress.

mod estimate;
mod form;
mod pairs;
mod progress;
mod runs;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use egui::{Panel, ScrollArea, Ui};

use super::{Ctx, News, Workspace, WorkspaceId};
use crate::app::action::{Action, Actions, Request};
use crate::app::command::Command;
use crate::app::services::Ask;
use crate::app::theme::{Icon, Tokens};
use crate::app::widgets::{empty_state, primary_button, section_line};
use crate::engine::{DeviceChoice, ModelSource, TrainPlan, TrainingNews, TrainingPlace, TrainingResult};
use form::Form;
use pairs::PairCount;
use progress::Curves;
use runs::PastRun;

/// Width of the form in points when it is not in the panel on the right.
const FORM: f32 = 320.0;

/// The state of the workspace.
#[derive(Default)]
pub(super) struct Train {
    form: Form,
    run: TrainingState,
    curves: Curves,
    /// How the last training ended.
    outcome: Option<Result<TrainingResult, String>>,
    /// Earlier trainings, the newest first.
    runs: Vec<PastRun>,
    /// The folders that were read, some of which may be gone; `None` to read them again.
    read_folders: Option<Vec<PathBuf>>,
    pairs: PairCount,
}

/// Whether a training runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum TrainingState {
    #[default]
    Idle,
    Training,
    /// It ends after the current step.
    Stopping,
}

impl Workspace for Train {
    fn id(&self) -> WorkspaceId {
        "Train"
    }

    fn needs_image(&self) -> bool {
        false
    }

    fn enter(&mut self, ctx: &Ctx) {
        self.read_runs(ctx);
    }

    fn title(&self, _ctx: &Ctx) -> Option<[String; 2]> {
        let state = match (self.run, self.named_run()) {
            (TrainingState::Idle, Some(run)) => run.state(),
            (TrainingState::Idle, None) => "Fine-tune on your own photos and label maps".into(),
            _ => self.curves.status(),
        };
        Some([self.curves.title().unwrap_or("New training").to_owned(), state])
    }

    fn head_controls(&mut self, _ui: &mut Ui, _ctx: &Ctx) -> bool {
        // No photo is shown that could be zoomed.
        true
    }

    fn on_news(&mut self, news: &News, ctx: &Ctx) {
        match news {
            News::Training(TrainingNews::Ended(result)) => self.end(result.clone(), ctx.actions()),
            News::Training(news) => self.curves.take(news),
            News::NoTraining(why) => {
                self.run = TrainingState::Idle;
                self.outcome = Some(Err(format!("the system cannot start a thread ({why})")));
            }
            News::Chosen(Ask::TrainRun, folder) => self.open_run(folder, ctx),
            News::Chosen(what, path) => self.form.set_path(*what, path.clone()),
            _ => {}
        }
    }

    fn view(&mut self, ui: &mut Ui, ctx: &Ctx) {
        ctx.set_canvas_area(Some(ui.available_rect_before_wrap()));
        ctx.set_cursor(None);
        if self.run == TrainingState::Idle {
            self.read_runs(ctx);
        }
        if !ctx.state.session.panels.inspector {
            // The panel on the right is hidden, so the form is shown here.
            Panel::left("training form")
                .exact_size(FORM.min(ui.available_width() * 0.45))
                .resizable(false)
                .show(ui, |ui| self.side_panel(ui, ctx));
        }
        let frame = egui::Frame::new().fill(Tokens::of(ui).canvas).inner_margin(16);
        egui::CentralPanel::default().frame(frame).show(ui, |ui| {
            if self.curves.is_empty() && self.run == TrainingState::Idle {
                return invitation(ui);
            }
            ScrollArea::vertical().id_salt("progress").show(ui, |ui| {
                self.outcome_line(ui, ctx.actions());
                self.curves.show(ui, self.run != TrainingState::Idle);
            });
        });
    }

    fn side_panel(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let frame = egui::Frame::NONE.inner_margin(egui::Margin::symmetric(0, 4));
        Panel::bottom("training start")
            .resizable(false)
            .frame(frame)
            .show(ui, |ui| self.start_line(ui, ctx));
        ScrollArea::vertical().id_salt("form").show(ui, |ui| {
            ui.add_space(4.0);
            ui.add_enabled_ui(self.run == TrainingState::Idle, |ui| {
                self.run_list(ui, ctx);
                section_line(ui);
                let (images, labels) = self.form.data();
                let pairs = self.pairs.text(images, labels, ui.ctx());
                if let Some(what) = self.form.show(ui, &pairs) {
                    ctx.request(Request::Ask(what));
                }
            });
        });
    }

    fn enabled(&self, command: Command, ctx: &Ctx) -> Option<bool> {
        match command {
            Command::StartTraining => Some(self.run == TrainingState::Idle && self.form.plan().is_ok()),
            Command::StopTraining => Some(self.run == TrainingState::Training),
            // No image is shown.
            Command::CopyReading
            | Command::UnpinReading
            | Command::CopyOverlay
            | Command::CopyLabels
            | Command::CopyView
                if ctx.is_open(self.id()) =>
            {
                Some(false)
            }
            _ => None,
        }
    }

    fn perform(&mut self, command: Command, ctx: &Ctx) -> bool {
        match command {
            Command::StartTraining => {
                if let Ok(plan) = self.form.plan() {
                    self.start(plan, ctx);
                }
            }
            Command::StopTraining => self.stop(ctx),
            _ => return false,
        }
        true
    }

    fn status(&self) -> Option<String> {
        (self.run != TrainingState::Idle).then(|| self.curves.status())
    }
}

impl Train {
    /// Handles the end of a training.
    fn end(&mut self, result: Result<TrainingResult, String>, actions: &Actions) {
        let asked = std::mem::take(&mut self.run) == TrainingState::Stopping;
        match &result {
            Err(_) if asked => actions.info("The training was stopped before it started"),
            Ok(result) if result.stopped => actions.info("The training is paused; start it again to resume"),
            Ok(_) => actions.info("The training is finished"),
            Err(why) => actions.error(format!("The training failed: {why}")),
        }
        self.outcome = Some(result);
        self.read_folders = None;
    }

    /// Draws the button that starts or stops a training, and what is missing to start.
    fn start_line(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let plan = self.form.plan();
        match self.run {
            TrainingState::Idle => {
                // This line is always there, so that the button does not move when the form is complete.
                let resumes = self.named_run().is_some_and(PastRun::is_paused);
                let line = match (&plan, self.named_run().filter(|run| run.is_paused())) {
                    (Err(missing), _) => missing.clone(),
                    (Ok(_), Some(run)) => run.state(),
                    (Ok((plan, _)), None) => estimate::text(plan, ctx),
                };
                ui.add(egui::Label::new(egui::RichText::new(&line).weak()).truncate())
                    .on_hover_text(&line);
                let title = if resumes { "Resume training" } else { "Start training" };
                let start = ui
                    .add_enabled_ui(plan.is_ok(), |ui| {
                        let button = primary_button(ui, Icon::Play, title);
                        ui.add(button).accessible_name(title)
                    })
                    .inner;
                let start = match &plan {
                    Ok(_) => start.on_hover_text("The same choices and folder resume a training where it stopped"),
                    Err(missing) => start.on_disabled_hover_text(missing),
                };
                if let Ok(plan) = plan
                    && start.clicked()
                {
                    self.start(plan, ctx);
                }
            }
            TrainingState::Training | TrainingState::Stopping => {
                let stopping = self.run == TrainingState::Stopping;
                let title = if stopping { "Stopping" } else { "Stop" };
                let stop = ui.add_enabled(!stopping, egui::Button::new(title));
                if stop
                    .on_hover_text("Stop after this step; start with the same choices to resume")
                    .clicked()
                {
                    self.stop(ctx);
                }
            }
        }
    }

    /// Stops the training after its current step.
    fn stop(&mut self, ctx: &Ctx) {
        self.run = TrainingState::Stopping;
        ctx.request(Request::StopTraining);
    }

    fn start(&mut self, (plan, out): (TrainPlan, PathBuf), ctx: &Ctx) {
        self.curves = Curves::default();
        self.outcome = None;
        self.run = TrainingState::Training;
        let place = TrainingPlace {
            device: self.form.device,
            threads: ctx.state.settings.threads,
        };
        ctx.send(Action::RememberTraining(out.clone()));
        ctx.request(Request::StartTraining(Box::new((plan, out, place))));
    }

    fn outcome_line(&self, ui: &mut Ui, actions: &Actions) {
        match &self.outcome {
            None => {}
            Some(Err(why)) => {
                ui.colored_label(ui.visuals().error_fg_color, why);
            }
            Some(Ok(result)) => {
                ui.label(match result.stopped {
                    true => "Paused. Start again with the same choices to resume.",
                    false => "Finished.",
                });
                let bundles = [
                    ("Use the best model", &result.best),
                    ("Use the last model", &Some(result.last.clone())),
                ];
                ui.horizontal(|ui| {
                    for (title, bundle) in bundles {
                        if let Some(bundle) = bundle {
                            let button = ui.button(title).on_hover_text(bundle.display().to_string());
                            if button.clicked() {
                                actions.send(Action::OpenModel(ModelSource::Path(bundle.clone())));
                            }
                        }
                    }
                });
                ui.separator();
            }
        }
    }
}

/// Draws what the workspace is for, in the middle of the empty canvas.
fn invitation(ui: &mut Ui) {
    empty_state(
        ui,
        Icon::ChartSpline,
        "Train a model on your own photos",
        "Choose photos with label maps and pretrained weights on the right. Loss, mean IoU and the prediction for a \
         validation photo appear here. More options: segscope train --help",
    );
}

/// The default training device: the backward kernels are tested on the CPU only.
const USUAL_DEVICE: DeviceChoice = DeviceChoice::Cpu;
