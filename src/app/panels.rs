//! Top bar, status bar and the centre.

use std::time::Duration;

use egui::{Button, Ui};

use super::App;
use super::canvas::{self, Content};
use super::command::Command;
use super::overlay::Overlay;
use crate::engine::ModelSource;

impl App {
    /// A button for a command, greyed out while it makes no sense.
    fn command_button(&self, ui: &mut Ui, command: Command, asked: &mut Vec<Command>) {
        let button = ui.add_enabled(self.enabled(command), Button::new(command.title()));
        if button
            .on_hover_text(command.tooltip(ui))
            .on_disabled_hover_text(command.explanation())
            .clicked()
        {
            asked.push(command);
        }
    }

    /// A small button with the name of its command for screen readers.
    fn arrow_button(&self, ui: &mut Ui, arrow: &str, command: Command, asked: &mut Vec<Command>) {
        let button = ui
            .add_enabled(self.enabled(command), Button::new(arrow))
            .accessible_name(command.title());
        if button.on_hover_text(command.tooltip(ui)).clicked() {
            asked.push(command);
        }
    }

    pub(super) fn top_bar(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        ui.add_space(3.0);
        ui.horizontal(|ui| {
            self.command_button(ui, Command::OpenPicture, asked);
            self.model_menu(ui, asked);
            ui.separator();
            self.command_button(ui, Command::Segment, asked);
            self.command_button(ui, Command::Export, asked);
            ui.separator();
            self.command_button(ui, Command::Fit, asked);
            self.command_button(ui, Command::ActualSize, asked);
            if self.pictures.len() > 1 {
                ui.separator();
                self.arrow_button(ui, "<", Command::PreviousPicture, asked);
                let shown = self.document.as_ref().map(|d| &d.photo.source) == self.pictures.get(self.current);
                let note = if shown || self.opening { "" } else { ", not shown" };
                ui.label(format!("{} of {}{note}", self.current + 1, self.pictures.len()));
                self.arrow_button(ui, ">", Command::NextPicture, asked);
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if let Some(document) = &self.document {
                    let name = document.photo.source.name();
                    let (w, h) = (document.photo.photo.width, document.photo.photo.height);
                    // The size first: a long name may be cut, the size may not.
                    ui.label(format!("{w} x {h}"));
                    ui.add(egui::Label::new(&name).truncate()).on_hover_text(&name);
                }
            });
        });
        ui.add_space(2.0);
    }

    fn model_menu(&self, ui: &mut Ui, asked: &mut Vec<Command>) {
        let title = match &self.model {
            Some(model) => format!("Model: {}", model.title),
            None => "Model".into(),
        };
        let menu = ui.menu_button(title, |ui| {
            for command in [
                Command::UseEmbeddedModel,
                Command::OpenModelFolder,
                Command::OpenModelFile,
            ] {
                if ui.button(command.title()).on_hover_text(command.tooltip(ui)).clicked() {
                    asked.push(command);
                    ui.close();
                }
            }
            ui.separator();
            let mut many = self.multi_scale;
            let toggle = ui.checkbox(&mut many, Command::ToggleMultiScale.title());
            if toggle.on_hover_text(Command::ToggleMultiScale.tooltip(ui)).clicked() {
                asked.push(Command::ToggleMultiScale);
                ui.close();
            }
        });
        if let Some(model) = &self.model {
            let source = match &model.source {
                ModelSource::Embedded => "embedded in the program".to_owned(),
                ModelSource::Path(path) => path.display().to_string(),
            };
            let millions = model.parameters as f64 / 1e6;
            let classes = model.classes.len();
            menu.response
                .on_hover_text(format!("{source}\n{millions:.1} million parameters, {classes} classes"));
        }
    }

    pub(super) fn status_bar(&self, ui: &mut Ui, asked: &mut Vec<Command>) {
        ui.horizontal(|ui| {
            if let Some((name, note)) = &self.device {
                let label = ui.label(name);
                if let Some(note) = note {
                    label.on_hover_text(note);
                }
                ui.separator();
            }
            match &self.running {
                Some(running) => {
                    let fraction = running.progress.map_or(0.0, |p| p.fraction);
                    let bar = egui::ProgressBar::new(fraction).desired_width(180.0).show_percentage();
                    ui.add(bar).accessible_name("Progress");
                    if let Some(remaining) = running.progress.and_then(|p| p.remaining) {
                        ui.label(format!("{:.0} s left", remaining.as_secs_f32().ceil()));
                    }
                    if ui
                        .small_button("Cancel")
                        .on_hover_text(Command::Cancel.tooltip(ui))
                        .clicked()
                    {
                        asked.push(Command::Cancel);
                    }
                }
                None => {
                    let result = self.document.as_ref().and_then(|d| d.result.as_ref());
                    if let Some(result) = result {
                        let t = result.prediction.timings;
                        let passes = match result.prediction.fields.len() {
                            1 => String::new(),
                            many => format!(", mean of {many} passes"),
                        };
                        let text = format!("{} in {}{passes}", result.model.title, seconds(t.total()));
                        let [e, d, l] = [t.encode, t.decode, t.labels].map(seconds);
                        ui.label(text)
                            .on_hover_text(format!("encoder {e}, decoder {d}, labels {l}"));
                    } else if self.opening || self.loading_model {
                        ui.weak("Opening");
                    }
                }
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if self.document.is_some() {
                    ui.label(format!("{:.0} %", self.view.zoom() * ui.pixels_per_point() * 100.0));
                }
            });
        });
    }

    pub(super) fn central(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        let Some(document) = &self.document else {
            self.cursor = None;
            ui.vertical_centered(|ui| {
                ui.add_space(ui.available_height() * 0.4);
                ui.heading("No picture yet");
                ui.label("Drop a picture here, or open one.");
                ui.add_space(8.0);
                self.command_button(ui, Command::OpenPicture, asked);
                self.command_button(ui, Command::OpenSample, asked);
            });
            return;
        };
        let overlay = self.overlay_of(document);
        let content = Content {
            size: [document.photo.photo.width, document.photo.photo.height],
            texture: document.texture.as_ref(),
            overlay: overlay.as_deref(),
        };
        self.cursor = canvas::show(ui, &mut self.view, &content);
    }

    /// Builds the overlay for the canvas, when there is something to draw and a way to draw it.
    fn overlay_of(&self, document: &super::Document) -> Option<Box<dyn Fn(egui::Rect, egui::Rect) -> Overlay>> {
        let result = document.result.as_ref()?;
        if !self.show_masks || !self.can_overlay {
            return None;
        }
        let prediction = result.prediction.clone();
        let palette = self.classes.palette(&result.model.classes);
        let (version, opacity) = (document.version, self.opacity);
        Some(Box::new(move |canvas, photo| Overlay {
            prediction: prediction.clone(),
            version,
            palette: palette.clone(),
            opacity,
            canvas,
            photo,
        }))
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
