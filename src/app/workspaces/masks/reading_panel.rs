//! The reading of the pixel under the cursor, or of the pinned pixel.

use egui::{Label, Layout, RichText, Ui};

use crate::app::command::Command;
use crate::app::workspaces::Ctx;

/// Rows of a full reading. The panel always has their height, so that nothing moves when the cursor leaves the image.
const ROWS: f32 = 5.0;

/// Draws the reading.
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
        ui.weak("Point at the photo to read it. Click to pin.");
        return;
    };
    for (i, (id, probability)) in reading.best.iter().enumerate() {
        let text = format!("{:>5.1} %  {}", probability * 100.0, model.classes.label(*id));
        let text = RichText::new(text).monospace();
        ui.add(Label::new(if i == 0 { text.strong() } else { text.weak() }).truncate());
    }
    let [x, y] = reading.pixel;
    let margin = reading.margin().zip(reading.best.get(1));
    let margin = margin.map_or_else(String::new, |(margin, (second, _))| {
        format!(
            ", {:.1} points ahead of {}",
            margin * 100.0,
            model.classes.label(*second)
        )
    });
    ui.add(Label::new(RichText::new(format!("x {x}, y {y}{margin}")).weak()).truncate())
        .on_hover_text("Probability of the best class minus that of the second, in percentage points");
}
