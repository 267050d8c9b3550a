//! What the model does not know: a strip over the canvas where it is far less sure than on photos like those that it was
//! trained for.

use egui::{Align, Frame, Label, Layout, Margin, Panel, RichText, Stroke, Ui};

use crate::app::action::Action;
use crate::app::command::Command;
use crate::app::theme::{Icon, Tokens, height, medium};
use crate::app::widgets::icon_button;
use crate::app::workspaces::Ctx;
use crate::engine::{ImageSource, Segmented};

/// Height of the strip, in points.
const STRIP: f32 = 48.0;

/// Width of the strip in points from which its second sentence fits.
const WIDE: f32 = 700.0;

/// Draws the strip if the photo on the canvas is foreign to the model, until the user closes it for this photo.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx) {
    let Some(result) = ctx.document().and_then(|document| document.result.as_ref()) else {
        return;
    };
    let source = &result.photo.source;
    if !ctx.state.workspace.shows_output || !is_foreign(result) || ctx.state.canvas.closed_strips.contains(source) {
        return;
    }
    let tokens = Tokens::of(ui);
    let frame = Frame::new()
        .fill(tokens.warning_strip)
        .stroke(Stroke::new(1.0, tokens.warning_line))
        .inner_margin(Margin::symmetric(12, 0));
    Panel::top("honesty strip")
        .exact_size(STRIP)
        .frame(frame)
        .show(ui, |ui| ui.horizontal_centered(|ui| content(ui, ctx, result, source)));
}

/// Whether the model is far less sure than it usually is. Only main heads are measured, and not the mean of several
/// passes, which is less sure.
fn is_foreign(result: &Segmented) -> bool {
    let decoder = result.model.spec.decoders.get(result.output.decoder);
    let usual = decoder.and_then(|decoder| decoder.usual_confidence);
    let is_measured = result.output.auxiliary.is_none() && result.prediction.fields.len() == 1;
    is_measured && usual.is_some_and(|usual| usual.is_foreign(result.mean_confidence))
}

fn content(ui: &mut Ui, ctx: &Ctx, result: &Segmented, source: &ImageSource) {
    let tokens = Tokens::of(ui);
    let wide = ui.available_width() >= WIDE;
    ui.label(
        RichText::new(Icon::TriangleAlert.unicode())
            .size(18.0)
            .color(tokens.warning),
    );
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let close = icon_button(ui, Icon::X, "Close this note", height::CONTROL, false);
        if close.on_hover_text("Not for this photo").clicked() {
            ctx.send(Action::CloseStrip(source.clone()));
        }
        let models = egui::Button::new(medium(Command::GetModels.title()));
        if ui.add(models).on_hover_text(Command::GetModels.explanation()).clicked() {
            ctx.perform(Command::GetModels);
        }
        let teach = egui::Button::new(medium("Teach it your classes"));
        if ui.add(teach).on_hover_text(Command::UseTeach.explanation()).clicked() {
            ctx.perform(Command::ShowAnnotate);
            ctx.perform(Command::UseTeach);
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let classes = &result.model.classes;
            let knows = format!("This model knows {} classes ({}) only.", classes.len(), classes.name);
            ui.add(Label::new(medium(knows)).truncate());
            if wide {
                ui.add(Label::new("This photo is unlike those it was trained on; its masks are guesses.").truncate());
            }
        });
    });
}
