//! What is known of the pixel under the cursor, or of the pinned one.

use egui::{Label, Layout, RichText, Ui};

use super::super::App;
use super::super::command::Command;
use crate::labels::ClassSet;

/// What is known about one pixel.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) struct Reading {
    pub(in crate::app) pixel: [usize; 2],
    /// Colour of the photo there.
    pub(in crate::app) color: [u8; 3],
    /// Class ids and probabilities, best first; at most three.
    pub(in crate::app) best: Vec<(u16, f32)>,
}

impl Reading {
    /// Probability of the best class less that of the second.
    fn margin(&self) -> Option<f32> {
        let second = self.best.get(1).map_or(0.0, |b| b.1);
        self.best.first().map(|b| b.1 - second)
    }

    /// All of it as text, for the clipboard.
    pub(in crate::app) fn text(&self, picture: &str, classes: &ClassSet) -> String {
        let [x, y] = self.pixel;
        let [r, g, b] = self.color;
        let mut text = format!("{picture}\nx {x}, y {y}\nred {r}, green {g}, blue {b}\n");
        for (id, probability) in &self.best {
            text += &format!("{}: {:.1} %\n", classes.label(*id), probability * 100.0);
        }
        if let Some(margin) = self.margin() {
            text += &format!("margin: {:.1} %\n", margin * 100.0);
        }
        text
    }
}

/// Rows of a full reading. The panel keeps their height, so that nothing jumps when the cursor leaves the picture.
const ROWS: f32 = 5.0;

impl App {
    /// The pinned reading, else the one under the cursor.
    pub(in crate::app) fn reading(&self) -> Option<Reading> {
        self.document.as_ref()?.reading_at(self.pin.or(self.cursor)?)
    }

    pub(super) fn reading_panel(&self, ui: &mut Ui, asked: &mut Vec<Command>) {
        let height = ROWS * (ui.text_style_height(&egui::TextStyle::Body) + ui.spacing().item_spacing.y) + 4.0;
        ui.set_min_height(height);
        ui.set_max_height(height);
        ui.add_space(2.0);
        ui.horizontal(|ui| {
            ui.strong(if self.pin.is_some() {
                "Pinned"
            } else {
                "Under the cursor"
            });
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                for (command, title) in [(Command::UnpinReading, "Unpin"), (Command::CopyReading, "Copy")] {
                    if self.enabled(command) && (self.pin.is_some() || command == Command::UnpinReading) {
                        let button = ui.small_button(title).accessible_name(command.title());
                        if button.on_hover_text(command.tooltip(ui)).clicked() {
                            asked.push(command);
                        }
                    }
                }
            });
        });
        let reading = self.reading().zip(self.model.as_ref());
        let Some((reading, model)) = reading else {
            ui.weak("Point at the picture; a click pins");
            return;
        };
        for (i, (id, probability)) in reading.best.iter().enumerate() {
            let text = format!("{:>5.1} %  {}", probability * 100.0, model.classes.label(*id));
            let text = RichText::new(text).monospace();
            ui.add(Label::new(if i == 0 { text.strong() } else { text.weak() }).truncate());
        }
        let [x, y] = reading.pixel;
        let margin = reading
            .margin()
            .map_or_else(String::new, |m| format!(", margin {:.1} %", m * 100.0));
        ui.add(Label::new(RichText::new(format!("x {x}, y {y}{margin}")).weak()).truncate())
            .on_hover_text("Margin: probability of the best class less that of the second");
    }
}
