//! Sections of panels: a heading, what belongs to it, and a line before the next.

use egui::{Align, CollapsingHeader, Layout, RichText, Ui};

use crate::app::theme::{Tokens, heading, size, space};

/// Draws a heading with a note at its right end.
pub(in crate::app) fn section_head(ui: &mut Ui, title: &str, note: &str) {
    ui.horizontal(|ui| {
        ui.label(heading(title));
        if !note.is_empty() {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let color = Tokens::of(ui).second;
                ui.add(egui::Label::new(RichText::new(note).size(size::SMALL).color(color)).truncate());
            });
        }
    });
    ui.add_space(space::XS);
}

/// Draws the line between two sections.
pub(in crate::app) fn section_line(ui: &mut Ui) {
    ui.add_space(space::S);
    let width = ui.available_width();
    let (rect, _) = ui.allocate_exact_size(egui::vec2(width, 1.0), egui::Sense::hover());
    ui.painter()
        .hline(rect.x_range(), rect.center().y, (1.0, Tokens::of(ui).line));
    ui.add_space(space::S);
}

/// Draws a part of a panel that is folded at first. Returns whether any of it is visible.
pub(in crate::app) fn folded(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) -> bool {
    let shown = CollapsingHeader::new(title).show(ui, content);
    shown.fully_open() || shown.openness > 0.0
}
