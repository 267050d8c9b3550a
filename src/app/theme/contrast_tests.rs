//! Contrast of text, edges and marks in both themes.

use egui::{Color32, Context, Theme, ThemePreference, Visuals};

use super::apply;
use super::data_color;
use super::tokens::{DARK, LIGHT};

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
    assert!((contrast(data_color([0x76; 3]), Color32::WHITE) - 4.54).abs() < 0.01);
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
    }
}

#[test]
fn colours_by_purpose_have_enough_contrast() {
    for (theme, t) in [("dark", &DARK), ("light", &LIGHT)] {
        let text = [
            (
                "text",
                t.text,
                &[t.panel, t.raised, t.hover, t.selection, t.warning_strip][..],
            ),
            ("second", t.second, &[t.panel, t.raised, t.hover, t.selection]),
            ("faint", t.faint, &[t.panel, t.raised]),
            ("text on the accent", t.on_accent, &[t.accent]),
            ("accent line", t.accent_line, &[t.panel, t.raised, t.selection]),
            ("good", t.good, &[t.panel, t.selection]),
            ("warning", t.warning, &[t.panel, t.warning_strip]),
            ("text that warns", t.text, &[t.warning_strip]),
            ("error", t.error, &[t.panel, t.raised]),
        ];
        for (name, color, backgrounds) in text {
            for background in backgrounds {
                let ratio = contrast(color, *background);
                assert!(ratio >= 4.5, "{theme}: {name} on {background:?} is {ratio:.2}:1");
            }
        }
        for (name, color, background) in [
            ("edge of a control", t.control, t.panel),
            ("edge of a control", t.control, t.raised),
            ("accent", t.accent, t.panel),
            ("edge of what is selected", t.accent_line, t.panel),
            ("focus on the canvas", t.accent_line, t.canvas),
            ("filled part of a slider", t.second, t.panel),
        ] {
            let ratio = contrast(color, background);
            assert!(ratio >= 3.0, "{theme}: {name} on {background:?} is {ratio:.2}:1");
        }
    }
}

#[test]
fn focus_is_visible_on_every_background() {
    for theme in [Theme::Dark, Theme::Light] {
        let visuals = visuals(theme);
        let focus = visuals.widgets.active.bg_stroke;
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
