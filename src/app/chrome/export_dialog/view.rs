//! Draws the export dialog.

use std::path::PathBuf;

use egui::{
    Align, Align2, Checkbox, Color32, Key, Label, Layout, Rect, RichText, ScrollArea, Sense, TextEdit, TextStyle,
    TextureHandle, Ui, pos2, vec2,
};

use super::ExportDialog;
use super::contents::Contents;
use super::for_program::{self, ForProgram};
use super::size_text::size_text;
use crate::app::theme::{Icon, Tokens, height, radius, size};
use crate::app::widgets::{icon_button, primary_button, section_head, section_line};
use crate::engine::Export;
use crate::export::{FigureFormat, Format, PlannedFile};

// Sizes in points.
/// Width of the dialog if the window has room for it.
const WIDTH: f32 = 432.0;
/// Space between the dialog's content and the window's edges.
pub(super) const EDGE: f32 = 20.0;
/// Height of everything that is always visible: heading, question and buttons, with the window's edges.
const ALWAYS: f32 = 172.0;
/// Height of the preview, and of the room that it needs.
const PREVIEW: f32 = 200.0;
const ROOM_FOR_PREVIEW: f32 = 560.0;
/// Minimum and maximum height of the list of files.
const LIST: [f32; 2] = [72.0, 172.0];
/// Height of the line above the files.
const TOTAL: f32 = 24.0;
/// Maximum height of an error, whose text can be long.
const ERROR: f32 = 60.0;

impl ExportDialog {
    /// Draws the dialog; true when the user starts the export. Sets `choose` when the user asks for a folder dialog.
    pub(super) fn contents(&mut self, ui: &mut Ui, choose: &mut bool) -> bool {
        let before = self.asked_for();
        let window = ui.ctx().content_rect().size();
        ui.set_width((window.x - 2.0 * EDGE).min(WIDTH));
        self.head(ui);
        let error = if self.error.is_some() { ERROR } else { 0.0 };
        let room = (window.y - ALWAYS - error).max(LIST[0]);
        // In a low window the choices scroll; the buttons stay visible.
        let left_field = ScrollArea::vertical()
            .id_salt("export choices")
            .max_height(room)
            .min_scrolled_height(room)
            .auto_shrink([false, false])
            .show(ui, |ui| {
                if room >= ROOM_FOR_PREVIEW {
                    self.preview(ui);
                }
                self.findings(ui);
                section_head(ui, "What", &self.chosen_text());
                self.what(ui);
                if let Some(text) = self.warning.as_deref().filter(|_| self.is_for_program()) {
                    for_program::warning(ui, text);
                }
                section_line(ui);
                section_head(ui, "Where", "");
                let left_folder = self.folder_field(ui, choose);
                // Names of figures say which map they show.
                let is_named = !matches!(self.subject, Some(Export::Figures(_) | Export::Report(_)));
                let names = is_named && !self.is_for_program();
                let left_name = names && self.name_field(ui);
                section_line(ui);
                // The height is fixed, so that nothing moves under the cursor when the list arrives.
                let height = LIST[1].min(room);
                ui.allocate_ui(vec2(ui.available_width(), height), |ui| {
                    ui.set_min_height(height);
                    self.file_list(ui, height);
                });
                left_folder || left_name
            })
            .inner;
        if let Some(error) = &self.error {
            ScrollArea::vertical()
                .id_salt("export error")
                .max_height(ERROR)
                .show(ui, |ui| ui.colored_label(ui.visuals().error_fg_color, error));
        }
        self.question(ui);
        ui.separator();
        let asked = ui.horizontal(|ui| self.buttons(ui)).inner;
        self.stale |= before != self.asked_for();
        // Enter in a field ends the typing; only the next Enter starts the export.
        let enter = ui.input(|i| i.key_pressed(Key::Enter)) && !left_field && !ui.egui_wants_keyboard_input();
        (asked || enter) && self.ready()
    }

    fn head(&mut self, ui: &mut Ui) {
        let title = match &self.subject {
            Some(export @ Export::Masks(_)) => format!("Export {}", export.source().name()),
            Some(export @ Export::Labels(_)) => format!("Export the labels of {}", export.source().name()),
            Some(export @ Export::Figures(_)) => format!("Export attention in {}", export.source().name()),
            Some(export @ Export::Report(_)) => format!("Export the comparison of {}", export.source().name()),
            None => "Export".into(),
        };
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let close = icon_button(ui, Icon::X, "Close the export", height::CONTROL, false);
                if close.on_hover_text("Close").clicked() {
                    self.close();
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(Label::new(RichText::new(title).heading()).truncate());
                });
            });
        });
        ui.add_space(4.0);
    }

    /// Draws what should be looked at before labels are used.
    fn findings(&self, ui: &mut Ui) {
        let Some(Export::Labels(job)) = &self.subject else {
            return;
        };
        for finding in &job.findings {
            let text = format!("{} {finding}", Icon::TriangleAlert.unicode());
            ui.label(RichText::new(text).size(size::SMALL).color(Tokens::of(ui).warning));
        }
        if !job.findings.is_empty() {
            ui.add_space(8.0);
        }
    }

    /// Draws an image of what will be written.
    fn preview(&self, ui: &mut Ui) {
        let size = vec2(ui.available_width(), PREVIEW);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let tokens = Tokens::of(ui);
        ui.painter().rect_filled(rect, radius::CARD, tokens.canvas);
        match self.previews.large() {
            Some(texture) => paint_fitted(ui, texture, rect.shrink(8.0)),
            None => {
                let font = egui::FontId::proportional(size::BODY);
                let text = match self.previews.is_drawing() {
                    true => "Drawing…",
                    false => "Choose what to export",
                };
                ui.painter()
                    .text(rect.center(), Align2::CENTER_CENTER, text, font, tokens.second);
            }
        }
        ui.add_space(10.0);
    }

    /// The choices that decide which files are written and how large they are.
    fn asked_for(&self) -> (Vec<Format>, bool, FigureFormat, String, PathBuf, Contents, ForProgram) {
        (
            self.options.formats.clone(),
            self.options.legend,
            self.options.figures,
            self.options.naming.clone(),
            self.folder.clone(),
            self.contents,
            self.for_program.clone(),
        )
    }

    /// Draws the field of the folder; true when it has just lost the focus.
    fn folder_field(&mut self, ui: &mut Ui, choose: &mut bool) -> bool {
        let field = ui.horizontal(|ui| {
            let label = ui.label("Folder");
            *choose = ui.button("Choose…").clicked();
            let mut text = self.folder.display().to_string();
            let field = TextEdit::singleline(&mut text).desired_width(f32::INFINITY);
            let field = ui.add(field).labelled_by(label.id);
            if field.changed() {
                self.set_folder(PathBuf::from(text));
            }
            field
        });
        field.inner.lost_focus()
    }

    /// Draws the field of the file name template with its explanation; true when it has just lost the focus.
    fn name_field(&mut self, ui: &mut Ui) -> bool {
        let field = ui.horizontal(|ui| {
            let label = ui.label("File name");
            let field = TextEdit::singleline(&mut self.options.naming)
                .hint_text("{name}")
                .desired_width(f32::INFINITY);
            ui.add(field).labelled_by(label.id)
        });
        if self.options.drops_name() {
            let color = ui.visuals().warn_fg_color;
            ui.colored_label(color, "Without {name} all photos share a file name, so {name} is added");
        } else {
            ui.weak("{name} is the photo's name, {model} the model's");
        }
        field.inner.lost_focus()
    }

    fn question(&mut self, ui: &mut Ui) {
        let existing = self.existing();
        let question = match existing {
            0 => "Overwrite existing files".to_owned(),
            1 => "Overwrite 1 existing file".to_owned(),
            _ => format!("Overwrite {existing} existing files"),
        };
        // The list of files may be scrolled out of view.
        let question = match existing > 0 && !self.may_overwrite() {
            true => RichText::new(question).color(ui.visuals().warn_fg_color),
            false => RichText::new(question),
        };
        let mut agreed = self.may_overwrite();
        if ui
            .add_enabled(existing > 0, Checkbox::new(&mut agreed, question))
            .changed()
        {
            self.agree(agreed);
        }
    }

    /// Draws the buttons; true when the user starts the export.
    fn buttons(&mut self, ui: &mut Ui) -> bool {
        let title = match self.planned.as_ref().map_or(0, Vec::len) {
            0 => "Export files".to_owned(),
            1 => "Export 1 file".to_owned(),
            count => format!("Export {count} files"),
        };
        let button = primary_button(ui, Icon::Share, &title);
        let write = ui.add_enabled(self.ready(), button).accessible_name(title).clicked();
        // Files that are being written cannot be cancelled.
        let close = if self.writing { "Close" } else { "Cancel" };
        if ui.button(close).clicked() {
            self.close();
        }
        if self.writing {
            ui.spinner();
        }
        write
    }

    fn file_list(&self, ui: &mut Ui, height: f32) {
        let Some(files) = &self.planned else {
            ui.weak("Checking the folder");
            return;
        };
        let bytes = files.iter().map(|file| file.bytes).sum();
        let size = size_text(bytes);
        ui.label(match files.len() {
            1 => format!("1 file will be written, about {size}"),
            count => format!("{count} files will be written, about {size}"),
        });
        let row = ui.text_style_height(&TextStyle::Body);
        ScrollArea::vertical()
            .id_salt("export files")
            .max_height(height - TOTAL)
            .min_scrolled_height(height - TOTAL)
            .auto_shrink([false, true])
            .show_rows(ui, row, files.len(), |ui, range| {
                for file in &files[range] {
                    let place = vec2(ui.available_width(), row);
                    ui.allocate_ui_with_layout(place, Layout::right_to_left(Align::Center), |ui| {
                        self.file(ui, file);
                    });
                }
            });
    }

    /// Draws a file's size, and its name to the left.
    fn file(&self, ui: &mut Ui, file: &PlannedFile) {
        ui.weak(size_text(file.bytes));
        let name = file.path.strip_prefix(&self.folder).unwrap_or(&file.path).display();
        let text = if file.exists {
            RichText::new(format!("{name} (exists)")).color(ui.visuals().warn_fg_color)
        } else {
            RichText::new(name.to_string())
        };
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(text).truncate()).on_hover_text(&file.description);
        });
    }
}

/// Paints an image as large as it fits into the middle of a rectangle.
pub(super) fn paint_fitted(ui: &Ui, texture: &TextureHandle, rect: Rect) {
    let size = texture.size_vec2();
    let fitted = size * (rect.width() / size.x).min(rect.height() / size.y);
    let at = Rect::from_center_size(rect.center(), fitted);
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().image(texture.id(), at, whole, Color32::WHITE);
}
