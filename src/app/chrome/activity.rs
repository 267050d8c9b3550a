//! What runs, as pills in the status bar: how far it is, and buttons that pause, resume or end it.

use egui::{
    Color32, FontId, Id, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo,
    pos2, vec2,
};

use super::status_bar::time_left;
use crate::app::command::Command;
use crate::app::state::others_text;
use crate::app::theme::{Icon, Tokens, size};
use crate::app::widgets::icon_button;
use crate::app::workspaces::Ctx;

/// Height of a pill, side of its buttons, and radius of its ring, in points.
const HEIGHT: f32 = 24.0;
const BUTTON: f32 = 22.0;
const RING: f32 = 6.0;

/// Margin at both ends, and gap between ring and text, in points.
const MARGIN: f32 = 10.0;
const GAP: f32 = 8.0;

/// Steps of a full ring.
const STEPS: usize = 32;

/// A pill.
struct Pill<'a> {
    /// What screen readers say.
    name: &'a str,
    text: String,
    /// How much is done, 0..=1; `None` for what does not run.
    fraction: Option<f32>,
    buttons: &'a [(Icon, Command)],
}

/// Draws a pill for everything that runs or is paused, from the right end on. `busy` is what workspaces are doing, each
/// with the command that opens the workspace.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx, busy: &[(Command, String)]) {
    let jobs = &ctx.state.jobs;
    for (command, text) in busy {
        let pill = Pill {
            name: text,
            text: text.clone(),
            fraction: None,
            buttons: &[],
        };
        let shown = pill.show(ui, ctx);
        if shown.on_hover_text(command.tooltip(ui)).clicked() {
            ctx.perform(*command);
        }
    }
    if let Some(batch) = &jobs.batch {
        let passed = batch.done + batch.failed + batch.there;
        let what = if batch.for_scores { "Scoring" } else { "Segmenting" };
        let others = others_text(batch.failed, batch.there);
        let left = batch.progress.and_then(|progress| progress.remaining);
        let left = left.map_or_else(String::new, |left| format!(" · {}", time_left(left)));
        let pill = Pill {
            name: "Progress of all photos",
            text: format!("{what} {passed} of {}{others}{left}", batch.sources.len()),
            fraction: Some(batch.progress.map_or(0.0, |progress| progress.fraction)),
            buttons: &[(Icon::Pause, Command::PauseAll), (Icon::X, Command::CancelAll)],
        };
        pill.show(ui, ctx);
    } else if let Some(paused) = &jobs.paused {
        let pill = Pill {
            name: "Paused run over all photos",
            text: format!("{} done, {} left", paused.done, paused.rest.len()),
            fraction: None,
            buttons: &[(Icon::Play, Command::ResumeAll), (Icon::X, Command::DropRest)],
        };
        pill.show(ui, ctx);
    }
    if let Some(loading) = ctx.state.library.models.loading() {
        let pill = Pill {
            name: "Progress of opening the model",
            text: format!("Opening {}", short(&loading.name)),
            fraction: Some(loading.fraction),
            buttons: &[(Icon::X, Command::CancelLoading)],
        };
        pill.show(ui, ctx);
    }
    if let Some(running) = &jobs.running {
        let left = running.progress.and_then(|progress| progress.remaining);
        let left = left.map_or_else(String::new, |left| format!(" · {}", time_left(left)));
        let pill = Pill {
            name: "Progress",
            text: format!("Segmenting{left}"),
            fraction: Some(running.progress.map_or(0.0, |progress| progress.fraction)),
            buttons: &[(Icon::X, Command::Cancel)],
        };
        pill.show(ui, ctx).on_hover_text(&running.title);
    }
}

/// A name of at most 24 characters.
fn short(name: &str) -> String {
    match name.chars().count() {
        0..=24 => name.to_owned(),
        _ => name.chars().take(23).chain(['…']).collect(),
    }
}

impl Pill<'_> {
    fn show(&self, ui: &mut Ui, ctx: &Ctx) -> Response {
        let tokens = Tokens::of(ui);
        let font = FontId::proportional(size::SMALL);
        let galley = ui.painter().layout_no_wrap(self.text.clone(), font, tokens.text);
        let ring = if self.fraction.is_some() { 2.0 * RING + GAP } else { 0.0 };
        let buttons = self.buttons.len() as f32 * BUTTON;
        let end = if self.buttons.is_empty() { MARGIN } else { 4.0 };
        let width = MARGIN + ring + galley.size().x + buttons + end + if buttons > 0.0 { 4.0 } else { 0.0 };
        let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click());
        response.widget_info(|| WidgetInfo {
            current_text_value: Some(self.text.clone()),
            ..WidgetInfo::labeled(Role::ProgressIndicator, true, self.name)
        });
        let painter = ui.painter();
        let edge = Stroke::new(1.0, tokens.line);
        painter.rect(rect, 0.5 * HEIGHT, tokens.raised, edge, StrokeKind::Inside);
        let mut left = rect.left() + MARGIN;
        if let Some(fraction) = self.fraction {
            let middle = pos2(left + RING, rect.center().y);
            painter.circle_stroke(middle, RING, Stroke::new(2.0, tokens.track));
            painter.add(arc(middle, fraction, tokens.accent_line));
            left += ring;
        }
        let at = pos2(left, rect.center().y - 0.5 * galley.size().y);
        let text_end = left + galley.size().x;
        painter.galley(at, galley, tokens.text);
        for (i, (icon, command)) in self.buttons.iter().enumerate() {
            let corner = pos2(text_end + 4.0 + i as f32 * BUTTON, rect.center().y - 0.5 * BUTTON);
            let place = Rect::from_min_size(corner, Vec2::splat(BUTTON));
            let mut child = ui.new_child(UiBuilder::new().max_rect(place).id_salt(Id::unique((self.name, i))));
            let button = icon_button(&mut child, *icon, command.title(), BUTTON, false);
            if button.on_hover_text(command.tooltip(&child)).clicked() {
                ctx.perform(*command);
            }
        }
        response
    }
}

/// The part of a ring that shows how much is done, from the top clockwise.
fn arc(middle: Pos2, fraction: f32, color: Color32) -> Shape {
    let steps = (STEPS as f32 * fraction.clamp(0.02, 1.0)).ceil() as usize;
    let point = |i: usize| {
        let angle = std::f32::consts::TAU * (fraction.clamp(0.02, 1.0) * i as f32 / steps as f32 - 0.25);
        middle + RING * vec2(angle.cos(), angle.sin())
    };
    Shape::line((0..=steps).map(point).collect(), Stroke::new(2.0, color))
}
