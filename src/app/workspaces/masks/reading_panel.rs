//! What is known of the pixel under the cursor, or of the pinned one.

use egui::{Label, Layout, RichText, Ui};

use crate::app::command::Command;
use crate::app::workspaces::Ctx;

/// Rows of a full reading. The panel keeps their height, so that nothing jumps when the cursor leaves the picture.
const ROWS: f32 = 5.0;

/// Draws it.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx) {
    let pin = ctx.state.canvas.pin;
    let height = ROWS * (ui.text_style_height(&egui::TextStyle::Body) + ui.spacing().item_spacing.y) + 4.0;
    ui.set_min_height(height);
    ui.set_max_height(height);
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        ui.strong(if pin.is_some() { "Pinned" } else { "Under the cursor" });
        ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
            for (command, title) in [(Command::UnpinReading, "Unpin"), (Command::CopyReading, "Copy")] {
                if ctx.commands.enabled(command) && (pin.is_some() || command == Command::UnpinReading) {
                    let button = ui.small_button(title).accessible_name(command.title());
                    if button.on_hover_text(command.tooltip(ui)).clicked() {
                        ctx.perform(command);
                    }
                }
            }
        });
    });
    let reading = super::reading(ctx).zip(ctx.state.library.models.used());
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
