//! The model in use, as a chip of fixed width that opens the list of models and decoders.

use std::sync::Arc;

use egui::{
    Align2, Button, FontId, Frame, Label, Popup, PopupCloseBehavior, Response, RichText, Role, Sense, Stroke,
    StrokeKind, TextWrapMode, Ui, WidgetInfo, WidgetText, pos2, vec2,
};

use super::models_menu::{about, memory_text, models_text};
use crate::app::action::Action;
use crate::app::command::Command;
use crate::app::state::{Group, OutputEntry, groups, model_name};
use crate::app::theme::{Icon, Tokens, heading, medium, radius, size, space};
use crate::app::widgets::{icon_button, tick};
use crate::app::workspaces::Ctx;
use crate::engine::{DecoderKind, ModelInfo, ModelSource, OpenModel, Output};

/// Height of the chip and width of the popover, in points.
const CHIP: f32 = 40.0;
const POPOVER: f32 = 400.0;

/// What was chosen.
type Choice = (Arc<ModelInfo>, Output);

/// Draws the chip.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx, width: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(width, CHIP), Sense::click());
    let models = &ctx.state.library.models;
    let used = models.used();
    let multi_scale = if ctx.state.is_multi_scale() {
        ", multi-scale"
    } else {
        ""
    };
    let name = used.map_or_else(
        || "Model".into(),
        |model| format!("Model: {}{multi_scale}", model.title),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, &name));
    let tokens = Tokens::of(ui);
    let open = Popup::is_id_open(ui.ctx(), Popup::default_response_id(&response));
    let visuals = ui.style().interact(&response);
    let edge = match open {
        true => Stroke::new(1.0, tokens.accent_line),
        false => visuals.bg_stroke,
    };
    let painter = ui.painter();
    painter.rect(rect, radius::CARD, visuals.weak_bg_fill, edge, StrokeKind::Inside);
    let icon = |at, icon: Icon, size: f32| {
        painter.text(
            at,
            Align2::CENTER_CENTER,
            icon.unicode(),
            FontId::proportional(size),
            tokens.text,
        );
    };
    let middle = rect.center().y - 2.0;
    icon(pos2(rect.left() + 22.0, middle), Icon::Box, 18.0);
    icon(pos2(rect.right() - 18.0, middle), Icon::ChevronDown, 16.0);
    let (first, second) = match used {
        Some(model) => (
            format!("{} · {}", short_title(model), decoder_in_use(model, models.output())),
            format!("{}{multi_scale}", second_line(model)),
        ),
        None => ("No model".into(), "Open a checkpoint".into()),
    };
    let room = rect.width() - 76.0;
    for (text, top, size, color) in [
        (medium(first), 4.0, size::BODY, tokens.text),
        (RichText::new(second), 20.0, size::SMALL, tokens.second),
    ] {
        let text = WidgetText::from(text.size(size).color(color));
        let galley = text.into_galley(ui, Some(TextWrapMode::Truncate), room, egui::TextStyle::Body);
        ui.painter().galley(rect.min + vec2(42.0, top), galley, color);
    }
    Popup::menu(&response)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .width(POPOVER)
        .show(|ui| Frame::new().inner_margin(8).show(ui, |ui| popover(ui, ctx)));
    if !open && let Some(model) = used {
        response.on_hover_text(format!("{}\n{}", model.title, about(model)));
    }
}

/// Name of a model in the window: what it is for where it is built in, else its file.
fn short_title(model: &ModelInfo) -> String {
    match &model.source {
        ModelSource::Embedded => "Street model".into(),
        ModelSource::EmbeddedWithPatch(patch) => format!("Street model, patch {patch}"),
        ModelSource::Path(_) | ModelSource::Weights(..) => model.source.name(),
    }
}

fn decoder_in_use(model: &ModelInfo, output: Output) -> String {
    let decoder = model.spec.decoders.get(output.decoder);
    let title = decoder.map_or("", |decoder| decoder.head.title());
    match model.spec.layer_of(output) {
        Some(layer) => format!("{title}, layer {layer}"),
        None => title.into(),
    }
}

/// What the model knows.
fn second_line(model: &ModelInfo) -> String {
    let (count, set) = (model.classes.len(), &model.classes.name);
    format!("{} · {count} classes ({set})", model.spec.encoder.title())
}

/// One line on what a decoder does.
fn meaning(kind: DecoderKind) -> &'static str {
    match kind {
        DecoderKind::Mask => "Class tokens meet patch tokens in two more transformer blocks.",
        DecoderKind::Linear => "One linear layer for each patch.",
        DecoderKind::Naive => "Two convolutions, then one upsampling.",
        DecoderKind::Pup => "Progressive upsampling: four convolutions, each followed by doubling.",
        DecoderKind::Mla => "Multi-level aggregation: four layers of the encoder, merged.",
    }
}

/// Draws the list of models, their decoders, and the ways to more models.
fn popover(ui: &mut Ui, ctx: &Ctx) {
    let models = &ctx.state.library.models;
    ui.set_width(POPOVER);
    ui.horizontal(|ui| {
        ui.label(heading("Model"));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.weak(models_text(ctx))
        });
    });
    let mut choice = None;
    egui::ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
        for open in models.open() {
            model_card(ui, ctx, open);
        }
    });
    if let Some(used) = models.used() {
        ui.add_space(space::S);
        ui.label(heading("Decoder"));
        decoders(ui, ctx, used, &mut choice);
        heads(ui, ctx, used, &mut choice);
    }
    let mut several = ctx.state.is_multi_scale();
    let command = Command::ToggleMultiScale;
    let line = ui.add_enabled_ui(ctx.commands.enabled(command), |ui| {
        tick(ui, &mut several, command.title())
    });
    if line.inner.on_hover_text(command.explanation()).clicked() {
        ctx.perform(command);
    }
    ui.add_space(space::XS);
    ui.separator();
    ui.horizontal(|ui| {
        for command in [Command::OpenModelFile, Command::OpenModelFolder, Command::GetModels] {
            let button = ui.add_enabled(ctx.commands.enabled(command), Button::new(command.title()));
            if button.on_hover_text(command.explanation()).clicked() {
                ctx.perform(command);
                ui.close();
            }
        }
    });
    if let Some((model, output)) = choice {
        ctx.send(Action::UseOutput(model, output));
    }
}

/// Draws an open model, and the button that closes it.
fn model_card(ui: &mut Ui, ctx: &Ctx, open: &OpenModel) {
    let models = &ctx.state.library.models;
    let tokens = Tokens::of(ui);
    let name = model_name(models.open(), &open.info);
    let chosen = models.used().is_some_and(|model| model.id == open.info.id);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 62.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, chosen, &name));
    let (fill, edge) = match chosen {
        true => (tokens.selection, Stroke::new(1.0, tokens.accent_line)),
        false if response.hovered() => (tokens.hover, Stroke::NONE),
        false => (tokens.raised, Stroke::NONE),
    };
    let edge = if response.has_focus() {
        Stroke::new(1.5, tokens.accent_line)
    } else {
        edge
    };
    ui.painter().rect(rect, radius::CARD, fill, edge, StrokeKind::Inside);
    let memory = match open.in_memory {
        true => memory_text(open.info.bytes),
        false => "reloaded when used".into(),
    };
    let lines = [
        (medium(short_title(&open.info)), tokens.text),
        (RichText::new(format!("{name} · {memory}")), tokens.second),
        (RichText::new(second_line(&open.info)), tokens.second),
    ];
    let mut at = rect.min + vec2(12.0, 6.0);
    for (text, color) in lines {
        let text = WidgetText::from(text.size(size::SMALL).color(color));
        let room = rect.width() - 56.0;
        let galley = text.into_galley(ui, Some(TextWrapMode::Truncate), room, egui::TextStyle::Body);
        let below = galley.size().y + 1.0;
        ui.painter().galley(at, galley, color);
        at.y += below;
    }
    let close = egui::Rect::from_center_size(pos2(rect.right() - 22.0, rect.center().y), vec2(28.0, 28.0));
    let mut place = ui.new_child(egui::UiBuilder::new().max_rect(close));
    let close = icon_button(&mut place, Icon::X, &format!("Close {name}"), 28.0, false);
    if close.on_hover_text("Remove from memory; the file is kept").clicked() {
        ctx.send(Action::CloseModel(open.info.clone()));
    } else if response.on_hover_text(about(&open.info)).clicked() {
        ctx.send(Action::UseModel(open.info.clone()));
    }
}

/// Draws the decoders of every open model, each with its key, and what the one in use does.
fn decoders(ui: &mut Ui, ctx: &Ctx, used: &Arc<ModelInfo>, choice: &mut Option<Choice>) {
    let models = &ctx.state.library.models;
    let groups: Vec<Group> = groups(models.open());
    let mut place = 0;
    for group in &groups {
        if let Some(title) = &group.title {
            ui.weak(title);
        }
        ui.horizontal_wrapped(|ui| {
            for entry in &group.entries {
                let in_use = used.id == entry.model.id && entry.output.decoder == models.output().decoder;
                if decoder_button(ui, entry, place, in_use).clicked() {
                    *choice = Some((entry.model.clone(), entry.output));
                }
                place += 1;
            }
        });
    }
    let kind = used.spec.decoders.get(models.output().decoder);
    let kind = kind.and_then(|decoder| DecoderKind::with_key(&decoder.key));
    if let Some(kind) = kind {
        ui.weak(meaning(kind));
    }
}

fn decoder_button(ui: &mut Ui, entry: &OutputEntry, place: usize, in_use: bool) -> Response {
    let key = Command::DECODERS.get(place).map(|command| command.shortcut_text(ui));
    let mut button = Button::selectable(in_use, entry.title.as_str());
    if let Some(key) = &key {
        button = button.shortcut_text(RichText::new(key).size(size::SMALL));
    }
    let hint = format!("{}\n{}", entry.name, about(&entry.model));
    ui.add(button.frame_when_inactive(true))
        .accessible_name(&entry.name)
        .on_hover_text(hint)
}

/// Draws the heads of the decoder in use, if it has several.
fn heads(ui: &mut Ui, ctx: &Ctx, used: &Arc<ModelInfo>, choice: &mut Option<Choice>) {
    let now = ctx.state.library.models.output();
    let mut outputs = used.spec.outputs();
    outputs.retain(|output| output.decoder == now.decoder);
    if outputs.len() < 2 {
        return;
    }
    let label = ui.add(Label::new(heading("Output")));
    label.on_hover_text("The prediction of the decoder's main head, or of an auxiliary head on an earlier layer");
    ui.horizontal_wrapped(|ui| {
        for head in outputs {
            let title = match used.spec.layer_of(head) {
                Some(layer) => format!("layer {layer}"),
                None => "main head".into(),
            };
            let row = ui.selectable_label(head == now, title);
            if row.on_hover_text(used.output_title(head)).clicked() {
                *choice = Some((used.clone(), head));
            }
        }
    });
}
