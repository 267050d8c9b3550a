//! Buttons of an icon alone, and of the primary action.

use egui::{Align2, Button, FontId, Response, RichText, Role, Sense, Stroke, Ui, Vec2, WidgetInfo};

use crate::app::theme::{ICON, Icon, Tokens, height, medium, radius};

/// A flat square button of an icon, which is called `name` by screen readers; `chosen` marks what is on.
pub(in crate::app) fn icon_button(ui: &mut Ui, icon: Icon, name: &str, side: f32, chosen: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, chosen, name));
    let tokens = Tokens::of(ui);
    let (fill, color) = match (enabled, chosen) {
        (false, _) => (None, tokens.faint),
        (true, true) => (Some(tokens.selection), tokens.accent_line),
        (true, false) if response.hovered() => (Some(tokens.hover), tokens.text),
        (true, false) => (None, tokens.text),
    };
    let edge = match response.has_focus() {
        true => Stroke::new(1.5, tokens.accent_line),
        false => Stroke::NONE,
    };
    let painter = ui.painter();
    painter.rect(
        rect,
        radius::CONTROL,
        fill.unwrap_or_default(),
        edge,
        egui::StrokeKind::Inside,
    );
    let size = ICON.min(side * 0.6);
    // Shifted as much as the font sinks icons beside text.
    let middle = rect.center() - egui::vec2(0.0, 0.12 * size);
    painter.text(
        middle,
        Align2::CENTER_CENTER,
        icon.unicode(),
        FontId::proportional(size),
        color,
    );
    response
}

/// The one filled button of a page.
pub(in crate::app) fn primary_button<'a>(ui: &Ui, icon: Icon, text: &str) -> Button<'a> {
    let tokens = Tokens::of(ui);
    let icon = RichText::new(icon.unicode()).size(16.0).color(tokens.on_accent);
    let button = match text {
        "" => Button::new(icon),
        text => Button::new((icon, medium(text).color(tokens.on_accent))),
    };
    button
        .fill(tokens.accent)
        .corner_radius(radius::CONTROL)
        .min_size(egui::vec2(0.0, height::BUTTON))
}
