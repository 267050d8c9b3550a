//! Short messages at the edge of the canvas.

use egui::{Align2, Area, Context, Frame, Id, Order, Rect, Ui};

use super::toast::{Severity, Toast, ToastAction, ToastResponse};
use crate::app::command::Command;

/// Maximum number of messages shown at once; more would cover the image.
const SHOWN: usize = 4;

/// Maximum width of a message in points; longer text wraps.
const MAX_WIDTH: f32 = 420.0;

/// Points between the messages and the edge of their bounds.
const MARGIN: f32 = 12.0;

/// The messages that are shown, oldest first.
#[derive(Default)]
pub(in crate::app) struct Toasts {
    shown: Vec<Toast>,
    /// Number of messages that had to make room for newer ones since no message was shown.
    dropped: usize,
}

impl Toasts {
    /// Adds a message and writes it to the log. A repeated text becomes one message, the newest, with a count.
    pub(in crate::app) fn push(&mut self, mut toast: Toast) {
        log::log!(target: "segscope", toast.severity.log_level(), "{}", toast.full_text());
        let same = |other: &Toast| other.severity == toast.severity && other.text == toast.text;
        if let Some(at) = self.shown.iter().position(same) {
            let before = self.shown.remove(at);
            toast.count += before.count;
            toast.show_details = before.show_details;
        }
        self.shown.push(toast);
        if self.shown.len() > SHOWN {
            // Messages that would disappear anyway are removed first.
            let passing = self.shown.iter().position(|toast| toast.severity != Severity::Error);
            self.shown.remove(passing.unwrap_or(0));
            self.dropped += 1;
        }
    }

    /// Draws the messages at the lower edge of `bounds`, such as the canvas, and never outside of it.
    ///
    /// Returns the action of a button that was clicked in this frame.
    pub(in crate::app) fn show(&mut self, context: &Context, bounds: Rect) -> Option<ToastAction> {
        self.let_time_pass(context);
        if self.shown.is_empty() {
            self.dropped = 0;
            return None;
        }
        let room = (bounds.width() - 2.0 * MARGIN).max(60.0);
        let mut answer = None;
        let mut action = None;
        Area::new(Id::unique("toasts"))
            .order(Order::Foreground)
            .constrain_to(bounds)
            .anchor(Align2::CENTER_BOTTOM, [0.0, -MARGIN])
            .show(context, |ui| {
                let width = room.min(MAX_WIDTH);
                ui.set_max_width(width);
                if self.dropped > 0 && self.more_line(ui) {
                    action = Some(ToastAction::Perform(Command::Log));
                }
                for (at, toast) in self.shown.iter_mut().enumerate() {
                    if let Some(new) = toast.show(ui, width) {
                        answer = Some((at, new));
                    }
                }
            });
        if let Some(ToastAction::Perform(Command::Log)) = action {
            self.dropped = 0;
        }
        if let Some((at, answer)) = answer {
            self.shown.remove(at);
            context.request_repaint();
            if let ToastResponse::Act(asked) = answer {
                action = Some(asked);
            }
        }
        action
    }

    /// Ages the messages that the cursor is not over, and removes those whose time is over.
    fn let_time_pass(&mut self, context: &Context) {
        let now = context.input(|input| input.time);
        for toast in &mut self.shown {
            toast.let_time_pass(now);
        }
        self.shown
            .retain(|toast| toast.remaining().is_none_or(|left| left > 0.0));
        let next = self
            .shown
            .iter()
            .filter_map(Toast::remaining)
            .fold(f64::INFINITY, f64::min);
        if next.is_finite() {
            context.request_repaint_after_secs(next as f32);
        }
    }

    /// Draws how many messages are only in the log; true if the user asks for the log.
    fn more_line(&self, ui: &mut Ui) -> bool {
        Frame::popup(ui.style())
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.label(format!("{} more in the log", self.dropped));
                    ui.small_button("Open log").clicked()
                })
                .inner
            })
            .inner
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::{MAX_WIDTH, Toast, ToastAction, Toasts};
    use crate::app::testing;

    #[derive(Default)]
    struct State {
        toasts: Toasts,
        asked: Option<ToastAction>,
    }

    const ERROR: &str = "expected a PNG, found something else: notes.txt";

    fn harness(toasts: impl IntoIterator<Item = Toast>, height: f32) -> Harness<'static, State> {
        let mut state = State::default();
        for toast in toasts {
            state.toasts.push(toast);
        }
        let mut harness = Harness::builder()
            .with_size([520.0, height])
            .with_theme(egui::Theme::Dark)
            .with_context_setup(testing::looks)
            .build_ui_state(
                |ui, state: &mut State| {
                    let bounds = ui.max_rect();
                    let asked = state.toasts.show(ui, bounds);
                    state.asked = asked.or(state.asked.take());
                },
                state,
            );
        harness.run();
        harness
    }

    /// Advances the clock of the test by some seconds.
    fn pass(harness: &mut Harness<State>, seconds: usize) {
        harness.run_steps(4 * seconds);
    }

    #[test]
    fn an_error_stays_until_it_is_dismissed() {
        let mut harness = harness([Toast::error(ERROR)], 200.0);
        pass(&mut harness, 20);
        assert!(harness.query_by_label(ERROR).is_some());
        harness.get_by_label("Dismiss").click();
        harness.run();
        assert!(harness.query_by_label(ERROR).is_none());
    }

    #[test]
    fn a_note_disappears_unless_the_cursor_is_over_it() {
        let mut harness = harness([Toast::info("4 files saved")], 200.0);
        let at = harness.get_by_label("4 files saved").rect().center();
        harness.hover_at(at);
        pass(&mut harness, 20);
        assert!(harness.query_by_label("4 files saved").is_some());
        harness.hover_at(egui::pos2(500.0, 5.0));
        pass(&mut harness, 2);
        assert!(harness.query_by_label("4 files saved").is_some());
        pass(&mut harness, 7);
        assert!(harness.query_by_label("4 files saved").is_none());
    }

    #[test]
    fn the_same_text_is_one_message_with_a_count() {
        let harness = harness([Toast::error(ERROR), Toast::info("other"), Toast::error(ERROR)], 300.0);
        assert_eq!(harness.query_all_by_label(ERROR).count(), 1);
        assert!(harness.query_by_label("2 times").is_some());
    }

    #[test]
    fn more_than_four_are_counted_and_errors_are_kept() {
        let errors = (0..4).map(|i| Toast::error(format!("error {i}")));
        let notes = (0..3).map(|i| Toast::info(format!("note {i}")));
        let mut harness = harness(errors.chain(notes), 900.0);
        for i in 0..4 {
            assert!(harness.query_by_label(&format!("error {i}")).is_some());
        }
        assert!(harness.query_by_label_contains("note ").is_none());
        assert!(harness.query_by_label("3 more in the log").is_some());
        harness.get_by_label("Open log").click();
        harness.run();
        let log = ToastAction::Perform(crate::app::command::Command::Log);
        assert_eq!(harness.state().asked, Some(log));
        assert!(harness.query_by_label("3 more in the log").is_none());
    }

    #[test]
    fn its_button_returns_its_action() {
        let action = ToastAction::OpenFolder("/photos".into());
        let mut harness = harness([Toast::info("saved").with_action(action.clone())], 200.0);
        harness.get_by_label("Show in folder").click();
        harness.run();
        assert_eq!(harness.state().asked, Some(action));
        assert!(harness.query_by_label("saved").is_none());
    }

    #[test]
    fn details_unfold_and_long_paths_wrap_within_the_bounds() {
        let path = format!("/photos/{}", "a_long_name_without_any_space".repeat(12));
        let mut harness = harness([Toast::error(&path).with_details("caused by: no such file")], 400.0);
        assert!(harness.query_by_label("caused by: no such file").is_none());
        harness.get_by_label("Details").click();
        harness.run();
        assert!(harness.query_by_label("caused by: no such file").is_some());
        let rect = harness.get_by_label(&path).rect();
        assert!(rect.width() <= MAX_WIDTH && rect.height() > 30.0, "{rect:?}");
        assert!(rect.left() >= 12.0 && rect.bottom() <= 388.0, "{rect:?}");
    }

    #[test]
    fn an_error_matches_its_snapshot() {
        let Some(_drawing) = testing::can_draw() else {
            return;
        };
        let mut harness = harness([Toast::error(ERROR).with_details("folded")], 160.0);
        harness.snapshot_options("toast_error", &testing::snapshot_options());
    }
}
