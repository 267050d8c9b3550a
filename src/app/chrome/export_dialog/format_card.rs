//! Cards of what can be exported.

use egui::{
    Align, Align2, FontId, Label, Layout, Rect, Response, RichText, Role, Sense, Stroke, StrokeKind, TextureHandle, Ui,
    UiBuilder, WidgetInfo, pos2, vec2,
};

use super::ExportDialog;
use super::view::paint_fitted;
use crate::app::chrome::format_choice::toggle_format;
use crate::app::theme::{Icon, Tokens, medium, radius, size};
use crate::engine::Export;
use crate::export::Format;

/// Height of a card, and space between cards.
const CARD: f32 = 52.0;
const GAP: f32 = 8.0;

/// What a card says and shows.
pub(super) struct FormatCard<'a> {
    /// In place of the image, while there is none.
    pub(super) icon: Option<Icon>,
    pub(super) texture: Option<&'a TextureHandle>,
    pub(super) title: &'a str,
    pub(super) below: &'a str,
    pub(super) hint: &'a str,
}

impl FormatCard<'_> {
    /// Draws cards two by two; a click changes its choice.
    pub(super) fn two_by_two(ui: &mut Ui, mut cards: Vec<(FormatCard, &mut bool)>) {
        let width = ((ui.available_width() - GAP) / 2.0).floor();
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing = vec2(GAP, GAP);
            for pair in cards.chunks_mut(2) {
                ui.horizontal(|ui| {
                    for (card, on) in pair {
                        if card.show(ui, **on, width).clicked() {
                            **on = !**on;
                        }
                    }
                });
            }
        });
    }

    fn show(&self, ui: &mut Ui, on: bool, width: f32) -> Response {
        let (rect, response) = ui.allocate_exact_size(vec2(width, CARD), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, self.title));
        let tokens = Tokens::of(ui);
        let (fill, edge) = match (on, response.hovered()) {
            (true, _) => (tokens.selection, Stroke::new(1.0, tokens.accent_line)),
            (false, true) => (tokens.hover, Stroke::NONE),
            (false, false) => (tokens.raised, Stroke::NONE),
        };
        let edge = if response.has_focus() {
            Stroke::new(1.5, tokens.accent_line)
        } else {
            edge
        };
        ui.painter().rect(rect, radius::CARD, fill, edge, StrokeKind::Inside);
        let image = Rect::from_min_size(rect.min + vec2(8.0, 8.0), vec2(56.0, CARD - 16.0));
        ui.painter().rect_filled(image, radius::SMALL, tokens.canvas);
        match (self.texture, self.icon) {
            (Some(texture), _) => paint_fitted(ui, texture, image),
            (None, Some(icon)) => {
                let font = FontId::proportional(18.0);
                let (at, icon) = (image.center(), icon.unicode());
                ui.painter().text(at, Align2::CENTER_CENTER, icon, font, tokens.second);
            }
            (None, None) => {}
        }
        let left = image.right() + 10.0;
        let inside = Rect::from_min_max(pos2(left, rect.top() + 9.0), rect.max - vec2(26.0, 0.0));
        let mut text = ui.new_child(
            UiBuilder::new()
                .max_rect(inside)
                .layout(Layout::top_down(Align::Min))
                .id_salt(("format", self.title)),
        );
        text.spacing_mut().item_spacing.y = 2.0;
        let flat = |text: RichText| Label::new(text).truncate().selectable(false);
        text.add(flat(medium(self.title)));
        text.add(flat(RichText::new(self.below).size(size::SMALL).color(tokens.second)));
        if on {
            let at = rect.right_top() + vec2(-14.0, 14.0);
            let font = FontId::proportional(15.0);
            let mark = Icon::Check.unicode();
            ui.painter()
                .text(at, Align2::CENTER_CENTER, mark, font, tokens.accent_line);
        }
        response.on_hover_text(self.hint)
    }
}

impl ExportDialog {
    /// Draws a card for each format of masks.
    pub(super) fn format_cards(&mut self, ui: &mut Ui) {
        let mut chosen = Format::ALL.map(|format| self.options.formats.contains(&format));
        let before = chosen;
        let is_edited = matches!(self.subject, Some(Export::Labels(_)));
        let formats = Format::ALL.into_iter().zip(&mut chosen);
        // Labels that were edited have no confidence.
        let formats = formats.filter(|(format, _)| !(is_edited && *format == Format::Confidence));
        let cards = formats.map(|(format, on)| {
            let card = FormatCard {
                icon: None,
                texture: self.previews.card(format),
                title: format.title(),
                below: format.content(),
                hint: format.explanation(),
            };
            (card, on)
        });
        FormatCard::two_by_two(ui, cards.collect());
        for (format, _) in Format::ALL
            .into_iter()
            .zip(before.iter().zip(&chosen))
            .filter(|(_, (before, now))| before != now)
        {
            toggle_format(&mut self.options.formats, format);
        }
    }
}
