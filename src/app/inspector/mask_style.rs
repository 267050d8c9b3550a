//! The controls for masks and photo: style, opacity, confidence, palette, brightness.

use egui::{Button, CollapsingHeader, Slider, Ui};

use crate::app::state::{MaskFill, Palette, ViewState};

/// Width of an outline that is switched on without a width, in points.
const USUAL_OUTLINE: f32 = 2.0;

/// Switches outlines on or off.
pub(in crate::app) fn toggle_outline(view: &mut ViewState) {
    view.outline = if view.outline > 0.0 { 0.0 } else { USUAL_OUTLINE };
}

/// Changes how the inside of masks is drawn. Without a fill, the outline is switched on.
pub(in crate::app) fn set_fill(view: &mut ViewState, fill: MaskFill) {
    view.fill = fill;
    if fill == MaskFill::Empty && view.outline == 0.0 {
        view.outline = USUAL_OUTLINE;
    }
}

/// Draws the frequently used controls.
pub(in crate::app) fn masks(ui: &mut Ui, view: &mut ViewState) {
    ui.horizontal(|ui| {
        for (fill, title, hint) in [
            (MaskFill::Fill, "Fill", "Fill the masks"),
            (
                MaskFill::Hatching,
                "Hatch",
                "Stripe the masks, each class in its own direction",
            ),
            (MaskFill::Empty, "None", "Draw only the outlines of the masks"),
        ] {
            let button = Button::selectable(view.fill == fill, title);
            if ui.add(button).accessible_name(hint).on_hover_text(hint).clicked() {
                set_fill(view, fill);
            }
        }
    });
    percent(ui, "Opacity", "Opacity of all masks", &mut view.opacity, 0.0..=1.0);
    row(ui, "Outline", "Width of the outlines; 0 turns them off", |ui| {
        let slider = Slider::new(&mut view.outline, 0.0..=6.0).fixed_decimals(1);
        let slider = slider.custom_formatter(|width, _| outline_text(width));
        ui.add(slider.custom_parser(outline_of))
    });
}

/// The text of an outline's width: `off` or `2 px`.
fn outline_text(width: f64) -> String {
    let tenths = (width * 10.0).round();
    if tenths == 0.0 {
        return "off".into();
    }
    format!("{} px", tenths / 10.0)
}

/// The width that a user types: a number with or without its unit, or `off`.
fn outline_of(text: &str) -> Option<f64> {
    match text.trim().trim_end_matches("px").trim_end() {
        "off" => Some(0.0),
        number => number.parse().ok(),
    }
}

/// Draws the less frequently used controls.
pub(in crate::app) fn more(ui: &mut Ui, view: &mut ViewState) {
    CollapsingHeader::new("Confidence and colours").show(ui, |ui| {
        ui.checkbox(&mut view.fade, "Fade by confidence")
            .on_hover_text("The lower the confidence, the fainter the mask");
        percent(
            ui,
            "Hide below",
            "Do not draw pixels whose class has a lower probability",
            &mut view.threshold,
            0.0..=1.0,
        );
        ui.horizontal_wrapped(|ui| {
            ui.label("Palette");
            for (palette, title, hint) in [
                (Palette::DataSet, "Data set", "The data set's published colours"),
                (
                    Palette::ColorBlindSafe,
                    "Colour-blind safe",
                    "Colours that remain distinct with colour blindness",
                ),
            ] {
                let button = Button::selectable(view.palette == palette, title);
                if ui.add(button).on_hover_text(hint).clicked() {
                    view.palette = palette;
                }
            }
        });
    });
    CollapsingHeader::new("Photo").show(ui, |ui| {
        percent(
            ui,
            "Brightness",
            "Added to the photo, on the screen only",
            &mut view.brightness,
            -1.0..=1.0,
        );
        percent(
            ui,
            "Contrast",
            "Of the photo, on the screen only",
            &mut view.contrast,
            -1.0..=1.0,
        );
        if ui.button("Reset photo").clicked() {
            view.brightness = 0.0;
            view.contrast = 0.0;
        }
    });
}

fn percent(ui: &mut Ui, title: &str, hint: &str, value: &mut f32, range: std::ops::RangeInclusive<f32>) {
    let mut shown = *value * 100.0;
    let range = range.start() * 100.0..=range.end() * 100.0;
    row(ui, title, hint, |ui| {
        let slider = Slider::new(&mut shown, range).suffix(" %").fixed_decimals(0);
        let response = ui.add(slider);
        if response.changed() {
            *value = shown / 100.0;
        }
        response
    });
}

/// Draws a label in its column and a slider beside it.
fn row(ui: &mut Ui, title: &str, hint: &str, add: impl FnOnce(&mut Ui) -> egui::Response) {
    ui.horizontal(|ui| {
        let label = ui
            .allocate_ui_with_layout(
                egui::vec2(74.0, ui.spacing().interact_size.y),
                egui::Layout::left_to_right(egui::Align::Center),
                |ui| {
                    ui.set_min_width(74.0);
                    ui.label(title)
                },
            )
            .inner;
        // The width that remains beside the slider's number.
        ui.spacing_mut().slider_width = (ui.available_width() - 66.0).max(60.0);
        add(ui).labelled_by(label.id).on_hover_text(hint);
    });
}
