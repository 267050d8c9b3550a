//! What matters about the image on the canvas, as four cards below it.

use egui::{Rect, RichText, Ui, UiBuilder, vec2};

use super::panel::percent;
use crate::app::theme::{Tokens, heading, radius, size};
use crate::labels::{ClassSet, Confusion};

/// Height of a card, in points.
pub(super) const HEIGHT: f32 = 56.0;

/// Gap between cards, in points.
const GAP: f32 = 8.0;

/// Draws the cards.
pub(super) fn show(ui: &mut Ui, area: Rect, confusion: &Confusion, classes: &ClassSet) {
    let name = |class: usize| classes.label(class as u16);
    let weakest = (0..confusion.classes())
        .filter(|class| confusion.labelled(*class) > 0)
        .filter_map(|class| Some((class, confusion.class(class).iou?)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let mixed = confusion
        .cells()
        .filter(|(truth, predicted, _)| truth != predicted && *predicted < confusion.classes())
        .max_by_key(|(.., pixels)| *pixels);
    let none = || "–".to_owned();
    let facts = [
        ("mIoU, this photo", format!("{} %", percent(confusion.mean_iou()))),
        ("Pixel accuracy", format!("{} %", percent(confusion.pixel_accuracy()))),
        (
            "Weakest class",
            weakest.map_or_else(none, |(class, iou)| format!("{} {:.1} %", name(class), iou * 100.0)),
        ),
        (
            "Largest mix-up",
            mixed.map_or_else(none, |(truth, predicted, _)| {
                format!("{} → {}", name(truth), name(predicted))
            }),
        ),
    ];
    let tokens = Tokens::of(ui);
    let width = (area.width() - 3.0 * GAP) / 4.0;
    for (i, (title, value)) in facts.into_iter().enumerate() {
        let at = area.min + vec2(i as f32 * (width + GAP), 0.0);
        let card = Rect::from_min_size(at, vec2(width, HEIGHT));
        ui.painter().rect_filled(card, radius::CARD, tokens.panel);
        let inside = card.shrink2(vec2(12.0, 9.0));
        let mut ui = ui.new_child(UiBuilder::new().max_rect(inside).id_salt(("fact", i)));
        ui.spacing_mut().item_spacing.y = 3.0;
        let title = RichText::new(title).size(size::SMALL).color(tokens.second);
        ui.add(egui::Label::new(title).truncate());
        ui.add(egui::Label::new(heading(&value)).truncate())
            .on_hover_text(value);
    }
}
