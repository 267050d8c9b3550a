//! How masks and photo are drawn: style, opacity, confidence, palette, brightness.

use egui::{Button, CollapsingHeader, Slider, Ui};

use crate::app::state::{Inside, Palette, ViewState};

/// Width of an outline that was switched on without being told how wide, in points.
const USUAL_OUTLINE: f32 = 2.0;

/// Switches outlines on or off.
pub(in crate::app) fn toggle_outline(view: &mut ViewState) {
    view.outline = if view.outline > 0.0 { 0.0 } else { USUAL_OUTLINE };
}

/// Changes how the inside of masks is drawn. With nothing inside there has to be an outline.
pub(in crate::app) fn set_inside(view: &mut ViewState, inside: Inside) {
    view.inside = inside;
    if inside == Inside::Empty && view.outline == 0.0 {
        view.outline = USUAL_OUTLINE;
    }
}

/// The controls that are used most.
pub(in crate::app) fn masks(ui: &mut Ui, view: &mut ViewState) {
    ui.horizontal(|ui| {
        for (inside, title, hint) in [
            (Inside::Fill, "Fill", "Fill the masks"),
            (
                Inside::Hatching,
                "Hatching",
                "Stripe the masks, each class in its own direction",
            ),
            (Inside::Empty, "Empty", "Draw nothing inside the masks"),
        ] {
            let button = Button::selectable(view.inside == inside, title);
            if ui.add(button).accessible_name(hint).on_hover_text(hint).clicked() {
                set_inside(view, inside);
            }
        }
    });
    percent(ui, "Opacity", "Opacity of all masks", &mut view.opacity, 0.0..=1.0);
    row(ui, "Outline", "Width of the outlines in points; 0 draws none", |ui| {
        ui.add(Slider::new(&mut view.outline, 0.0..=6.0).fixed_decimals(1))
    });
}

/// The controls that are used less.
pub(in crate::app) fn more(ui: &mut Ui, view: &mut ViewState) {
    CollapsingHeader::new("Confidence and colours").show(ui, |ui| {
        ui.checkbox(&mut view.fade, "Fade by confidence")
            .on_hover_text("The less sure the model is, the fainter the mask");
        percent(
            ui,
            "Hide below",
            "Pixels whose class has a smaller probability are not drawn",
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
                    "Colours that stay apart with colour blindness",
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

/// A name in a column of its own and a slider beside it.
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
        // What is left beside the number that a slider shows.
        ui.spacing_mut().slider_width = (ui.available_width() - 66.0).max(60.0);
        add(ui).labelled_by(label.id).on_hover_text(hint);
    });
}
