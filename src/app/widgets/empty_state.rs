//! What an empty page says: an icon, a title, and a sentence, in the middle.

use egui::{Align, FontId, Layout, RichText, Ui, UiBuilder, vec2};

use crate::app::theme::{Icon, Tokens, title};

/// Width of the text at most, and size of the icon, in points.
const WIDTH: f32 = 420.0;
const ICON: f32 = 36.0;

/// Height of icon and title with the gaps below them, and of the sentence, in points.
const HEIGHT: f32 = 150.0;

/// Draws an empty page.
pub(in crate::app) fn empty_state(ui: &mut Ui, icon: Icon, name: &str, sentence: &str) {
    let room = ui.available_rect_before_wrap();
    let size = vec2(WIDTH.min(room.width() - 24.0), HEIGHT.min(room.height()));
    let middle = egui::Rect::from_center_size(room.center(), size);
    let tokens = Tokens::of(ui);
    let mut ui = ui.new_child(
        UiBuilder::new()
            .max_rect(middle)
            .layout(Layout::top_down(Align::Center)),
    );
    ui.label(
        RichText::new(icon.unicode())
            .font(FontId::proportional(ICON))
            .color(tokens.faint),
    );
    ui.add_space(8.0);
    ui.label(title(name));
    ui.label(RichText::new(sentence).color(tokens.second));
}
