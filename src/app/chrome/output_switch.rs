//! The decoder switch in the top bar: all decoders side by side if there is room, else a drop-down list.

use std::sync::Arc;

use egui::{Button, ComboBox, CornerRadius, Frame, Margin, Stroke, TextStyle, TextWrapMode, Ui, WidgetText};

use super::models_menu::about;
use crate::app::action::Action;
use crate::app::command::Command;
use crate::app::state::{Group, Models, OutputEntry, groups};
use crate::app::workspaces::Ctx;
use crate::engine::{ModelInfo, OpenModel, Output};

/// Points that are reserved for what follows in the row.
const FOR_OTHERS: f32 = 120.0;

/// Points between two entries.
const GAP: f32 = 2.0;

/// Points between two models.
const MODEL_GAP: f32 = 8.0;

/// Minimum width of a drop-down list, in points.
const LEAST: f32 = 84.0;

/// What was chosen.
type Choice = (Arc<ModelInfo>, Output);

/// Whether there is more than one decoder to choose from.
pub(super) fn has_switch(ctx: &Ctx) -> bool {
    ctx.state.library.models.main_outputs().nth(1).is_some()
}

/// Draws the switch, and the heads of the decoder in use if it has several.
pub(super) fn output_switch(ui: &mut Ui, ctx: &Ctx) {
    let models = &ctx.state.library.models;
    let Some(used) = models.used() else { return };
    let heads = heads(models, used);
    if !has_switch(ctx) && heads.len() < 2 {
        return;
    }
    ui.separator();
    let groups = groups(models.open());
    let room = ui.available_width() - FOR_OTHERS;
    // Reserved even if the decoder in use has only one head, so that the switch has the same form for every decoder.
    let for_heads = match some_decoder_has_heads(models) {
        true => drop_down_width(ui, "Output: main head"),
        false => 0.0,
    };
    let switch = Switch { models, used };
    let mut choice = None;
    let mut heads_apart = true;
    if has_switch(ctx) {
        if width(ui, &groups) + for_heads <= room {
            switch.all_in_sight(ui, &groups, &mut choice);
        } else {
            let shown = switch.shown_title(&groups);
            let wanted = drop_down_width(ui, &shown);
            heads_apart = wanted + for_heads <= room;
            let heads_inside = if heads_apart { &[] } else { heads.as_slice() };
            let width = if heads_apart { wanted } else { wanted.min(room) };
            switch.drop_down(ui, (shown, width), (&groups, heads_inside), &mut choice);
        }
    }
    if heads.len() > 1 && heads_apart {
        switch.head_list(ui, &heads, &mut choice);
    }
    if let Some((model, output)) = choice {
        ctx.send(Action::UseOutput(model, output));
    }
}

fn some_decoder_has_heads(models: &Models) -> bool {
    let has_heads = |open: &OpenModel| open.info.spec.outputs().len() > open.info.spec.decoders.len();
    models.open().iter().any(has_heads)
}

/// The outputs of the decoder in use: its main head and its auxiliary heads.
fn heads(models: &Models, used: &ModelInfo) -> Vec<Output> {
    let decoder = models.output().decoder;
    let mut outputs = used.spec.outputs();
    outputs.retain(|output| output.decoder == decoder);
    outputs
}

/// The switch while it is being drawn.
struct Switch<'a> {
    models: &'a Models,
    used: &'a Arc<ModelInfo>,
}

impl Switch<'_> {
    /// Draws every entry as a button, all in one frame.
    fn all_in_sight(&self, ui: &mut Ui, groups: &[Group], choice: &mut Option<Choice>) {
        let line = ui.visuals().widgets.noninteractive.bg_stroke;
        let frame = Frame::new()
            .corner_radius(CornerRadius::same(5))
            .stroke(Stroke::new(1.0, line.color));
        frame.inner_margin(Margin::symmetric(1, 0)).show(ui, |ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            let mut place = 0;
            for (at, group) in groups.iter().enumerate() {
                if at > 0 {
                    ui.add_space(MODEL_GAP);
                }
                if let Some(title) = &group.title {
                    ui.weak(title);
                }
                for entry in &group.entries {
                    self.entry(ui, entry, place, choice);
                    place += 1;
                }
            }
        });
    }

    /// Draws one entry, whose tooltip has its key and describes its model.
    fn entry(&self, ui: &mut Ui, entry: &OutputEntry, place: usize, choice: &mut Option<Choice>) {
        let used = self.is_entry_in_use(entry);
        let button = ui.add(Button::selectable(used, entry.title.as_str()));
        let key = Command::DECODERS.get(place).map(|command| command.shortcut_text(ui));
        let key = key.map(|key| format!(" ({key})")).unwrap_or_default();
        let hint = format!("{}{key}\n{}", entry.name, about(&entry.model));
        if button.accessible_name(&entry.name).on_hover_text(hint).clicked() {
            *choice = Some((entry.model.clone(), entry.output));
        }
    }

    fn is_entry_in_use(&self, entry: &OutputEntry) -> bool {
        let model_in_use = self.used.id == entry.model.id;
        model_in_use && entry.output.decoder == self.models.output().decoder
    }

    /// Draws the heads of the decoder in use as a drop-down list.
    fn head_list(&self, ui: &mut Ui, heads: &[Output], choice: &mut Option<Choice>) {
        let shown = format!("Output: {}", head_title(self.used, self.models.output()));
        let list = ComboBox::from_id_salt("head").selected_text(shown);
        let list = list.show_ui(ui, |ui| self.head_rows(ui, heads, choice));
        list.response
            .accessible_name("Output")
            .on_hover_text("The prediction of the decoder's main head, or of an auxiliary head on an earlier layer");
    }

    fn head_rows(&self, ui: &mut Ui, heads: &[Output], choice: &mut Option<Choice>) {
        for head in heads {
            let row = ui.selectable_label(*head == self.models.output(), head_title(self.used, *head));
            if row.on_hover_text(self.used.output_title(*head)).clicked() {
                *choice = Some((self.used.clone(), *head));
            }
        }
    }

    /// Draws entries, and heads if there are several, as one drop-down list, which shows a text while it is closed.
    fn drop_down(
        &self,
        ui: &mut Ui,
        (shown, width): (String, f32),
        (groups, heads): (&[Group], &[Output]),
        choice: &mut Option<Choice>,
    ) {
        let list = ComboBox::from_id_salt("decoder")
            .selected_text(shown)
            .width(width.max(LEAST))
            .truncate();
        let list = list.show_ui(ui, |ui| {
            let mut place = 0;
            for group in groups {
                if let Some(title) = &group.title {
                    ui.weak(title);
                }
                for entry in &group.entries {
                    self.entry(ui, entry, place, choice);
                    place += 1;
                }
            }
            if heads.len() > 1 {
                ui.separator();
                ui.weak("Output");
                self.head_rows(ui, heads, choice);
            }
        });
        let hint = format!("{}\n{}", self.used.output_title(self.models.output()), about(self.used));
        list.response.accessible_name("Decoder").on_hover_text(hint);
    }

    /// The text on the closed list.
    fn shown_title(&self, groups: &[Group]) -> String {
        let in_use = |group: &Group| {
            let entry = group.entries.iter().find(|entry| self.is_entry_in_use(entry))?;
            Some(match &group.title {
                Some(title) => format!("{title}: {}", entry.title),
                None if groups.len() == 1 => format!("Decoder: {}", entry.title),
                None => entry.title.clone(),
            })
        };
        let title = groups
            .iter()
            .find_map(in_use)
            .unwrap_or_else(|| self.used.title.clone());
        match self.models.output().auxiliary {
            Some(_) => format!("{title}, {}", head_title(self.used, self.models.output())),
            None => title,
        }
    }
}

/// `main head`, `layer 10`.
fn head_title(model: &ModelInfo, output: Output) -> String {
    match model.spec.layer_of(output) {
        Some(layer) => format!("layer {layer}"),
        None => "main head".into(),
    }
}

/// Width of all entries side by side, in points.
fn width(ui: &Ui, groups: &[Group]) -> f32 {
    let padding = 2.0 * ui.spacing().button_padding.x + GAP;
    let of_group = |group: &Group| {
        let title = group.title.as_ref().map_or(0.0, |title| text_width(ui, title) + GAP);
        let entries = group.entries.iter().map(|entry| text_width(ui, &entry.title) + padding);
        title + entries.sum::<f32>() + MODEL_GAP + GAP
    };
    groups.iter().map(of_group).sum()
}

/// Width of a drop-down list that shows `text`, in points.
fn drop_down_width(ui: &Ui, text: &str) -> f32 {
    let spacing = ui.spacing();
    text_width(ui, text)
        + 2.0 * spacing.button_padding.x
        + spacing.icon_width
        + spacing.icon_spacing
        + spacing.item_spacing.x
}

fn text_width(ui: &Ui, text: &str) -> f32 {
    let galley = WidgetText::from(text).into_galley(ui, Some(TextWrapMode::Extend), f32::INFINITY, TextStyle::Button);
    galley.size().x
}
