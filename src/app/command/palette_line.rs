//! One line of the command palette.

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{Color32, FontId, Response, Role, Sense, Stroke, TextStyle, TextWrapMode, Ui, WidgetInfo, pos2, vec2};

use super::palette::PaletteChoice;
use super::palette_match::Match;

/// The contents of a line, and what choosing it does.
pub(super) struct PaletteLine<'a> {
    pub(super) title: &'a str,
    pub(super) section: &'a str,
    /// Its key, such as "Ctrl+O"; empty without one.
    pub(super) keys: String,
    /// Whether it can be chosen now.
    pub(super) enabled: bool,
    pub(super) choice: PaletteChoice,
}

impl PaletteLine<'_> {
    /// Draws the title with the typed letters emphasised, the section and the keys, `height` points high.
    ///
    /// The line can be clicked but never takes the focus from the text field.
    pub(super) fn show(&self, ui: &mut Ui, height: f32, found: &Match, selected: bool) -> Response {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::CLICK);
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, self.enabled, selected, self.title));
        let visuals = ui.visuals();
        let colors = if selected {
            [visuals.selection.stroke.color; 3]
        } else {
            [
                visuals.text_color(),
                visuals.strong_text_color(),
                visuals.weak_text_color(),
            ]
        };
        let [plain, strong, weak] = colors.map(|color| if self.enabled { color } else { visuals.disable(color) });
        if selected {
            ui.painter().rect_filled(rect, 4.0, visuals.selection.bg_fill);
        }
        let font = TextStyle::Body.resolve(ui.style());
        let inner = rect.shrink2(vec2(8.0, 0.0));
        let keys = ui.painter().layout_no_wrap(self.keys.clone(), font.clone(), weak);
        let keys_left = inner.right() - keys.size().x;
        let mut text = self.title_job(&font, found, plain, strong);
        text.append(self.section, 12.0, TextFormat::simple(font, weak));
        let width = (keys_left - inner.left() - 12.0).max(40.0);
        text.wrap = TextWrapping::from_wrap_mode_and_width(TextWrapMode::Truncate, width);
        let text = ui.painter().layout_job(text);
        for (galley, left) in [(text, inner.left()), (keys, keys_left)] {
            let top = inner.center().y - galley.size().y / 2.0;
            ui.painter().galley(pos2(left, top), galley, plain);
        }
        response
    }

    fn title_job(&self, font: &FontId, found: &Match, plain: Color32, strong: Color32) -> LayoutJob {
        let mut text = LayoutJob::default();
        for (at, character) in self.title.chars().enumerate() {
            let typed = found.title_characters.binary_search(&at).is_ok();
            let mut format = TextFormat::simple(font.clone(), if typed { strong } else { plain });
            if typed {
                format.underline = Stroke::new(1.5, strong);
            }
            text.append(character.encode_utf8(&mut [0; 4]), 0.0, format);
        }
        text
    }
}
