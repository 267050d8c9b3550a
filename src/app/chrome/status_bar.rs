//! The status bar: device, last run with its time, what runs, and memory.

use std::time::Duration;

use egui::{Align, Label, Layout, Ui};

use super::activity;
use crate::app::command::Command;
use crate::app::workspaces::Ctx;

/// Width in points from which there is room for the time of each stage.
const WIDE: f32 = 1000.0;

/// Draws the bar. `busy` is what workspaces are doing, each with the command that opens the workspace.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx, busy: &[(Command, String)]) {
    let wide = ui.available_width() >= WIDE;
    ui.horizontal(|ui| {
        if let Some((name, note)) = &ctx.state.device.in_use {
            let label = ui.label(name);
            if let Some(note) = note {
                label.on_hover_text(note);
            }
            ui.separator();
        }
        // The right end comes first: the middle takes the rest of the width.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            right_end(ui, ctx, busy);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                if ctx.state.jobs.running.is_none() {
                    last_run(ui, ctx, wide);
                }
            });
        });
    });
}

/// Draws memory, and what runs.
fn right_end(ui: &mut Ui, ctx: &Ctx, busy: &[(Command, String)]) {
    let memory = ctx.state.device.memory.as_ref();
    if let Some((now, peak)) = memory.and_then(|m| m.now_mib.zip(m.peak_mib)) {
        ui.label(format!("{now} MiB"))
            .on_hover_text(format!("Memory of the program; the peak so far is {peak} MiB"));
    }
    activity::show(ui, ctx, busy);
}

/// Draws how long the masks on the canvas took.
fn last_run(ui: &mut Ui, ctx: &Ctx, wide: bool) {
    if !ctx.state.workspace.shows_output {
        // The workspace reports on its own runs.
        return;
    }
    let result = ctx.document().and_then(|d| d.result.as_ref());
    let Some(result) = result else {
        if ctx.state.is_opening() {
            ui.weak("Opening");
        }
        return;
    };
    let t = result.prediction.timings;
    let passes = match result.prediction.fields.len() {
        1 => String::new(),
        many => format!(", mean of {many} passes"),
    };
    let stages = {
        let [e, d, l] = [t.encode, t.decode, t.labels].map(seconds);
        format!("encoder {e}, decoder {d}, labels {l}, {}", result.model.precision.key())
    };
    let text = format!("{} in {}{passes}", result.title(), seconds(t.total()));
    let label = if wide {
        ui.add(Label::new(text).truncate());
        ui.add(Label::new(egui::RichText::new(&stages).weak()).truncate())
    } else {
        ui.add(Label::new(text).truncate())
    };
    label.on_hover_text(stages);
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// `12 s left`, `3 min left`.
pub(in crate::app) fn time_left(remaining: Duration) -> String {
    match remaining.as_secs_f64().ceil() as u64 {
        s @ 0..=99 => format!("{s} s left"),
        s @ 100..=5999 => format!("{} min left", s.div_ceil(60)),
        s => format!("{:.1} h left", s as f64 / 3600.0),
    }
}
