//! What is asked before all open pictures are segmented.

use std::path::{Path, PathBuf};

use egui::{Button, Checkbox, Id, Modal, Ui};

use super::format_choice::choose_format;
use crate::app::action::{Action, Request};
use crate::app::services::Ask;
use crate::app::state::State;
use crate::app::workspaces::Ctx;
use crate::engine::PhotoSource;
use crate::export::{Format, Options};

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
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    pub(super) fn close(&mut self) {
        self.open = false;
    }

    pub(in crate::app) fn set_folder(&mut self, folder: PathBuf) {
        self.folder = folder;
        self.options.overwrite = false;
    }

    /// Opens it with the folder and formats of the export dialog.
    pub(in crate::app) fn open(&mut self, (folder, options): (PathBuf, Options), ctx: &Ctx) {
        // The picture that is shown suggests one; where it cannot be read, the first of the list does.
        let first = ctx.state.library.pictures.sources().next().and_then(PhotoSource::file);
        let beside = first.and_then(Path::parent).map(|folder| folder.join("segscope"));
        let is_missing = folder.as_os_str().is_empty();
        self.folder = beside.filter(|_| is_missing).unwrap_or(folder);
        self.options = options;
        self.open = true;
        self.just_opened = true;
    }

    /// Draws it if it is open.
    pub(super) fn show(&mut self, ui: &mut Ui, ctx: &Ctx) {
        if !self.open {
            return;
        }
        let Some(title) = ctx.state.library.models.output_title() else {
            return self.close();
        };
        let mut start = false;
        let modal = Modal::new(Id::unique("segment all")).show(ui, |ui| {
            ui.set_width(440.0_f32.min(ui.ctx().content_rect().width() - 80.0));
            ui.heading("Segment all pictures");
            ui.label(format!("{} pictures with {title}", ctx.state.library.pictures.len()));
            ui.weak("Results are kept in memory up to the limit in the settings; write files to keep all of them.");
            ui.add_space(6.0);
            ui.checkbox(&mut self.write, "Write files");
            ui.add_enabled_ui(self.write, |ui| self.files(ui, ctx));
            ui.separator();
            start = self.buttons(ui, ctx);
        });
        if start {
            self.close();
            self.start(ctx);
        } else if modal.should_close() {
            self.close();
        }
    }

    fn files(&mut self, ui: &mut Ui, ctx: &Ctx) {
        ui.indent("formats", |ui| {
            for format in Format::ALL {
                choose_format(ui, &mut self.options.formats, format);
            }
            ui.horizontal(|ui| {
                let label = ui.label("Folder");
                if ui.button("Choose…").clicked() {
                    ctx.request(Request::Ask(Ask::BatchFolder));
                }
                let mut text = self.folder.display().to_string();
                let field = egui::TextEdit::singleline(&mut text).desired_width(f32::INFINITY);
                if ui.add(field).labelled_by(label.id).changed() {
                    self.set_folder(PathBuf::from(text));
                }
            });
            ui.add(Checkbox::new(&mut self.options.overwrite, "Write over existing files"))
                .on_hover_text("Without this, a picture whose files exist is skipped and its files stay");
        });
    }

    /// Whether it is to start.
    fn buttons(&mut self, ui: &mut Ui, ctx: &Ctx) -> bool {
        ui.horizontal(|ui| {
            let has_place = !self.options.formats.is_empty() && !self.folder.as_os_str().is_empty();
            let ready = ctx.state.library.pictures.len() > 0 && (!self.write || has_place);
            let button = ui.add_enabled(ready, Button::new("Start"));
            if std::mem::take(&mut self.just_opened) {
                // Enter starts.
                button.request_focus();
            }
            if ui.button("Close").clicked() {
                self.close();
            }
            button.clicked()
        })
        .inner
    }

    fn start(&self, ctx: &Ctx) {
        let library = &ctx.state.library;
        let Some(model) = library.models.used() else { return };
        let write = self.write.then(|| {
            let options = ctx.as_seen(&model.classes, self.options.clone());
            (options, self.folder.clone())
        });
        // Pictures that are done stay so, unless files of them are wanted.
        let pictures = &library.pictures;
        let pictures: Vec<PhotoSource> = (0..pictures.len())
            .filter(|i| write.is_some() || !matches!(pictures.state(*i), Some(State::Done { .. })))
            .filter_map(|i| pictures.source(i).cloned())
            .collect();
        if pictures.is_empty() {
            ctx.actions().info("All pictures are segmented already");
            return;
        }
        ctx.send(Action::SegmentPictures {
            pictures,
            write,
            for_scores: false,
        });
    }
}
