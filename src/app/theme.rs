//! Colours and spacing of the window, for both themes. Class colours are data and do not depend on the theme.

use egui::{
    Color32, Context, CornerRadius, FontId, Margin, Spacing, Stroke, Style, TextStyle, Theme, ThemePreference, Visuals,
    vec2,
};

/// The colours of a theme, by purpose. The tests below require a contrast of 4.5:1 for text on every background, and of
/// 3:1 for the focus, as WCAG 2.1 does.
struct Colors {
    /// Text of labels.
    text: Color32,
    /// Titles and text under the cursor.
    strong: Color32,
    /// Hints, keys and units.
    weak: Color32,
    link: Color32,
    warning: Color32,
    error: Color32,
    /// Panels, with the canvas between them.
    panel: Color32,
    /// Windows, menus and messages, which are drawn above panels.
    window: Color32,
    /// Text fields, lists and plots.
    field: Color32,
    /// Every other row.
    stripe: Color32,
    /// Separators and edges of windows.
    line: Color32,
    /// Buttons at rest, hovered and pressed.
    button: [Color32; 3],
    /// Edge of the hovered widget.
    hover_edge: Color32,
    selected: Color32,
    selected_text: Color32,
    /// Edge of the widget with the keyboard focus.
    focus: Color32,
}

const DARK: Colors = Colors {
    text: Color32::from_gray(212),
    strong: Color32::from_gray(250),
    weak: Color32::from_gray(178),
    link: Color32::from_rgb(125, 190, 255),
    warning: Color32::from_rgb(255, 184, 92),
    error: Color32::from_rgb(255, 146, 136),
    panel: Color32::from_gray(25),
    window: Color32::from_gray(32),
    field: Color32::from_gray(14),
    stripe: Color32::from_gray(30),
    line: Color32::from_gray(62),
    button: [Color32::from_gray(48), Color32::from_gray(60), Color32::from_gray(40)],
    hover_edge: Color32::from_gray(130),
    selected: Color32::from_rgb(0, 84, 122),
    selected_text: Color32::from_rgb(220, 238, 255),
    focus: Color32::from_rgb(120, 190, 255),
};

const LIGHT: Colors = Colors {
    text: Color32::from_gray(42),
    strong: Color32::from_gray(0),
    weak: Color32::from_gray(84),
    link: Color32::from_rgb(0, 84, 168),
    warning: Color32::from_rgb(122, 68, 0),
    error: Color32::from_rgb(168, 18, 18),
    panel: Color32::from_gray(245),
    window: Color32::from_gray(250),
    field: Color32::from_gray(255),
    stripe: Color32::from_gray(238),
    line: Color32::from_gray(190),
    button: [
        Color32::from_gray(228),
        Color32::from_gray(216),
        Color32::from_gray(206),
    ],
    hover_edge: Color32::from_gray(110),
    selected: Color32::from_rgb(168, 212, 250),
    selected_text: Color32::from_rgb(0, 52, 92),
    focus: Color32::from_rgb(0, 92, 190),
};

/// Width of the edge of the focused widget, in points.
const FOCUS_WIDTH: f32 = 2.0;

/// Applies a theme and a scale of the interface, 1 for the system's size. Cheap enough for every change of a setting,
/// not for every frame.
pub(super) fn apply(context: &Context, preference: ThemePreference, scale: f32) {
    context.set_theme(preference);
    context.set_zoom_factor(scale);
    // The program has commands for this, which change a setting.
    context.options_mut(|options| options.zoom_with_keyboard = false);
    for (theme, colors) in [(Theme::Dark, &DARK), (Theme::Light, &LIGHT)] {
        context.style_mut_of(theme, |style| set_style(style, colors));
    }
}

/// The background of the canvas: neutral, and neither so light nor so dark that the image seems to change.
pub(super) fn canvas(visuals: &Visuals) -> Color32 {
    Color32::from_gray(if visuals.dark_mode { 14 } else { 206 })
}

fn set_style(style: &mut Style, colors: &Colors) {
    set_visuals(&mut style.visuals, colors);
    // egui's 9 points are hard to read.
    style.text_styles.insert(TextStyle::Small, FontId::proportional(11.0));
    // Scroll bars beside the content, not over it.
    let scroll = egui::style::ScrollStyle {
        floating_allocated_width: 8.0,
        ..style.spacing.scroll
    };
    style.spacing = Spacing {
        scroll,
        item_spacing: vec2(8.0, 6.0),
        button_padding: vec2(8.0, 3.0),
        interact_size: vec2(40.0, 22.0),
        menu_margin: Margin::same(8),
        window_margin: Margin::same(10),
        icon_width: 16.0,
        icon_width_inner: 9.0,
        icon_spacing: 6.0,
        ..style.spacing.clone()
    };
}

fn set_visuals(visuals: &mut Visuals, colors: &Colors) {
    let [rest, hovered, pressed] = colors.button;
    let corner = CornerRadius::same(4);

    let widgets = &mut visuals.widgets;
    for widget in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        widget.corner_radius = corner;
    }
    let fill = |widget: &mut egui::style::WidgetVisuals, color| {
        widget.bg_fill = color;
        widget.weak_bg_fill = color;
    };
    fill(&mut widgets.noninteractive, colors.panel);
    fill(&mut widgets.inactive, rest);
    fill(&mut widgets.hovered, hovered);
    fill(&mut widgets.active, pressed);
    fill(&mut widgets.open, hovered);
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, colors.line);
    widgets.noninteractive.fg_stroke.color = colors.text;
    widgets.inactive.fg_stroke.color = colors.text;
    widgets.hovered.bg_stroke = Stroke::new(1.0, colors.hover_edge);
    widgets.hovered.fg_stroke.color = colors.strong;
    // egui draws the focused widget like a pressed one.
    widgets.active.bg_stroke = Stroke::new(FOCUS_WIDTH, colors.focus);
    widgets.active.fg_stroke.color = colors.strong;
    widgets.open.bg_stroke = Stroke::new(1.0, colors.line);
    widgets.open.fg_stroke.color = colors.strong;

    visuals.selection.bg_fill = colors.selected;
    // Also the edge of a focused text field.
    visuals.selection.stroke = Stroke::new(FOCUS_WIDTH, colors.selected_text);
    visuals.text_cursor.stroke = Stroke::new(FOCUS_WIDTH, colors.focus);

    visuals.weak_text_color = Some(colors.weak);
    visuals.hyperlink_color = colors.link;
    visuals.warn_fg_color = colors.warning;
    visuals.error_fg_color = colors.error;
    visuals.panel_fill = colors.panel;
    visuals.window_fill = colors.window;
    visuals.window_stroke = Stroke::new(1.0, colors.line);
    visuals.extreme_bg_color = colors.field;
    visuals.faint_bg_color = colors.stripe;
    visuals.code_bg_color = rest;
    visuals.window_corner_radius = CornerRadius::same(6);
    visuals.menu_corner_radius = CornerRadius::same(6);
}

#[cfg(test)]
mod tests {
    use egui::{Color32, Context, Theme, ThemePreference, Visuals};

    use super::apply;

    fn visuals(theme: Theme) -> Visuals {
        let context = Context::default();
        apply(&context, ThemePreference::Dark, 1.0);
        context.style_of(theme).visuals.clone()
    }

    /// Relative luminance of an opaque sRGB colour, as WCAG 2.1 defines it.
    fn luminance(color: Color32) -> f64 {
        assert_eq!(color.a(), 255, "{color:?} is not opaque");
        let [r, g, b] = [color.r(), color.g(), color.b()].map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.03928 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// The backgrounds of text: panels, windows, fields, stripes, and buttons at rest, hovered, pressed and open.
    fn backgrounds(visuals: &Visuals) -> Vec<Color32> {
        let widgets = &visuals.widgets;
        let mut all = vec![
            visuals.panel_fill,
            visuals.window_fill,
            visuals.extreme_bg_color,
            visuals.faint_bg_color,
            visuals.code_bg_color,
        ];
        for widget in [&widgets.inactive, &widgets.hovered, &widgets.active, &widgets.open] {
            all.extend([widget.bg_fill, widget.weak_bg_fill]);
        }
        all
    }

    #[test]
    fn contrast_matches_wcag() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-9);
        // The standard example of a grey that just passes on white.
        assert!((contrast(Color32::from_gray(0x76), Color32::WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn all_text_has_enough_contrast() {
        for theme in [Theme::Dark, Theme::Light] {
            let visuals = visuals(theme);
            let widgets = &visuals.widgets;
            let texts = [
                ("text", visuals.text_color()),
                ("weak text", visuals.weak_text_color()),
                ("strong text", visuals.strong_text_color()),
                ("link", visuals.hyperlink_color),
                ("warning", visuals.warn_fg_color),
                ("error", visuals.error_fg_color),
                ("button", widgets.inactive.text_color()),
                ("hovered button", widgets.hovered.text_color()),
                ("pressed button", widgets.active.text_color()),
                ("open menu", widgets.open.text_color()),
            ];
            for (name, text) in texts {
                for background in backgrounds(&visuals) {
                    let ratio = contrast(text, background);
                    assert!(
                        ratio >= 4.5,
                        "{theme:?}: {name} {text:?} on {background:?} is {ratio:.2}:1"
                    );
                }
            }
            // Selected text, and the text of a progress bar, half of which is drawn on the field.
            let selected = visuals.selection.stroke.color;
            for background in [visuals.selection.bg_fill, visuals.extreme_bg_color] {
                let ratio = contrast(selected, background);
                assert!(
                    ratio >= 4.5,
                    "{theme:?}: selected text on {background:?} is {ratio:.2}:1"
                );
            }
        }
    }

    #[test]
    fn focus_is_visible_on_every_background() {
        for theme in [Theme::Dark, Theme::Light] {
            let visuals = visuals(theme);
            let focus = visuals.widgets.active.bg_stroke;
            assert!(focus.width >= 2.0 && visuals.selection.stroke.width >= 2.0);
            for background in backgrounds(&visuals).into_iter().chain([visuals.selection.bg_fill]) {
                let ratio = contrast(focus.color, background);
                assert!(ratio >= 3.0, "{theme:?}: focus on {background:?} is {ratio:.2}:1");
            }
            assert_ne!(focus, visuals.widgets.hovered.bg_stroke);
        }
    }

    #[test]
    fn applying_is_idempotent() {
        let context = Context::default();
        apply(&context, ThemePreference::Light, 1.0);
        let once = context.style_of(Theme::Light);
        apply(&context, ThemePreference::Light, 1.0);
        assert_eq!(once, context.style_of(Theme::Light));
        assert!(!context.options(|options| options.zoom_with_keyboard));
    }
}
