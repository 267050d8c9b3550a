//! Colours of the chrome, for both themes. Class colours are data and belong to no theme.

use egui::{Color32, Context, Theme};

/// Text and weak text with a contrast of at least 4.5:1 against panels; egui's own weak text falls below it.
pub(super) fn set_up(context: &Context) {
    for (theme, text, weak) in [(Theme::Dark, 205, 160), (Theme::Light, 40, 95)] {
        context.style_mut_of(theme, |style| {
            style.visuals.widgets.noninteractive.fg_stroke.color = Color32::from_gray(text);
            style.visuals.weak_text_color = Some(Color32::from_gray(weak));
            if theme == Theme::Dark {
                style.visuals.error_fg_color = Color32::from_rgb(255, 120, 110);
            }
        });
    }
}
