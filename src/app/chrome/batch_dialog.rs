//! The dialog that is shown before all open images are segmented.

use std::path::{Path, PathBuf};

use egui::{Button, Checkbox, Id, Modal, Ui};

use super::format_choice::choose_format;
use crate::app::action::{Action, Request};
use crate::app::services::Ask;
use crate::app::state::State;
use crate::app::widgets::tick;
use crate::app::workspaces::Ctx;
use crate::engine::ImageSource;
use crate::export::{Format, Options};

/// The choices of a batch before it starts.
#[derive(Default)]
pub(in crate::app) struct BatchDialog {
    open: bool,
    just_opened: bool,
    /// Write files too, instead of only showing the masks.
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
        // The shown image suggests a folder; if it cannot be read, the first image in the list does.
        let first = ctx.state.library.images.sources().next().and_then(ImageSource::file);
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
            ui.heading("Segment all photos");
            ui.label(match ctx.state.library.images.len() {
                1 => format!("1 photo with {title}"),
                count => format!("{count} photos with {title}"),
            });
            ui.weak("Results stay in memory up to the limit in the settings. Export files to keep all of them.");
            ui.add_space(6.0);
            tick(ui, &mut self.write, "Export files");
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
            ui.add(Checkbox::new(&mut self.options.overwrite, "Overwrite existing files"))
                .on_hover_text("If this is off, photos whose files exist are skipped and the files are kept");
        });
    }

    /// Draws the buttons; true when the user starts the batch.
    fn buttons(&mut self, ui: &mut Ui, ctx: &Ctx) -> bool {
        ui.horizontal(|ui| {
            let has_place = !self.options.formats.is_empty() && !self.folder.as_os_str().is_empty();
            let ready = ctx.state.library.images.len() > 0 && (!self.write || has_place);
            let button = ui.add_enabled(ready, Button::new("Start"));
            if std::mem::take(&mut self.just_opened) {
                // Enter starts.
                button.request_focus();
            }
            if ui.button("Cancel").clicked() {
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
        // Images that have a result are skipped, unless their files are to be written.
        let images = &library.images;
        let images: Vec<ImageSource> = (0..images.len())
            .filter(|i| write.is_some() || !matches!(images.state(*i), Some(State::Done(_))))
            .filter_map(|i| images.source(i).cloned())
            .collect();
        if images.is_empty() {
            ctx.actions().info("All photos are already segmented");
            return;
        }
        ctx.send(Action::SegmentImages {
            images,
            write,
            for_scores: false,
        });
    }
}
