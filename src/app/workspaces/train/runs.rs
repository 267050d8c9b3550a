//! Earlier trainings: what their folders say, and filling the form from one of them.

use std::path::{Path, PathBuf};

use egui::{Align, Button, Label, Layout, RichText, Ui};

use super::Train;
use super::progress::Curves;
use crate::app::action::{Action, Request};
use crate::app::services::Ask;
use crate::app::theme::{Icon, Tokens, medium, size};
use crate::app::widgets::section_head;
use crate::app::workspaces::Ctx;
use crate::engine::{TrainFolder, TrainHistory, TrainPlan};

/// A training whose folder was used before.
pub(super) struct PastRun {
    pub(super) folder: PathBuf,
    pub(super) plan: TrainPlan,
    pub(super) history: TrainHistory,
    /// Whether its state is there, so that it can be resumed.
    has_state: bool,
}

impl PastRun {
    /// Reads the folder of a training.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let files = TrainFolder::new(folder);
        let text = std::fs::read_to_string(files.plan())
            .map_err(|why| format!("Expected train.toml in the folder ({why}): {}", folder.display()))?;
        let plan = TrainPlan::read(&text)
            .map_err(|why| format!("The plan cannot be read ({}): {}", why.message(), folder.display()))?;
        Ok(Self {
            history: TrainHistory::read(&files).unwrap_or_default(),
            has_state: files.state().is_file(),
            folder: folder.to_owned(),
            plan,
        })
    }

    /// Number of completed steps.
    fn at(&self) -> usize {
        self.history.losses.last().map_or(0, |(step, _)| *step)
    }

    fn is_done(&self) -> bool {
        self.at() >= self.plan.training.schedule.iterations
    }

    /// Whether it can be resumed.
    pub(super) fn is_paused(&self) -> bool {
        self.has_state && !self.is_done()
    }

    /// `Done, 400 steps` or `Paused at 28 of 120`.
    pub(super) fn state(&self) -> String {
        let (at, of) = (self.at(), self.plan.training.schedule.iterations);
        match (self.is_done(), self.has_state) {
            (true, _) => format!("Done, {of} steps"),
            (false, true) => format!("Paused at {at} of {of}"),
            (false, false) => format!("Stopped at {at} of {of}"),
        }
    }

    /// The best mean IoU over the decoders, in percent.
    fn best(&self) -> Option<f64> {
        let mean = |scores: &Vec<Option<f64>>| {
            let known: Vec<f64> = scores.iter().copied().flatten().collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64 * 100.0)
        };
        let scores = self.history.mean_iou.iter().filter_map(|(_, scores)| mean(scores));
        scores.max_by(f64::total_cmp)
    }

    fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or(self.folder.as_os_str());
        name.to_string_lossy().into_owned()
    }
}

impl Train {
    /// Reads the folders of earlier trainings that the session knows. The newest fills the form if that is empty.
    pub(super) fn read_runs(&mut self, ctx: &Ctx) {
        let folders = &ctx.state.session.trainings;
        if self.read_folders.as_ref() == Some(folders) {
            return;
        }
        let is_first = self.read_folders.is_none();
        self.runs = folders.iter().filter_map(|folder| PastRun::read(folder).ok()).collect();
        self.read_folders = Some(folders.clone());
        if is_first && self.form.is_empty() && !self.runs.is_empty() {
            self.show_run(0);
        }
    }

    /// Fills the form with an earlier training, and shows its curves.
    pub(super) fn show_run(&mut self, place: usize) {
        let Some(run) = self.runs.get(place) else { return };
        self.form.load(&run.plan, &run.folder);
        self.curves = Curves::of_run(run.name(), &run.plan, &run.history);
        self.outcome = None;
    }

    /// The earlier training in the folder that the form names.
    pub(super) fn named_run(&self) -> Option<&PastRun> {
        let folder = self.form.out()?;
        self.runs.iter().find(|run| run.folder == folder)
    }

    /// Opens the folder of a training that the user has chosen.
    pub(super) fn open_run(&mut self, folder: &Path, ctx: &Ctx) {
        match PastRun::read(folder) {
            Ok(run) => {
                self.runs.retain(|other| other.folder != folder);
                self.runs.insert(0, run);
                ctx.send(Action::RememberTraining(folder.to_owned()));
                self.show_run(0);
            }
            Err(why) => ctx.actions().error(why),
        }
    }

    /// Draws the list of earlier trainings.
    pub(super) fn run_list(&mut self, ui: &mut Ui, ctx: &Ctx) {
        section_head(ui, "Runs", "");
        let mut chosen = None;
        let named = self.named_run().map(|run| run.folder.clone());
        for (place, run) in self.runs.iter().enumerate() {
            let tokens = Tokens::of(ui);
            let is_shown = named.as_ref() == Some(&run.folder);
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if let Some(best) = run.best() {
                        ui.label(medium(format!("{best:.1}")))
                            .on_hover_text("Best mean IoU (%)");
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let name = run.name();
                        let row = ui.add(Button::selectable(is_shown, name.as_str()).truncate());
                        let row = row.accessible_name(format!("Run {name}, {}", run.state()));
                        if row.on_hover_text(run.folder.display().to_string()).clicked() {
                            chosen = Some(place);
                        }
                        let state = RichText::new(run.state()).size(size::SMALL).color(tokens.second);
                        ui.add(Label::new(state).truncate());
                    });
                });
            });
        }
        if self.runs.is_empty() {
            ui.weak("Trainings are listed here with their curves.");
        }
        let open = Button::new((RichText::new(Icon::FolderOpen.unicode()), "Open a results folder"));
        if ui.add(open).clicked() {
            ctx.request(Request::Ask(Ask::TrainRun));
        }
        if let Some(place) = chosen {
            self.show_run(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_training_says_how_far_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let why = PastRun::read(folder.path()).err().expect("nothing is there");
        assert!(why.starts_with("Expected train.toml"), "{why}");
        let mut form = super::super::form::Form::default();
        form.set_path(Ask::TrainImages, "/data/images".into());
        form.set_path(Ask::InitFile, "/vit.npz".into());
        form.set_path(Ask::TrainOut, folder.path().to_owned());
        let (plan, _) = form.plan().expect("a plan");
        std::fs::write(folder.path().join("train.toml"), plan.text().expect("text")).expect("a file");
        let files = TrainFolder::new(folder.path());
        std::fs::write(files.log(), "step,loss of mask\n1,2.5\n28,0.5\n").expect("a file");
        std::fs::write(files.scores(), "step,mIoU of mask\n10,20.0\n20,41.5\n28,40.0\n").expect("a file");
        let run = PastRun::read(folder.path()).expect("a training");
        assert_eq!(run.state(), "Stopped at 28 of 1000");
        assert_eq!(run.best(), Some(41.5));
        std::fs::write(files.state(), "").expect("a file");
        let run = PastRun::read(folder.path()).expect("a training");
        assert!(run.is_paused() && run.state() == "Paused at 28 of 1000");

        // The form takes every choice from it, also those that it does not offer.
        let mut other = super::super::form::Form::default();
        let mut special = plan.clone();
        special.ignore = Some(vec![7]);
        special.training.accumulate = 3;
        special.training.augmentation.flip = false;
        other.load(&special, &run.folder);
        let (again, out) = other.plan().expect("a plan");
        assert_eq!((again, out.as_path()), (special, folder.path()));
        // Other data have their own.
        other.set_path(Ask::TrainImages, "/other/images".into());
        let (new, _) = other.plan().expect("a plan");
        assert_eq!((new.ignore, new.training.accumulate), (None, plan.training.accumulate));
    }
}
