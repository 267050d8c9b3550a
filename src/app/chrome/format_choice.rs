//! The box of an export format, wherever formats are chosen.

use egui::Ui;

use crate::export::Format;

/// Draws the box of one format, which adds it to `formats` or takes it away.
pub(in crate::app) fn choose_format(ui: &mut Ui, formats: &mut Vec<Format>, format: Format) {
    let mut on = formats.contains(&format);
    let choice = ui.checkbox(&mut on, format.title());
    if choice.on_hover_text(format.explanation()).changed() {
        formats.retain(|other| *other != format);
        if on {
            formats.push(format);
        }
        // In the order in which they are offered, so that off and on again is no change.
        formats.sort_by_key(|f| Format::ALL.iter().position(|other| other == f));
    }
}
