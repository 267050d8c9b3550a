//! The small window in which labels of another program are chosen, and what becomes of them.

use std::path::PathBuf;

use egui::{Key, TextEdit, Ui};

use super::Annotate;
use super::opening::path_of;
use crate::app::action::Request;
use crate::app::services::Ask;
use crate::app::theme::{Icon, title};
use crate::app::widgets::primary_button;
use crate::app::workspaces::Ctx;
use crate::engine::{AnnotationNews, AnnotationRequest, Import};

/// The state of the window.
#[derive(Default)]
pub(super) struct ImportDialog {
    open: bool,
    /// Whether the field has got the focus.
    focused: bool,
    path: String,
    /// Number of images that have been looked at, and of all, while an import runs.
    pub(super) progress: Option<[usize; 2]>,
    /// Why labels were not imported.
    error: Option<String>,
}

impl ImportDialog {
    pub(super) fn open(&mut self) {
        self.open = true;
        self.focused = false;
        self.error = None;
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    pub(super) fn close(&mut self) {
        self.open = false;
    }

    pub(super) fn set_path(&mut self, path: &std::path::Path) {
        self.path = path.display().to_string();
    }
}

impl Annotate {
    /// Draws the window, if it is open.
    pub(super) fn import_dialog(&mut self, ui: &Ui, ctx: &Ctx) {
        if !self.import.open {
            return;
        }
        let (mut done, mut cancelled) = (false, false);
        egui::Modal::new(egui::Id::unique("import labels")).show(ui.ctx(), |ui| {
            ui.set_width(460.0);
            ui.label(title("Import labels"));
            ui.add_space(6.0);
            ui.label(
                "Labels of CVAT, COCO, labelme, YOLO, Cityscapes and other programs: their folder, file or ZIP archive. \
                 They go to the photos of this project with the same names, as one change that can be undone.",
            );
            ui.add_space(6.0);
            let field = TextEdit::singleline(&mut self.import.path)
                .hint_text("Path of the labels")
                .desired_width(f32::INFINITY);
            let field = ui.add(field).accessible_name("Path of the labels");
            if !std::mem::replace(&mut self.import.focused, true) {
                field.request_focus();
            }
            ui.horizontal(|ui| {
                if ui.button("Choose a file…").clicked() {
                    ctx.request(Request::Ask(Ask::LabelsFile));
                }
                if ui.button("Choose a folder…").clicked() {
                    ctx.request(Request::Ask(Ask::LabelsFolder));
                }
            });
            if let Some(error) = &self.import.error {
                ui.add_space(4.0);
                ui.colored_label(ui.visuals().error_fg_color, error);
            }
            ui.add_space(10.0);
            ui.horizontal(|ui| {
                let ready = !self.import.path.trim().is_empty() && self.import.progress.is_none();
                let button = primary_button(ui, Icon::Download, "Import");
                done = ui.add_enabled(ready, button).accessible_name("Import").clicked();
                let close = if self.import.progress.is_some() { "Close" } else { "Cancel" };
                cancelled = ui.button(close).clicked() || ui.input(|input| input.key_pressed(Key::Escape));
                done |= ready && field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
                if let Some([done, count]) = self.import.progress {
                    ui.spinner();
                    ui.label(format!("{done} of {count} photos"));
                }
            });
        });
        if done && !cancelled {
            self.begin_import(ctx);
        }
        if cancelled {
            self.import.close();
        }
    }

    fn begin_import(&mut self, ctx: &Ctx) {
        self.release(ctx);
        let (Some(sheet), Some(model)) = (self.sheet(), ctx.state.library.models.used()) else {
            return;
        };
        let path = self.import.path.trim().trim_matches('"');
        let import = Import {
            image: sheet.image.clone(),
            images: ctx
                .state
                .library
                .images
                .sources()
                .map(|source| path_of(source, ctx))
                .collect(),
            from: PathBuf::from(path),
            classes: model.classes.clone(),
            reader: Box::new(model.truth_reader(&ctx.state.truth)),
        };
        self.import.error = None;
        self.import.progress = Some([0, 0]);
        ctx.request(Request::Annotate(Box::new(AnnotationRequest::Import(Box::new(import)))));
    }

    /// Handles what the thread that writes says of an import.
    pub(super) fn take_import(&mut self, news: &AnnotationNews, ctx: &Ctx) {
        match news {
            AnnotationNews::Importing { done, count } => self.import.progress = Some([*done, *count]),
            AnnotationNews::Imported {
                root,
                records,
                message,
                complete,
            } => {
                self.import.progress = None;
                self.import.close();
                if let Some(open) = self.projects.get_mut(root) {
                    open.records = records
                        .iter()
                        .map(|record| (record.path.clone(), record.clone()))
                        .collect();
                }
                match complete {
                    true => ctx.actions().info(message.clone()),
                    false => ctx.actions().error(message.clone()),
                }
            }
            AnnotationNews::ImportFailed { message } => {
                self.import.progress = None;
                match self.import.open {
                    true => self.import.error = Some(message.clone()),
                    false => ctx.actions().error(message.clone()),
                }
            }
            _ => {}
        }
    }
}
