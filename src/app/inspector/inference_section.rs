//! The section "How the model runs": inference settings and class names of the model in use.

use egui::{CollapsingHeader, ComboBox, DragValue, Id, Label, RichText, Ui};

use crate::app::action::Action;
use crate::app::state::{Document, InferenceSettings, MAX_SHORT_SIDE, MAX_WINDOW, least_stride};
use crate::app::widgets::tick;
use crate::app::workspaces::Ctx;
use crate::datasets;
use crate::engine::{ModelInfo, NormalisationChoice, WindowRules};

/// Entry for a class set or normalisation of the file that is not built in.
const FROM_FILE: &str = "From the model's file";

/// Width of the labels, in points.
const NAMES: f32 = 92.0;

/// Draws the section, and sends an action for each finished change.
pub(in crate::app) fn inference_section(ui: &mut Ui, ctx: &Ctx) {
    let Some(model) = ctx.state.library.models.used() else {
        return;
    };
    let current = ctx.state.inference_settings_of(model);
    let changed = current != InferenceSettings::published(model, None);
    let title = if changed {
        "How the model runs (changed)"
    } else {
        "How the model runs"
    };
    let header = CollapsingHeader::new(title).id_salt("inference settings");
    let mut reset = false;
    let edited = header.show(ui, |ui| {
        let edited = edit(ui, model, &current);
        if let Some(windows) = ctx.document().and_then(windows) {
            ui.weak(match windows {
                1 => "The masks come from 1 window".to_owned(),
                more => format!("The masks come from {more} windows"),
            });
        }
        let button = ui.add_enabled(changed, egui::Button::new("Reset to the model's settings"));
        let hint = "Use the settings and class names of the model's file";
        reset = button.on_hover_text(hint).on_disabled_hover_text(hint).clicked();
        edited
    });
    if reset {
        ctx.send(Action::ResetInferenceSettings);
    } else if let Some(edited) = edited.body_returned.flatten() {
        ctx.send(Action::ChangeInferenceSettings(edited));
    }
}

/// Number of windows that the shown result was computed from, over all scales.
fn windows(document: &Document) -> Option<usize> {
    let fields = &document.result.as_ref()?.prediction.fields;
    Some(fields.iter().map(|field| field.columns.len() * field.rows.len()).sum())
}

/// Draws the settings; returns them when a change is finished. A value that is being dragged is not: each step would
/// start a run.
fn edit(ui: &mut Ui, model: &ModelInfo, current: &InferenceSettings) -> Option<InferenceSettings> {
    let draft_id = Id::unique("inference settings draft").with(model.id);
    // Stored with the settings that it started from: if these have changed elsewhere, the draft is dropped.
    let draft: Option<(InferenceSettings, InferenceSettings)> = ui.data(|data| data.get_temp(draft_id));
    let draft = draft.filter(|(begun, _)| begun == current).map(|(_, draft)| draft);
    let mut edited = draft.unwrap_or_else(|| current.clone());
    rows(ui, model, &mut edited);
    edited.keep_possible(model);
    if edited != *current && ui.input(|input| input.pointer.any_down()) {
        ui.data_mut(|data| data.insert_temp(draft_id, (current.clone(), edited)));
        return None;
    }
    ui.data_mut(|data| data.remove::<(InferenceSettings, InferenceSettings)>(draft_id));
    (edited != *current).then_some(edited)
}

fn rows(ui: &mut Ui, model: &ModelInfo, edited: &mut InferenceSettings) {
    let least = model.spec.encoder.multiple();
    class_set(ui, model, &mut edited.class_set);
    let hint = "Side of the square that the network sees at once";
    pixels(ui, "Window", hint, &mut edited.window, least, MAX_WINDOW);
    let hint = "Distance between windows; a smaller stride makes them overlap more, which is better and slower";
    let least = least_stride(model).min(edited.window);
    pixels(ui, "Stride", hint, &mut edited.stride, least, edited.window);
    ui.add_enabled_ui(!edited.full_size, |ui| {
        let hint = "The short side of larger photos is reduced to this";
        pixels(ui, "Short side", hint, &mut edited.short_side, 16, MAX_SHORT_SIDE);
    });
    ui.horizontal(|ui| {
        ui.add_space(NAMES + ui.spacing().item_spacing.x);
        tick(ui, &mut edited.full_size, "Full size")
            .on_hover_text("Do not reduce larger photos; objects that look larger than in training may be missed");
    });
    let hint = "Photos smaller than the window: enlarge them to it, or use a smaller window for them";
    let rules = [
        (WindowRules::Enlarge, "Enlarge".into()),
        (WindowRules::Shrink, "Smaller window".into()),
    ];
    choice(ui, "Small photos", hint, &mut edited.small_images, &rules);
    normalisation(ui, model, &mut edited.normalisation);
    ui.horizontal_wrapped(|ui| {
        tick(ui, &mut edited.several_scales, "Several scales")
            .on_hover_text("Average over six scales: better and many times slower");
        tick(ui, &mut edited.mirrored, "Mirrored")
            .on_hover_text("Average over the mirrored photo too: better and twice as slow");
        tick(ui, &mut edited.refined_edges, "Refined edges")
            .on_hover_text("Let edges of classes follow those of the photo. Scores then count the refined masks.");
    });
}

fn class_set(ui: &mut Ui, model: &ModelInfo, set: &mut Option<String>) {
    let mut others = datasets::fitting(model.own_classes.len());
    let own = match others.iter().position(|other| *other == model.own_classes) {
        Some(built_in) => datasets::title(&others.remove(built_in)),
        None if model.own_classes.guessed => datasets::title(&model.own_classes),
        None => FROM_FILE.into(),
    };
    let mut options = vec![(None, own)];
    options.extend(others.iter().map(|set| (Some(set.name.clone()), datasets::title(set))));
    choice(ui, "Class set", "Names and colours of the classes", set, &options);
}

fn normalisation(ui: &mut Ui, model: &ModelInfo, chosen: &mut Option<NormalisationChoice>) {
    let mut options = NormalisationChoice::ALL
        .map(|choice| (Some(choice), choice.title().to_owned()))
        .to_vec();
    if NormalisationChoice::of(&model.spec.normalisation).is_none() {
        options.insert(0, (None, FROM_FILE.into()));
    }
    let hint = "The mean that is subtracted from the pixels, and the deviation that they are divided by";
    choice(ui, "Normalisation", hint, chosen, &options);
    let values = chosen.map_or(model.spec.normalisation, NormalisationChoice::values);
    let text = format!("Mean {}\nDeviation {}", channels(values.mean), channels(values.std));
    ui.add(Label::new(RichText::new(text).weak()).wrap());
}

/// The values of the three channels, or one number if they are equal.
fn channels(values: [f32; 3]) -> String {
    // Files have them in other units, and the conversion leaves rounding errors.
    let values = values.map(|value| (value * 1e4).round() / 1e4);
    match values {
        [red, green, blue] if red == green && green == blue => format!("{red}"),
        [red, green, blue] => format!("{red}, {green}, {blue}"),
    }
}

/// Draws a row with a number of pixels, which can be dragged, or typed after a click.
fn pixels(ui: &mut Ui, title: &str, hint: &str, value: &mut usize, least: usize, most: usize) {
    row(ui, title, |ui| {
        let field = DragValue::new(value).range(least..=most.max(least)).speed(1.0);
        ui.add(field.suffix(" px").update_while_editing(false))
            .on_hover_text(hint)
    });
}

/// Draws a row with a drop-down list.
fn choice<T: Clone + PartialEq>(ui: &mut Ui, title: &str, hint: &str, value: &mut T, options: &[(T, String)]) {
    let shown = options
        .iter()
        .find(|(option, _)| option == value)
        .map_or("", |(_, text)| text.as_str());
    row(ui, title, |ui| {
        let list = ComboBox::from_id_salt(title)
            .selected_text(shown)
            .width(ui.available_width())
            .truncate();
        let list = list.show_ui(ui, |ui| {
            for (option, text) in options {
                ui.selectable_value(value, option.clone(), text);
            }
        });
        list.response.on_hover_text(hint)
    });
}

/// Draws a label in its column and a control beside it.
fn row(ui: &mut Ui, title: &str, add: impl FnOnce(&mut Ui) -> egui::Response) {
    ui.horizontal(|ui| {
        let size = egui::vec2(NAMES, ui.spacing().interact_size.y);
        let name = ui.allocate_ui_with_layout(size, egui::Layout::left_to_right(egui::Align::Center), |ui| {
            ui.set_min_width(NAMES);
            ui.label(title)
        });
        add(ui).labelled_by(name.inner.id);
    });
}
