//! Cards: a choice with an icon and a second line.

use egui::{Align2, FontId, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::app::theme::{Icon, Tokens, medium, radius, size};

/// What a card says.
pub(in crate::app) struct Card<'a> {
    pub(in crate::app) icon: Icon,
    pub(in crate::app) title: &'a str,
    pub(in crate::app) below: &'a str,
    pub(in crate::app) chosen: bool,
}

/// Height of a card, in points.
const HEIGHT: f32 = 48.0;

impl Card<'_> {
    /// Draws the card.
    pub(in crate::app) fn show(&self, ui: &mut Ui, width: f32) -> Response {
        let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click());
        let enabled = ui.is_enabled();
        response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, self.chosen, self.title));
        let tokens = Tokens::of(ui);
        let (fill, edge) = match (self.chosen, response.hovered() && enabled) {
            (true, _) => (tokens.selection, Stroke::new(1.0, tokens.accent_line)),
            (false, true) => (tokens.hover, Stroke::NONE),
            (false, false) => (tokens.raised, Stroke::NONE),
        };
        let edge = match response.has_focus() {
            true => Stroke::new(1.5, tokens.accent_line),
            false => edge,
        };
        let painter = ui.painter_at(rect);
        painter.rect(rect, radius::CARD, fill, edge, StrokeKind::Inside);
        let [color, second] = match enabled {
            true => [tokens.text, tokens.second],
            false => [tokens.faint; 2],
        };
        let left = rect.left() + 10.0;
        let icon = FontId::proportional(16.0);
        let at = pos2(left, rect.top() + 14.5);
        painter.text(at, Align2::LEFT_CENTER, self.icon.unicode(), icon, color);
        let title = egui::WidgetText::from(medium(self.title).color(color));
        let room = rect.right() - left - 28.0;
        let mode = Some(egui::TextWrapMode::Truncate);
        let title = title.into_galley(ui, mode, room, egui::TextStyle::Body);
        let height = title.size().y;
        painter.galley(pos2(left + 24.0, rect.top() + 16.0 - 0.5 * height), title, color);
        let at = pos2(left, rect.bottom() - 13.0);
        let small = FontId::proportional(size::SMALL);
        painter.text(at, Align2::LEFT_CENTER, self.below, small, second);
        response
    }
}

/// Draws cards two by two. Returns the response of each.
pub(in crate::app) fn cards(ui: &mut Ui, cards: &[(Card, bool)]) -> Vec<Response> {
    const GAP: f32 = 8.0;
    let width = ((ui.available_width() - GAP) / 2.0).floor();
    let mut responses = Vec::with_capacity(cards.len());
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = Vec2::splat(GAP);
        for pair in cards.chunks(2) {
            ui.horizontal(|ui| {
                for (card, enabled) in pair {
                    let shown = ui.add_enabled_ui(*enabled, |ui| card.show(ui, width));
                    responses.push(shown.inner);
                }
            });
        }
    });
    responses
}
