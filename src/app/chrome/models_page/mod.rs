//! The page of released models: which exist, where to get them, and which are in the models folder.

mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Align, CollapsingHeader, Context, Label, Layout, ScrollArea, TextEdit, Ui, vec2};

use super::page;
use crate::app::theme::heading;
use crate::catalogue::{ModelsFolder, Project, Released, released};

/// The window with the table.
#[derive(Default)]
pub(in crate::app) struct ModelsPage {
    open: bool,
    /// Opened in this frame: the search takes the focus.
    opened: bool,
    search: String,
    /// The result of the last scan.
    found: Option<Arc<ModelsFolder>>,
    /// The folder that was scanned last; `None` to scan again.
    asked: Option<PathBuf>,
    /// Whether a scan is pending.
    scanning: bool,
}

/// What the user asks of the page, or the page of the worker.
#[derive(Debug, PartialEq)]
pub(in crate::app) enum PageAction {
    /// Scan this folder for models.
    Scan(PathBuf),
    /// Open this model.
    Open(PathBuf),
    /// Show this folder in the system's file manager.
    ShowFolder(PathBuf),
    /// Report that something was copied, such as `Link copied`.
    Say(&'static str),
}

impl ModelsPage {
    /// Opens it with an empty search, and scans the folder again.
    pub(in crate::app) fn open(&mut self) {
        self.open = true;
        self.opened = true;
        self.search.clear();
        self.asked = None;
    }

    /// Whether it is shown.
    pub(in crate::app) fn is_open(&self) -> bool {
        self.open
    }

    /// Takes the result of a scan.
    pub(in crate::app) fn take(&mut self, found: Arc<ModelsFolder>) {
        // The folder setting may have changed since the scan was requested.
        if self.asked.as_ref() == Some(&found.path) {
            self.scanning = false;
        }
        self.found = Some(found);
    }

    /// Draws it if it is open. `folder` is the models folder.
    pub(in crate::app) fn show(&mut self, context: &Context, folder: Option<&Path>) -> Option<PageAction> {
        if !self.open {
            return None;
        }
        let mut open = true;
        let mut action = None;
        page::show(context, "Get models", &mut open, vec2(1060.0, 640.0), |ui| {
            self.head(ui, folder, &mut action);
            ui.separator();
            self.models(ui, &mut action);
        });
        self.open = open;
        action.or_else(|| self.next_scan(folder))
    }

    /// Requests a scan of a folder that has not been scanned.
    fn next_scan(&mut self, folder: Option<&Path>) -> Option<PageAction> {
        let folder = folder.filter(|folder| self.asked.as_deref() != Some(folder))?;
        self.asked = Some(folder.to_owned());
        self.scanning = true;
        Some(PageAction::Scan(folder.to_owned()))
    }

    fn head(&mut self, ui: &mut Ui, folder: Option<&Path>, action: &mut Option<PageAction>) {
        ui.horizontal(|ui| {
            let field = TextEdit::singleline(&mut self.search)
                .hint_text("Find a model, data set or project")
                .desired_width(260.0);
            let field = ui.add(field).accessible_name("Find a model");
            if std::mem::take(&mut self.opened) {
                field.request_focus();
            }
            ui.weak(format!("{} of {}", self.listed().count(), released().len()));
        });
        ui.label(
            "Segscope downloads nothing: links open in your browser. Save the files in the folder below, or drop them \
             on the window from anywhere.",
        );
        ui.horizontal(|ui| self.folder_line(ui, folder, action));
        if let Some(problem) = self.found.as_ref().and_then(|found| found.problem.as_ref()) {
            ui.colored_label(ui.visuals().error_fg_color, problem);
        }
    }

    fn folder_line(&mut self, ui: &mut Ui, folder: Option<&Path>, action: &mut Option<PageAction>) {
        let Some(folder) = folder else {
            ui.label("There is no models folder yet. Choose one in the settings.");
            return;
        };
        let path = folder.display().to_string();
        // The buttons come first: a long path may be truncated, the buttons may not.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let title = if self.scanning { "Scanning…" } else { "Rescan" };
            let rescan = ui
                .add_enabled(!self.scanning, egui::Button::new(title))
                .accessible_name("Rescan")
                .on_hover_text("Scan the folder for models again");
            if rescan.clicked() {
                self.asked = None;
            }
            if ui
                .button("Open folder")
                .on_hover_text("Show the folder in the file manager; it is created if it does not exist")
                .clicked()
            {
                *action = Some(PageAction::ShowFolder(folder.to_owned()));
            }
            if ui.button("Copy path").clicked() {
                ui.copy_text(path.clone());
                *action = Some(PageAction::Say("Path copied"));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.label("Folder:");
                ui.add(Label::new(path).truncate());
            });
        });
    }

    /// The models that match the search, with their indices.
    fn listed(&self) -> impl Iterator<Item = (usize, &'static Released)> {
        let words: Vec<String> = self.search.split_whitespace().map(str::to_lowercase).collect();
        released().iter().enumerate().filter(move |(_, model)| {
            let texts = [
                model.full_name(),
                model.decoder.clone(),
                model.data_set.clone(),
                model.config.clone(),
            ];
            let text = texts.join(" ").to_lowercase();
            words.iter().all(|word| text.contains(word))
        })
    }

    fn models(&self, ui: &mut Ui, action: &mut Option<PageAction>) {
        let nothing = ModelsFolder::default();
        let found = self.found.as_deref().unwrap_or(&nothing);
        table::headings(ui);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let mut any = false;
            for project in Project::ALL {
                let mut rows = self.listed().filter(|(_, model)| model.project == project).peekable();
                if rows.peek().is_none() {
                    continue;
                }
                any = true;
                ui.add_space(4.0);
                ui.label(heading(project.name()));
                ui.weak(project.how_to_get());
                for (place, (index, model)) in rows.enumerate() {
                    let present: Vec<_> = found.of(index).collect();
                    table::row(ui, model, &present, place % 2 == 1, action);
                }
            }
            if !any {
                ui.label("No model matches the search.");
            }
            rest(ui, found, action);
        });
    }
}

/// Draws the other models in the folder, and the files that are not recognised.
fn rest(ui: &mut Ui, found: &ModelsFolder, action: &mut Option<PageAction>) {
    if found.others().next().is_some() {
        ui.add_space(8.0);
        ui.label(heading("Other models in the folder"));
    }
    for model in found.others() {
        ui.horizontal(|ui| {
            if ui
                .button("Open")
                .accessible_name(format!("Open {}", model.name))
                .on_hover_text(model.path.display().to_string())
                .clicked()
            {
                *action = Some(PageAction::Open(model.path.clone()));
            }
            let text = format!("{}: {}, {} classes", model.name, model.title, model.classes);
            ui.add(Label::new(text).truncate());
        });
    }
    let count = found.unrecognised.len();
    if count > 0 {
        ui.add_space(8.0);
        let title = match count {
            1 => "1 file in the folder is not recognised as a model".to_owned(),
            _ => format!("{count} files in the folder are not recognised as models"),
        };
        CollapsingHeader::new(title).id_salt("unrecognised").show(ui, |ui| {
            for file in &found.unrecognised {
                ui.label(&file.why);
            }
        });
    }
}
