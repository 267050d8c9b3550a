//! Looks of the window: sizes and colours of both themes, fonts and icons, and egui's style made of them.

#[cfg(test)]
mod contrast_tests;
mod fonts;
mod over_photo;
mod tokens;

use egui::{
    Color32, Context, CornerRadius, FontId, Margin, Spacing, Stroke, Style, TextStyle, Theme, ThemePreference, Ui,
    Visuals, vec2,
};

pub(super) use fonts::{ICON, figure, heading, medium, title};
pub(super) use lucide_icons::Icon;
pub(super) use over_photo::{CURVES, RIGHT_AND_WRONG, data_color, shade};
pub(super) use tokens::{Tokens, height, radius, size, space};

/// Width of the edge of the focused widget, in points.
const FOCUS_WIDTH: f32 = 1.5;

/// Seconds for which a hovered, selected or opened thing fades.
const MOTION: f32 = 0.08;

/// Installs the fonts, once, before the first frame.
pub(super) fn install_fonts(context: &Context) {
    fonts::install(context);
}

/// Applies a theme and a scale of the interface, 1 for the system's size. Cheap enough for every change of a setting,
/// not for every frame.
pub(super) fn apply(context: &Context, preference: ThemePreference, scale: f32) {
    context.set_theme(preference);
    context.set_zoom_factor(scale);
    // The program has commands for this, which change a setting.
    context.options_mut(|options| options.zoom_with_keyboard = false);
    for (theme, tokens) in [(Theme::Dark, &tokens::DARK), (Theme::Light, &tokens::LIGHT)] {
        context.style_mut_of(theme, |style| set_style(style, tokens));
    }
}

/// Lets things slide and fade, or appear at once.
pub(super) fn set_motion(context: &Context, moves: bool) {
    let time = if moves { MOTION } else { 0.0 };
    context.all_styles_mut(|style| style.animation_time = time);
}

/// The background of the canvas.
pub(super) fn canvas(ui: &Ui) -> Color32 {
    Tokens::of(ui).canvas
}

fn set_style(style: &mut Style, tokens: &Tokens) {
    set_visuals(&mut style.visuals, tokens);
    for (text, font) in [
        (TextStyle::Small, FontId::proportional(size::SMALL)),
        (TextStyle::Body, FontId::proportional(size::BODY)),
        (TextStyle::Button, FontId::proportional(size::BODY)),
        (TextStyle::Heading, FontId::proportional(size::TITLE)),
        (TextStyle::Monospace, FontId::monospace(size::SMALL)),
    ] {
        style.text_styles.insert(text, font);
    }
    // Scroll bars beside the content, not over it.
    let scroll = egui::style::ScrollStyle {
        floating_allocated_width: 8.0,
        ..style.spacing.scroll
    };
    style.spacing = Spacing {
        scroll,
        item_spacing: vec2(space::S, 6.0),
        button_padding: vec2(10.0, 4.0),
        interact_size: vec2(40.0, 26.0),
        menu_margin: Margin::same(8),
        window_margin: Margin::same(14),
        icon_width: 16.0,
        icon_width_inner: 9.0,
        icon_spacing: space::S,
        ..style.spacing.clone()
    };
}

fn set_visuals(visuals: &mut Visuals, tokens: &Tokens) {
    let corner = CornerRadius::same(radius::CONTROL);
    let widgets = &mut visuals.widgets;
    for (widget, fill, text) in [
        (&mut widgets.noninteractive, tokens.panel, tokens.text),
        (&mut widgets.inactive, tokens.raised, tokens.text),
        (&mut widgets.hovered, tokens.hover, tokens.text),
        (&mut widgets.active, tokens.hover, tokens.text),
        (&mut widgets.open, tokens.hover, tokens.text),
    ] {
        widget.corner_radius = corner;
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::NONE;
        widget.fg_stroke.color = text;
        widget.expansion = 0.0;
    }
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, tokens.line);
    // egui draws the focused widget like a pressed one.
    widgets.active.bg_stroke = Stroke::new(FOCUS_WIDTH, tokens.accent_line);

    visuals.selection.bg_fill = tokens.selection;
    // Also the edge of a focused text field.
    visuals.selection.stroke = Stroke::new(FOCUS_WIDTH, tokens.accent_line);
    visuals.text_cursor.stroke = Stroke::new(FOCUS_WIDTH, tokens.accent_line);

    visuals.weak_text_color = Some(tokens.second);
    visuals.hyperlink_color = tokens.accent_line;
    visuals.warn_fg_color = tokens.warning;
    visuals.error_fg_color = tokens.error;
    visuals.panel_fill = tokens.panel;
    visuals.window_fill = tokens.floating;
    visuals.window_stroke = Stroke::new(1.0, tokens.line);
    visuals.window_shadow = tokens.shadow();
    visuals.popup_shadow = tokens.shadow();
    visuals.extreme_bg_color = tokens.raised;
    visuals.faint_bg_color = tokens.raised;
    visuals.code_bg_color = tokens.raised;
    visuals.slider_trailing_fill = true;
    visuals.window_corner_radius = CornerRadius::same(radius::FLOATING);
    visuals.menu_corner_radius = CornerRadius::same(radius::CARD);
}
