//! The check box of an export format, for every place where formats are chosen.

use egui::Ui;

use crate::app::widgets::tick;
use crate::export::Format;

/// Draws the check box of a format, which adds it to `formats` or removes it.
pub(in crate::app) fn choose_format(ui: &mut Ui, formats: &mut Vec<Format>, format: Format) {
    let mut on = formats.contains(&format);
    let choice = tick(ui, &mut on, format.title());
    if choice.on_hover_text(format.explanation()).changed() {
        toggle_format(formats, format);
    }
}

/// Adds a format or removes it. Formats have the order in which they are offered, so that switching one off and on again
/// changes nothing.
pub(in crate::app) fn toggle_format(formats: &mut Vec<Format>, format: Format) {
    match formats.contains(&format) {
        true => formats.retain(|other| *other != format),
        false => formats.push(format),
    }
    formats.sort_by_key(|f| Format::ALL.iter().position(|other| other == f));
}
