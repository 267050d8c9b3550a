//! How ground truth is read: the user's choices, which override the rules of the data set.

use egui::{CollapsingHeader, TextEdit, Ui};

use super::Evaluate;
use crate::app::action::Action;
use crate::app::widgets::tick;
use crate::app::workspaces::Ctx;
use crate::datasets::TruthChoices;

/// The id of the object in many masks of a single object; elsewhere it means "no class".
const MASK: u16 = 255;

impl Evaluate {
    /// Draws the choices and requests changes; ground truth is then read again wherever it is shown.
    pub(super) fn truth_choices(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let Some(model) = ctx.state.library.models.used() else {
            return;
        };
        let before = &ctx.state.truth;
        let mut choices = before.clone();
        CollapsingHeader::new("How ground truth is read").show(ui, |ui| {
            let usual = model.truth_reader(&TruthChoices::default());
            let reader = model.truth_reader(before);
            let label = ui.label("Ignored ids");
            let text = &mut self.ignored_text;
            let edit = TextEdit::singleline(text).hint_text(listed(usual.ignored()));
            let edit = ui.add(edit).labelled_by(label.id);
            let parsed = ids_of(text);
            if edit
                .on_hover_text("Ids of pixels without a class, such as 11, 255")
                .changed()
                && let Some(ids) = &parsed
            {
                choices.ignored = (!ids.is_empty()).then(|| ids.clone());
            }
            if parsed.is_none() {
                ui.colored_label(
                    ui.visuals().error_fg_color,
                    "Enter ids from 0 to 65535, separated by commas",
                );
            }
            let mut from_one = reader.zero_is_ignored();
            let hint = "Id 0 is ignored, and every other id is one more than its class, as in ADE20K";
            if tick(ui, &mut from_one, "Class ids start at 1")
                .on_hover_text(hint)
                .changed()
            {
                choices.zero_is_ignored = (from_one != usual.zero_is_ignored()).then_some(from_one);
            }
            let mut is_mask = choices.read_as == [(MASK, 1)];
            let hint = "For masks of a single object, which hold only 0 and 255";
            if tick(ui, &mut is_mask, "255 is class 1").on_hover_text(hint).changed() {
                choices.read_as = if is_mask { vec![(MASK, 1)] } else { Vec::new() };
            }
        });
        if self.shown.as_ref().is_some_and(|shown| shown.is_mask) {
            ui.colored_label(
                ui.visuals().warn_fg_color,
                "The ground truth holds only 0 and 255, and 255 is ignored.",
            );
            if ui.button("Read 255 as class 1").clicked() {
                choices.read_as = vec![(MASK, 1)];
            }
        }
        if choices != *before {
            ctx.send(Action::TruthChoices(choices));
        }
    }
}

fn listed(ids: &[u16]) -> String {
    ids.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

/// Parses ids separated by commas: empty for a blank text, `None` if the text contains anything else.
fn ids_of(text: &str) -> Option<Vec<u16>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_parsed_from_text() {
        assert_eq!(ids_of(" 11, 255,"), Some(vec![11, 255]));
        assert_eq!(ids_of("  "), Some(Vec::new()));
        assert_eq!(ids_of("11 255"), None);
        assert_eq!(ids_of("70000"), None);
    }
}
