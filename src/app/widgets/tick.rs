//! A tick box.

use egui::{Checkbox, Response, RichText, Stroke, Ui};

use crate::app::theme::Tokens;

/// Draws a tick box, filled with the accent where it is on.
pub(in crate::app) fn tick(ui: &mut Ui, on: &mut bool, text: &str) -> Response {
    let tokens = Tokens::of(ui);
    let color = if ui.is_enabled() { tokens.text } else { tokens.faint };
    ui.scope(|ui| {
        let widgets = &mut ui.visuals_mut().widgets;
        for widget in [&mut widgets.inactive, &mut widgets.hovered, &mut widgets.active] {
            if *on {
                widget.bg_fill = tokens.accent;
                widget.fg_stroke = Stroke::new(1.5, tokens.on_accent);
            } else {
                widget.bg_fill = tokens.panel;
            }
            if widget.bg_stroke.is_empty() && !*on {
                widget.bg_stroke = Stroke::new(1.5, tokens.control);
            }
        }
        ui.add(Checkbox::new(on, RichText::new(text).color(color)))
    })
    .inner
}
