//! Segmenting all open pictures: what to do with the results, and how far it is.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use egui::{Button, Checkbox, Id, Modal, ProgressBar, Ui};

use super::State;
use crate::app::App;
use crate::app::command::Command;
use crate::app::dialogs::Ask;
use crate::app::format_choice::choose_format;
use crate::app::status_bar::time_left;
use crate::engine::{Batch, BatchState, Job, Output, PhotoSource, Progress, Settings};
use crate::export::{Format, Options};

/// A run over all pictures.
pub(in crate::app) struct BatchRun {
    pub(in crate::app) number: u64,
    /// Number of its model.
    pub(in crate::app) model: u64,
    pub(in crate::app) output: Output,
    /// What it works on.
    sources: Vec<PhotoSource>,
    /// How it was asked to run.
    settings: Settings,
    /// Pictures whose files have changed since it began; what comes of them may be out of date.
    changed: HashSet<PhotoSource>,
    pub(in crate::app) progress: Option<Progress>,
    pub(in crate::app) done: usize,
    pub(in crate::app) failed: usize,
    /// Pictures whose files were there already.
    pub(in crate::app) there: usize,
    /// Where files are written, if they are.
    folder: Option<PathBuf>,
}

impl BatchRun {
    /// Notes that a picture's file has changed.
    pub(in crate::app) fn note_change(&mut self, source: &PhotoSource) {
        self.changed.insert(source.clone());
    }

    /// Whether a picture waits for its turn.
    pub(in crate::app) fn awaits(&self, source: &PhotoSource) -> bool {
        let turn = self.done + self.failed + self.there;
        self.sources.iter().skip(turn).any(|waiting| waiting == source)
    }
}

/// What is asked before a batch starts.
#[derive(Default)]
pub(in crate::app) struct BatchDialog {
    open: bool,
    just_opened: bool,
    /// Write files, not only look at the masks.
    write: bool,
    folder: PathBuf,
    options: Options,
}

impl BatchDialog {
    pub(in crate::app) fn is_open(&self) -> bool {
        self.open
    }

    pub(in crate::app) fn close(&mut self) {
        self.open = false;
    }

    pub(in crate::app) fn set_folder(&mut self, folder: PathBuf) {
        self.folder = folder;
        self.options.overwrite = false;
    }
}

impl App {
    pub(in crate::app) fn open_batch_dialog(&mut self) {
        let (folder, options) = self.export.defaults();
        // The picture that is shown suggests one; where it cannot be read, the first of the list does.
        let first = self.pictures.sources().next().and_then(PhotoSource::file);
        let beside = first.and_then(Path::parent).map(|folder| folder.join("segscope"));
        let is_missing = folder.as_os_str().is_empty();
        self.batch_dialog.folder = beside.filter(|_| is_missing).unwrap_or(folder);
        self.batch_dialog.options = options;
        self.batch_dialog.open = true;
        self.batch_dialog.just_opened = true;
    }

    pub(in crate::app) fn batch_window(&mut self, ui: &mut Ui) {
        if !self.batch_dialog.open {
            return;
        }
        let Some(title) = self.output_title() else {
            self.batch_dialog.close();
            return;
        };
        let total = self.pictures.len();
        let mut start = false;
        let mut choose = false;
        let modal = Modal::new(Id::unique("segment all")).show(ui, |ui| {
            ui.set_width(440.0_f32.min(ui.ctx().content_rect().width() - 80.0));
            ui.heading("Segment all pictures");
            ui.label(format!("{total} pictures with {title}"));
            ui.weak("Results are kept in memory up to the limit in the settings; write files to keep all of them.");
            ui.add_space(6.0);
            let dialog = &mut self.batch_dialog;
            ui.checkbox(&mut dialog.write, "Write files");
            ui.add_enabled_ui(dialog.write, |ui| {
                ui.indent("formats", |ui| {
                    for format in Format::ALL {
                        choose_format(ui, &mut dialog.options.formats, format);
                    }
                    ui.horizontal(|ui| {
                        let label = ui.label("Folder");
                        choose = ui.button("Choose…").clicked();
                        let mut text = dialog.folder.display().to_string();
                        let field = egui::TextEdit::singleline(&mut text).desired_width(f32::INFINITY);
                        if ui.add(field).labelled_by(label.id).changed() {
                            dialog.set_folder(PathBuf::from(text));
                        }
                    });
                    ui.add(Checkbox::new(
                        &mut dialog.options.overwrite,
                        "Write over existing files",
                    ))
                    .on_hover_text("Without this, a picture whose files exist is skipped and its files stay");
                });
            });
            ui.separator();
            ui.horizontal(|ui| {
                let has_place = !dialog.options.formats.is_empty() && !dialog.folder.as_os_str().is_empty();
                let ready = total > 0 && (!dialog.write || has_place);
                let button = ui.add_enabled(ready, Button::new("Start"));
                if std::mem::take(&mut dialog.just_opened) {
                    // Enter starts.
                    button.request_focus();
                }
                start = button.clicked();
                if ui.button("Close").clicked() {
                    dialog.close();
                }
            });
        });
        if choose {
            self.ask(Ask::BatchFolder, ui);
        }
        if start {
            self.batch_dialog.close();
            self.start_batch();
        } else if modal.should_close() {
            self.batch_dialog.close();
        }
    }

    fn start_batch(&mut self) {
        let Some(model) = self.model.clone() else { return };
        let write = self.batch_dialog.write.then(|| {
            let options = self.as_seen(&model.classes, self.batch_dialog.options.clone());
            (options, self.batch_dialog.folder.clone())
        });
        // Pictures that are done stay so, unless files of them are wanted.
        let pictures: Vec<PhotoSource> = (0..self.pictures.len())
            .filter(|i| write.is_some() || !matches!(self.pictures.state(*i), Some(State::Done { .. })))
            .filter_map(|i| self.pictures.source(i).cloned())
            .collect();
        if pictures.is_empty() {
            self.toasts.info("All pictures are segmented already");
            return;
        }
        self.segment_pictures(pictures, write);
    }

    /// Runs the output in use on some pictures, and writes files of the results if that is wanted.
    pub(in crate::app) fn segment_pictures(&mut self, pictures: Vec<PhotoSource>, write: Option<(Options, PathBuf)>) {
        let Some(model) = self.model.clone().filter(|_| !self.models.is_loading()) else {
            return;
        };
        let Some(settings) = self.run_settings() else { return };
        self.batch_number += 1;
        let run = BatchRun {
            number: self.batch_number,
            model: model.id,
            output: self.models.output(),
            sources: pictures.clone(),
            settings: settings.clone(),
            changed: HashSet::new(),
            progress: None,
            done: 0,
            failed: 0,
            there: 0,
            folder: write.as_ref().map(|(_, folder)| folder.clone()),
        };
        let batch = Batch {
            number: self.batch_number,
            pictures: pictures.clone(),
            model: model.id,
            output: self.models.output(),
            settings: Some(settings),
            class_set: self.test_settings_of(&model).class_set,
            write,
        };
        if self.send(Job::SegmentAll(batch)) {
            for source in &pictures {
                self.pictures.set_state(source, State::Waiting);
            }
            self.batch = Some(run);
        }
    }

    /// Takes what the worker says of one picture of the batch.
    pub(in crate::app) fn take_batch_picture(&mut self, number: u64, index: usize, state: BatchState) {
        let Some(batch) = self.batch.as_ref().filter(|b| b.number == number) else {
            return;
        };
        let Some(source) = batch.sources.get(index).cloned() else {
            return;
        };
        let (settings, changed) = (batch.settings.clone(), batch.changed.contains(&source));
        let is_shown = self.is_in_use(batch) && !self.is_running(&source);
        match state {
            // The list tells of the output and the settings in use.
            BatchState::Running | BatchState::AlreadyThere | BatchState::Failed(_) if !is_shown => {}
            BatchState::Running => self.pictures.set_state(&source, State::Running),
            BatchState::Done { .. } if changed && !is_shown => {}
            BatchState::Done { .. } if changed => self.pictures.set_state(&source, State::Fresh),
            BatchState::Done { result, .. } => {
                self.score_in_passing(number, &result, &settings);
                self.keep_unseen(result, settings);
            }
            BatchState::AlreadyThere => {
                // Its turn is over; what is known of its result is as before.
                if let Some(batch) = &mut self.batch {
                    batch.there += 1;
                }
                self.pictures.set_state(&source, self.settled_state(&source));
            }
            BatchState::Failed(why) => self.pictures.set_state(&source, State::Failed(why)),
        }
    }

    /// Whether a run over all pictures makes what is looked at now.
    pub(in crate::app) fn is_in_use(&self, batch: &BatchRun) -> bool {
        self.uses_output(batch.model, batch.output) && self.run_settings().as_ref() == Some(&batch.settings)
    }

    /// The batch has ended: pictures that still wait have no result.
    pub(in crate::app) fn end_batch(
        &mut self,
        number: u64,
        (done, failed, there): (usize, usize, usize),
        cancelled: bool,
    ) {
        let Some(batch) = self.batch.take_if(|b| b.number == number) else {
            return;
        };
        for source in &batch.sources {
            let state = self.pictures.state_of(source);
            if matches!(state, Some(State::Waiting | State::Running)) && !self.is_running(source) {
                self.pictures.set_state(source, self.settled_state(source));
            }
        }
        let ended = if cancelled { "Cancelled" } else { "Finished" };
        let what = if batch.folder.is_some() { "written" } else { "segmented" };
        let others = others_text(failed, there);
        let text = format!("{ended}: {done} of {} pictures {what}{others}", batch.sources.len());
        match batch.folder {
            Some(folder) if done + there > 0 => self.toasts.wrote(text, folder),
            _ => self.toasts.info(text),
        }
    }

    pub(super) fn batch_panel(&self, ui: &mut Ui, asked: &mut Vec<Command>) {
        let Some(batch) = &self.batch else { return };
        let fraction = batch.progress.map_or(0.0, |p| p.fraction);
        ui.add(ProgressBar::new(fraction).show_percentage())
            .accessible_name("Progress of all pictures");
        ui.horizontal(|ui| {
            let passed = batch.done + batch.failed + batch.there;
            let others = others_text(batch.failed, batch.there);
            ui.label(format!("{passed} of {}{others}", batch.sources.len()));
            if let Some(remaining) = batch.progress.and_then(|p| p.remaining) {
                ui.weak(time_left(remaining));
            }
        });
        let cancel = ui.small_button("Cancel all").on_hover_text("Stop; what is done stays");
        if cancel.clicked() {
            asked.push(Command::CancelAll);
        }
    }
}

/// How many pictures of a run came to no new result, and why.
fn others_text(failed: usize, there: usize) -> String {
    let there = match there {
        0 => String::new(),
        1 => ", 1 was there already".into(),
        many => format!(", {many} were there already"),
    };
    match failed {
        0 => there,
        failed => format!("{there}, {failed} failed"),
    }
}
