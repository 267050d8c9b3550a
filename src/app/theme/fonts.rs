//! The typefaces of the window: Inter, and Lucide for icons. System fonts supply what both lack.

use std::sync::Arc;

use egui::{Context, FontData, FontDefinitions, FontFamily, FontTweak, RichText};
use lucide_icons::LUCIDE_FONT_BYTES;

use super::tokens::size;
use crate::export::INTER;

/// Installs the fonts, before those of egui.
pub(super) fn install(context: &Context) {
    let mut fonts = FontDefinitions::default();
    let mut add = |name: &str, bytes: &'static [u8], y_offset_factor: f32| {
        let tweak = FontTweak {
            y_offset_factor,
            ..FontTweak::default()
        };
        let data = FontData::from_static(bytes).tweak(tweak);
        fonts.font_data.insert(name.to_owned(), Arc::new(data));
    };
    add("Inter", INTER, 0.0);
    // An icon is a square as high as the line: beside text it must sink by what is above the capitals.
    add("Lucide", LUCIDE_FONT_BYTES, 0.12);
    let proportional = fonts.families.entry(FontFamily::Proportional).or_default();
    proportional.splice(0..0, ["Inter".to_owned(), "Lucide".to_owned()]);
    context.set_fonts(fonts);
}

/// Text in the weight of names and buttons.
pub(in crate::app) fn medium(text: impl Into<String>) -> RichText {
    RichText::new(text).variation(b"wght", 500.0)
}

/// Text in the weight of headings.
fn semibold(text: impl Into<String>) -> RichText {
    RichText::new(text).variation(b"wght", 600.0)
}

/// The heading of a section of a panel.
pub(in crate::app) fn heading(text: impl Into<String>) -> RichText {
    semibold(text).size(size::BODY).strong()
}

/// The title of a sheet or an empty state.
pub(in crate::app) fn title(text: impl Into<String>) -> RichText {
    semibold(text).size(size::TITLE).strong()
}

/// The one big number of a page.
pub(in crate::app) fn figure(text: impl Into<String>) -> RichText {
    semibold(text).size(size::FIGURE).strong()
}

/// Size of icons: at 18 points their strokes are 1.5 points wide.
pub(in crate::app) const ICON: f32 = 18.0;
