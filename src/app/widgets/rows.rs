//! Rows of panels: a label in its column, and a control in the rest of the width.

use std::ops::RangeInclusive;

use egui::{Align, ComboBox, Layout, Response, RichText, Sense, Slider, Ui, vec2};

use super::segmented::{Segment, segmented};
use crate::app::theme::{Tokens, height};

/// Width of the column of labels, in points.
const LABEL: f32 = 74.0;

/// Width of the value beside a slider with the gap before it, in points: `-100 %` with the margins of its field. With
/// less, the row would be wider than the panel, which would grow with every frame.
const VALUE: f32 = 84.0;

/// Least width of a slider, in points.
const LEAST_SLIDER: f32 = 48.0;

/// Draws a label in its column and a control beside it.
pub(in crate::app) fn labelled(ui: &mut Ui, title: &str, add: impl FnOnce(&mut Ui) -> Response) -> Response {
    ui.horizontal(|ui| {
        let size = vec2(LABEL, height::CONTROL);
        let label = ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(LABEL);
            ui.label(RichText::new(title).color(Tokens::of(ui).second))
        });
        add(ui).labelled_by(label.inner.id)
    })
    .inner
}

/// Draws a slider that fills the row up to its value.
pub(in crate::app) fn slider_row(ui: &mut Ui, title: &str, hint: &str, slider: Slider) -> Response {
    labelled(ui, title, |ui| {
        ui.spacing_mut().slider_width = (ui.available_width() - VALUE).max(LEAST_SLIDER);
        // The filled part of the slider.
        ui.visuals_mut().selection.bg_fill = Tokens::of(ui).second;
        ui.add(slider).on_hover_text(hint)
    })
}

/// Draws a slider of a share, in percent.
pub(in crate::app) fn percent_row(ui: &mut Ui, title: &str, hint: &str, value: &mut f32, range: RangeInclusive<f32>) {
    let mut shown = *value * 100.0;
    let range = range.start() * 100.0..=range.end() * 100.0;
    let slider = Slider::new(&mut shown, range).suffix(" %").max_decimals(1);
    if slider_row(ui, title, hint, slider).changed() {
        *value = shown / 100.0;
    }
}

/// Draws a list of choices that opens, as wide as the row.
pub(in crate::app) fn list_row(ui: &mut Ui, title: &str, shown: String, choices: impl FnOnce(&mut Ui)) -> Response {
    labelled(ui, title, |ui| list(ui, title, shown, choices))
}

/// Draws a list of choices that opens, as wide as the panel, and called `name` by screen readers.
pub(in crate::app) fn wide_list(ui: &mut Ui, name: &str, shown: String, choices: impl FnOnce(&mut Ui)) -> Response {
    list(ui, name, shown, choices).accessible_name(name)
}

fn list(ui: &mut Ui, id: &str, shown: String, choices: impl FnOnce(&mut Ui)) -> Response {
    // Without a limit the list widens the panel by a fraction of a point, which moves the photo.
    let room = (ui.available_width() - 1.0).floor().max(80.0);
    let list = ComboBox::from_id_salt(id).selected_text(shown).width(room - 8.0);
    ui.scope(|ui| {
        ui.set_max_width(room);
        list.truncate().show_ui(ui, choices).response
    })
    .inner
}

/// Draws one of a few choices, each with its title and its hint, in the width that is left. True if it changed.
pub(in crate::app) fn choice<T: Copy + PartialEq>(ui: &mut Ui, value: &mut T, choices: &[(T, &str, &str)]) -> bool {
    choice_of_height(ui, height::BUTTON, value, choices)
}

fn choice_of_height<T: Copy + PartialEq>(ui: &mut Ui, height: f32, value: &mut T, choices: &[(T, &str, &str)]) -> bool {
    let segments: Vec<Segment> = choices
        .iter()
        .map(|(choice, title, _)| Segment {
            icon: None,
            title,
            name: title,
            chosen: value == choice,
            enabled: ui.is_enabled(),
        })
        .collect();
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let widths = vec![1.0; segments.len()];
    let before = *value;
    for (response, (choice, _, hint)) in segmented(ui, rect, &widths, &segments, false).into_iter().zip(choices) {
        if response.on_hover_text(*hint).clicked() {
            *value = *choice;
        }
    }
    *value != before
}

/// Draws [`choice`] behind a label.
pub(in crate::app) fn choice_row<T: Copy + PartialEq>(
    ui: &mut Ui,
    title: &str,
    value: &mut T,
    choices: &[(T, &str, &str)],
) -> bool {
    let mut changed = false;
    labelled(ui, title, |ui| {
        let scope = ui.scope(|ui| changed = choice_of_height(ui, height::CONTROL, value, choices));
        scope.response
    });
    changed
}
