//! The page of the window's performance.

use std::time::Duration;

use egui::{Context, Grid, Rect, RichText, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::frame_times::{FrameTimes, Spread};
use super::page;
use crate::app::command::Command;

/// Milliseconds at the top of the plot.
const PLOT_TOP: f32 = 12.0;

/// Limits for the processor time of a frame in milliseconds: median and 99th percentile.
const LIMITS: [f32; 2] = [4.0, 8.0];

/// Milliseconds between updates if nothing else redraws the window. More updates would change the times more.
const LOOK_AGAIN: u64 = 500;

/// The window with the frame times.
#[derive(Default)]
pub(in crate::app) struct PerformancePage {
    open: bool,
}

impl PerformancePage {
    /// Opens it, or closes it if it is open.
    pub(in crate::app) fn toggle(&mut self) {
        self.open = !self.open;
    }

    /// Whether it is shown.
    pub(in crate::app) fn is_open(&self) -> bool {
        self.open
    }

    /// Draws it if it is open. `rows` are other values as (name, value), such as the worker's state.
    pub(in crate::app) fn show(&mut self, context: &Context, times: &FrameTimes, rows: &[(&str, String)]) {
        let title = Command::Performance.title();
        page::show(context, title, &mut self.open, vec2(480.0, 400.0), |ui| {
            spreads(ui, times);
            ui.add_space(6.0);
            plot(ui, times);
            ui.add_space(6.0);
            Grid::new("performance rows").num_columns(2).show(ui, |ui| {
                for (name, value) in rows {
                    ui.label(*name);
                    ui.label(RichText::new(value).monospace());
                    ui.end_row();
                }
            });
            ui.ctx().request_repaint_after(Duration::from_millis(LOOK_AGAIN));
        });
    }
}

fn milliseconds(time: Duration) -> f32 {
    time.as_secs_f32() * 1e3
}

/// Draws the times of the window's thread.
fn spreads(ui: &mut Ui, times: &FrameTimes) {
    ui.label(format!(
        "Time per frame in the latest {} frames, in ms",
        times.frames().len()
    ));
    Grid::new("frame times")
        .num_columns(4)
        .spacing([18.0, 4.0])
        .show(ui, |ui| {
            for heading in ["Time", "Median", "99 %", "Maximum"] {
                ui.label(RichText::new(heading).weak());
            }
            ui.end_row();
            for (name, Spread { median, p99, max }) in [("Processor", times.cpu()), ("Clock", times.wall())] {
                ui.label(name);
                for time in [median, p99, max] {
                    ui.label(RichText::new(format!("{:.2}", milliseconds(time))).monospace());
                }
                ui.end_row();
            }
        });
}

/// Draws processor time as one bar per frame, newest on the right, with a line at each limit.
fn plot(ui: &mut Ui, times: &FrameTimes) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 96.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, "Processor time per frame"));
    let painter = ui.painter_at(rect);
    let visuals = ui.visuals();
    painter.rect_filled(rect, 2.0, visuals.extreme_bg_color);
    let y_of = |milliseconds: f32| rect.bottom() - rect.height() * (milliseconds / PLOT_TOP).min(1.0);
    // A bar is two points wide. Only the newest frames that fit are drawn.
    let right_to_left = (0..)
        .map(|i| rect.right() - 2.0 * i as f32)
        .take_while(|right| *right > rect.left());
    for (frame, right) in times.frames().rev().zip(right_to_left) {
        let time = milliseconds(frame.cpu);
        let color = if time > LIMITS[1] {
            visuals.error_fg_color
        } else if time > LIMITS[0] {
            visuals.warn_fg_color
        } else {
            visuals.selection.stroke.color
        };
        let bar = Rect::from_min_max(pos2(right - 1.5, y_of(time)), pos2(right, rect.bottom()));
        painter.rect_filled(bar, 0.0, color);
    }
    let font = egui::TextStyle::Small.resolve(ui.style());
    for limit in LIMITS {
        let y = y_of(limit);
        painter.hline(rect.x_range(), y, Stroke::new(1.0, visuals.weak_text_color()));
        let at = pos2(rect.left() + 4.0, y);
        painter.text(
            at,
            egui::Align2::LEFT_BOTTOM,
            format!("{limit:.0} ms"),
            font.clone(),
            visuals.text_color(),
        );
    }
}

#[cfg(test)]
mod tests {
    use egui::Key;
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::PerformancePage;
    use crate::app::chrome::frame_times::FrameTimes;

    #[test]
    fn times_and_rows_are_shown_until_it_is_closed() {
        let mut times = FrameTimes::default();
        for number in 0..700 {
            times.stop(FrameTimes::start(), number);
        }
        let mut page = PerformancePage::default();
        page.toggle();
        let mut harness = Harness::builder().with_size([900.0, 600.0]).build_ui_state(
            move |ui, page: &mut PerformancePage| page.show(ui, &times, &[("Worker", "waits for work".into())]),
            page,
        );
        harness.run();
        for text in ["latest 600 frames", "Median", "99 %", "Worker", "waits for work"] {
            assert!(harness.query_by_label_contains(text).is_some(), "{text}");
        }
        harness.key_press(Key::Escape);
        harness.run();
        assert!(!harness.state().is_open() && harness.query_by_label("Worker").is_none());
    }
}
