//! The panel on the right: masks, classes, and what is under the cursor.

use egui::{RichText, Ui};

use super::App;
use super::command::Command;
use crate::labels::ClassSet;

/// Room kept for the reading below the class list, so that the list does not jump when the cursor leaves the picture.
const READING_HEIGHT: f32 = 104.0;

impl App {
    pub(super) fn inspector(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        ui.add_space(6.0);
        let has_result = self.document.as_ref().is_some_and(|d| d.result.is_some());
        ui.horizontal(|ui| {
            let masks = ui.add_enabled(
                has_result,
                egui::Button::selectable(self.show_masks, Command::ToggleOverlay.title()),
            );
            if masks.on_hover_text(Command::ToggleOverlay.tooltip(ui)).clicked() {
                asked.push(Command::ToggleOverlay);
            }
            ui.spacing_mut().slider_width = (ui.available_width() - 60.0).max(60.0);
            let mut percent = self.opacity * 100.0;
            let slider = egui::Slider::new(&mut percent, 0.0..=100.0)
                .suffix(" %")
                .fixed_decimals(0)
                .show_value(true);
            let response = ui.add(slider).accessible_name("Opacity");
            if response.on_hover_text("Opacity of the masks").changed() {
                self.opacity = percent / 100.0;
            }
        });
        ui.separator();
        ui.horizontal(|ui| {
            ui.strong("Classes");
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                for command in [Command::HideAllClasses, Command::ShowAllClasses] {
                    let button = egui::Button::new(command.title()).small();
                    if ui
                        .add_enabled(has_result, button)
                        .on_hover_text(command.tooltip(ui))
                        .clicked()
                    {
                        asked.push(command);
                    }
                }
            });
        });
        let Some(model) = self.model.clone() else {
            if self.loading_model {
                ui.weak("Opening the model");
            } else {
                ui.label("No model is open.");
                if ui.button(Command::UseEmbeddedModel.title()).clicked() {
                    asked.push(Command::UseEmbeddedModel);
                }
            }
            return;
        };
        let counts = self
            .document
            .as_ref()
            .and_then(|d| d.result.as_ref())
            .map(|r| r.counts.clone());
        let list_height = (ui.available_height() - READING_HEIGHT).max(60.0);
        ui.allocate_ui(egui::vec2(ui.available_width(), list_height), |ui| {
            ui.set_min_height(list_height);
            self.classes.show(ui, &model.classes, counts.as_deref());
        });
        ui.separator();
        self.reading(ui, &model.classes);
    }

    fn reading(&self, ui: &mut Ui, classes: &ClassSet) {
        ui.strong("Under the cursor");
        let reading = self.cursor.and_then(|at| self.document.as_ref()?.reading_at(at));
        let Some(reading) = reading else {
            ui.weak("Point at the picture");
            return;
        };
        for (i, (id, probability)) in reading.best.iter().enumerate() {
            let text = format!("{:>5.1} %  {}", probability * 100.0, classes.label(*id));
            let text = RichText::new(text).monospace();
            ui.add(egui::Label::new(if i == 0 { text.strong() } else { text.weak() }).truncate());
        }
        ui.weak(format!("x {}, y {}", reading.x, reading.y));
    }
}
