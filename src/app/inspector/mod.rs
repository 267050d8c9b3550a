//! The panel on the right: masks, classes, and what is under the cursor.

mod class_list;
mod look;
mod reading;
mod test_settings;

use egui::{Panel, ScrollArea, Ui};

use super::App;
use super::command::Command;
pub(super) use class_list::{ClassList, Found};
pub(super) use look::{set_inside, toggle_outline};
pub(super) use reading::Reading;

/// A panel below this height, in points, has no room for the details of a class beside the list.
const LOW: f32 = 420.0;

/// Points that the class list gets at least; what does not fit then scrolls.
const LEAST_LIST: f32 = 150.0;

impl App {
    pub(super) fn inspector(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        // As far from the edges as what is above them.
        let frame = egui::Frame::NONE.inner_margin(egui::Margin::symmetric(0, 4));
        Panel::bottom("reading")
            .resizable(false)
            .frame(frame)
            .show(ui, |ui| self.reading_panel(ui, asked));
        // In a low window the details scroll with the rest, so that the list keeps some rows.
        let low = ui.available_height() < LOW;
        if !low {
            Panel::bottom("class details")
                .resizable(false)
                .frame(frame)
                .show_separator_line(false)
                .show(ui, |ui| self.class_details(ui));
        }
        ScrollArea::vertical().id_salt("inspector").show(ui, |ui| {
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                ui.strong("Masks");
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let mut shown = self.view.masks;
                    let toggle = ui.add_enabled(
                        self.enabled(Command::ToggleMasks),
                        egui::Checkbox::new(&mut shown, "Show"),
                    );
                    let toggle = toggle.accessible_name("Show masks");
                    if toggle.on_hover_text(Command::ToggleMasks.tooltip(ui)).clicked() {
                        asked.push(Command::ToggleMasks);
                    }
                });
            });
            look::masks(ui, &mut self.view);
            look::more(ui, &mut self.view);
            self.test_settings_section(ui);
            ui.separator();
            self.classes(ui, asked);
            if low {
                self.class_details(ui);
            }
        });
    }

    fn classes(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        ui.horizontal(|ui| {
            if let Some(solo) = self.view.solo.clone() {
                // In place of the buttons, so that no row moves.
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if ui.small_button("End solo").clicked() {
                        self.view.solo = None;
                    }
                    ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                        ui.add(egui::Label::new(egui::RichText::new(format!("Only {solo}")).strong()).truncate());
                    });
                });
                return;
            }
            ui.strong("Classes");
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let present = egui::Button::selectable(self.view.present_only, "Present").small();
                if ui
                    .add(present)
                    .accessible_name("List present classes only")
                    .on_hover_text("List only the classes that are in the picture")
                    .clicked()
                {
                    self.view.present_only = !self.view.present_only;
                }
                for (command, title) in [(Command::HideAllClasses, "None"), (Command::ShowAllClasses, "All")] {
                    let button = ui.add_enabled(self.enabled(command), egui::Button::new(title).small());
                    let button = button.accessible_name(command.title());
                    if button.on_hover_text(command.tooltip(ui)).clicked() {
                        asked.push(command);
                    }
                }
            });
        });
        let Some(model) = self.model.clone() else {
            if self.models.is_loading() || self.first_model.is_some() {
                ui.weak("Opening the model");
            } else {
                ui.label("No model is open.");
                if ui.button(Command::UseEmbeddedModel.title()).clicked() {
                    asked.push(Command::UseEmbeddedModel);
                }
            }
            return;
        };
        self.class_list.tools(ui, &mut self.view);
        let height = ui.available_height().max(LEAST_LIST);
        let document = self.document.as_ref();
        let found = document.and_then(|d| d.found());
        let under_cursor = self.cursor.and_then(|at| document?.label_at(at));
        ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
            ui.set_min_height(height);
            let list = &mut self.class_list;
            list.rows(ui, &mut self.view, &model.classes, found, under_cursor);
        });
    }

    fn class_details(&mut self, ui: &mut Ui) {
        let Some(model) = self.model.clone() else { return };
        let found = self.document.as_ref().and_then(|d| d.found());
        self.class_list.details(ui, &mut self.view, &model.classes, found);
    }
}
