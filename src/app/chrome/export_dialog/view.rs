//! Draws the export dialog.

use std::path::PathBuf;

use egui::{Align, Checkbox, Key, Label, Layout, RichText, ScrollArea, TextEdit, TextStyle, Ui, vec2};

use super::ExportDialog;
use super::size_text::size_text;
use crate::app::chrome::format_choice::choose_format;
use crate::export::{Format, PlannedFile};

// Sizes in points.
/// Width of the dialog if the window has room for it.
const WIDTH: f32 = 460.0;
/// Space between the dialog's content and the window's edges.
const EDGE: f32 = 20.0;
/// Height of everything that is always visible: heading, question and buttons, with the window's edges.
const ALWAYS: f32 = 160.0;
/// Height of the choices above the list of files.
const CHOICES: f32 = 168.0;
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
        let title = match &self.result {
            Some(result) => format!("Export {}", result.photo.source.name()),
            None => "Export".into(),
        };
        ui.add(Label::new(RichText::new(title).heading()).truncate());
        let error = if self.error.is_some() { ERROR } else { 0.0 };
        let room = (window.y - ALWAYS - error).max(LIST[0]);
        // In a low window the choices scroll; the buttons stay visible.
        let left_field = ScrollArea::vertical()
            .id_salt("export choices")
            .max_height(room)
            .min_scrolled_height(room)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                self.formats(ui);
                let left_folder = self.folder_field(ui, choose);
                let left_name = self.name_field(ui);
                ui.separator();
                // The height is fixed, so that nothing moves under the cursor when the list arrives.
                let height = (room - CHOICES).clamp(LIST[0], LIST[1]);
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

    /// The choices that decide which files are written and how large they are.
    fn asked_for(&self) -> (Vec<Format>, bool, String, PathBuf) {
        (
            self.options.formats.clone(),
            self.options.legend,
            self.options.naming.clone(),
            self.folder.clone(),
        )
    }

    fn formats(&mut self, ui: &mut Ui) {
        ui.columns_const(|[left, right]| {
            for format in [Format::Labels, Format::Color, Format::Overlay] {
                self.format(left, format);
            }
            for format in [Format::Classes, Format::Confidence] {
                self.format(right, format);
            }
            let overlay = self.options.formats.contains(&Format::Overlay);
            let legend = Checkbox::new(&mut self.options.legend, "Legend beside the overlay");
            right.add_enabled(overlay, legend);
        });
    }

    fn format(&mut self, ui: &mut Ui, format: Format) {
        choose_format(ui, &mut self.options.formats, format);
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
        let write = ui.add_enabled(self.ready(), egui::Button::new(title)).clicked();
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
