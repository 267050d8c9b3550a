//! The export dialog: what will be written where, and what that would replace.

use std::path::{Path, PathBuf};

use egui::{Id, Modal, RichText, ScrollArea, Ui};

use super::App;
use super::dialogs::Ask;
use crate::engine::{ExportJob, Job, PhotoSource, Segmented};
use crate::export::{Format, Options, PlannedFile};

/// Room for the list of files, in points.
const LIST_HEIGHT: f32 = 172.0;

/// The dialog's state; folder and formats stay from one export to the next.
#[derive(Default)]
pub(super) struct ExportDialog {
    /// What is exported, from opening the dialog on; `None` while it is closed.
    result: Option<Segmented>,
    options: Options,
    folder: PathBuf,
    /// Whether the person chose the folder, which then stays for other pictures.
    folder_chosen: bool,
    /// `None` while the worker looks.
    planned: Option<Vec<PlannedFile>>,
    writing: bool,
    /// Set by changes in the dialog.
    stale: bool,
    /// Number of the newest plan that was asked for.
    asked: u64,
    /// Why nothing or not everything was written.
    error: Option<String>,
    /// A plan is on its way; the next one is asked for when it has come.
    waiting: bool,
}

impl ExportDialog {
    pub(super) fn is_open(&self) -> bool {
        self.result.is_some()
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing
    }

    pub(super) fn close(&mut self) {
        self.result = None;
        self.writing = false;
    }

    /// Takes a failure; false when the dialog is closed and cannot show it.
    pub(super) fn failed(&mut self, message: &str) -> bool {
        self.error = Some(message.to_owned());
        self.writing = false;
        self.waiting = false;
        self.stale = false;
        self.is_open()
    }

    pub(super) fn set_folder(&mut self, folder: PathBuf) {
        self.folder = folder;
        // What may be replaced was agreed to for the other folder.
        self.options.overwrite = false;
        self.folder_chosen = true;
        self.stale = true;
    }

    /// A folder beside the picture, unless one was chosen.
    pub(super) fn suggest_folder(&mut self, source: &PhotoSource) {
        if !self.folder_chosen {
            let beside = match source {
                PhotoSource::Path(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
                PhotoSource::Sample => directories::UserDirs::new()
                    .and_then(|dirs| {
                        dirs.picture_dir()
                            .map(Path::to_owned)
                            .or_else(|| Some(dirs.home_dir().to_owned()))
                    })
                    .unwrap_or_default(),
            };
            let folder = beside.join("segscope");
            self.folder = std::path::absolute(&folder).unwrap_or(folder);
        }
    }

    /// Takes the worker's answer, unless it answers an older question.
    pub(super) fn set_planned(&mut self, number: u64, files: Vec<PlannedFile>) {
        self.waiting = false;
        if number == self.asked {
            self.planned = Some(files);
        }
    }

    fn existing(&self) -> usize {
        self.planned
            .as_ref()
            .map_or(0, |files| files.iter().filter(|f| f.exists).count())
    }

    fn ready(&self) -> bool {
        let planned = self.planned.as_ref().is_some_and(|files| !files.is_empty());
        planned && !self.writing && !self.stale && (self.options.overwrite || self.existing() == 0)
    }

    /// Draws the dialog; true when the person asks to write.
    fn contents(&mut self, ui: &mut Ui, choose: &mut bool) -> bool {
        // What decides which files there are; the rest changes only what is in them.
        let before = (self.options.formats.clone(), self.folder.clone());
        ui.set_width(460.0);
        ui.heading("Export");
        for format in Format::ALL {
            let mut on = self.options.formats.contains(&format);
            if ui
                .checkbox(&mut on, format.title())
                .on_hover_text(format.explanation())
                .changed()
            {
                self.options.formats.retain(|f| *f != format);
                if on {
                    self.options.formats.push(format);
                }
            }
        }
        let overlay = self.options.formats.contains(&Format::Overlay);
        ui.add_enabled(
            overlay,
            egui::Checkbox::new(&mut self.options.legend, "Legend beside the overlay"),
        );
        let mut left_field = false;
        ui.horizontal(|ui| {
            let label = ui.label("Folder");
            *choose = ui.button("Choose…").clicked();
            let mut text = self.folder.display().to_string();
            let field = egui::TextEdit::singleline(&mut text).desired_width(f32::INFINITY);
            let field = ui.add(field).labelled_by(label.id);
            if field.changed() {
                self.set_folder(PathBuf::from(text));
            }
            left_field = field.lost_focus();
        });
        ui.separator();
        // A fixed height: nothing moves under the cursor when the list arrives.
        ui.allocate_ui(egui::vec2(ui.available_width(), LIST_HEIGHT), |ui| {
            ui.set_min_height(LIST_HEIGHT);
            self.file_list(ui);
        });
        if let Some(error) = &self.error {
            ui.colored_label(ui.visuals().error_fg_color, error);
        }
        let existing = self.existing();
        let question = match existing {
            0 => "Nothing is written over".to_owned(),
            1 => "Write over 1 existing file".to_owned(),
            _ => format!("Write over {existing} existing files"),
        };
        ui.add_enabled(existing > 0, egui::Checkbox::new(&mut self.options.overwrite, question));
        ui.separator();
        let asked = ui
            .horizontal(|ui| {
                let write = ui.add_enabled(self.ready(), egui::Button::new("Write files")).clicked();
                if ui.button("Close").clicked() {
                    self.close();
                }
                if self.writing {
                    ui.spinner();
                }
                write
            })
            .inner;
        self.stale |= before != (self.options.formats.clone(), self.folder.clone());
        // Enter in the folder field ends the typing; only the next one writes.
        let enter = ui.input(|i| i.key_pressed(egui::Key::Enter)) && !left_field && !ui.egui_wants_keyboard_input();
        (asked || enter) && self.ready()
    }

    fn file_list(&self, ui: &mut Ui) {
        let Some(files) = &self.planned else {
            ui.weak("Looking at the folder");
            return;
        };
        ui.label(format!("{} files will be written", files.len()));
        let row = ui.text_style_height(&egui::TextStyle::Body);
        ScrollArea::vertical()
            .max_height(LIST_HEIGHT - 24.0)
            .auto_shrink([false, true])
            .show_rows(ui, row, files.len(), |ui, range| {
                for file in &files[range] {
                    let name = file
                        .path
                        .strip_prefix(&self.folder)
                        .unwrap_or(&file.path)
                        .display()
                        .to_string();
                    let text = if file.exists { format!("{name} (exists)") } else { name };
                    let text = RichText::new(text);
                    let text = if file.exists {
                        text.color(ui.visuals().warn_fg_color)
                    } else {
                        text
                    };
                    ui.add(egui::Label::new(text).truncate())
                        .on_hover_text(&file.description);
                }
            });
    }
}

impl App {
    pub(super) fn open_export(&mut self) {
        self.export.result = self.document.as_ref().and_then(|d| d.result.clone());
        self.export.options.overwrite = false;
        self.export.error = None;
        self.plan_export();
    }

    fn export_job(&self) -> Option<ExportJob> {
        let result = self.export.result.clone()?;
        let options = Options {
            opacity: self.opacity,
            hidden: self.classes.hidden(),
            ..self.export.options.clone()
        };
        Some(ExportJob {
            result,
            options,
            folder: self.export.folder.clone(),
        })
    }

    /// Asks the worker what would be written.
    pub(super) fn plan_export(&mut self) {
        self.export.planned = None;
        self.export.stale = true;
        if self.export.waiting {
            return;
        }
        let Some(job) = self.export_job() else { return };
        self.export.asked += 1;
        let number = self.export.asked;
        if self.send(Job::PlanExport { number, job }) {
            self.export.stale = false;
            self.export.waiting = true;
        }
    }

    pub(super) fn export_window(&mut self, ui: &mut Ui) {
        if !self.export.is_open() {
            return;
        }
        let mut choose = false;
        let modal = Modal::new(Id::unique("export")).show(ui, |ui| self.export.contents(ui, &mut choose));
        if choose {
            self.ask(Ask::ExportFolder, ui);
        }
        if modal.should_close() {
            self.export.close();
        } else if modal.inner {
            if let Some(job) = self.export_job() {
                self.export.error = None;
                self.export.writing = self.send(Job::Export(job));
            }
        } else if self.export.stale {
            self.plan_export();
        }
    }
}
