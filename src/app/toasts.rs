//! Short messages at the edge of the window.

use std::time::{Duration, Instant};

use egui::{Align2, Area, Context, Frame, Id, RichText};

/// A short message.
struct Toast {
    text: String,
    error: bool,
    until: Option<Instant>,
}

/// The messages that are shown. Errors stay until they are dismissed.
#[derive(Default)]
pub(super) struct Toasts {
    shown: Vec<Toast>,
}

/// How long a message that is no error stays.
const STAY: Duration = Duration::from_secs(6);

impl Toasts {
    pub(super) fn info(&mut self, text: impl Into<String>) {
        self.shown.push(Toast {
            text: text.into(),
            error: false,
            until: Some(Instant::now() + STAY),
        });
    }

    pub(super) fn error(&mut self, text: impl Into<String>) {
        let text = text.into();
        // The same thing said twice is one message, the newest.
        self.shown.retain(|toast| toast.text != text);
        self.shown.push(Toast {
            text,
            error: true,
            until: None,
        });
        // More than this covers the picture; the oldest has been seen.
        if self.shown.len() > 4 {
            self.shown.remove(0);
        }
    }

    pub(super) fn show(&mut self, context: &Context) {
        let now = Instant::now();
        self.shown.retain(|t| t.until.is_none_or(|until| until > now));
        if let Some(next) = self.shown.iter().filter_map(|t| t.until).min() {
            context.request_repaint_after(next.saturating_duration_since(now));
        }
        if self.shown.is_empty() {
            return;
        }
        let mut dismissed = None;
        Area::new(Id::unique("toasts"))
            .anchor(Align2::LEFT_BOTTOM, [12.0, -44.0])
            .show(context, |ui| {
                ui.set_max_width(520.0);
                for (i, toast) in self.shown.iter().enumerate() {
                    Frame::popup(ui.style()).show(ui, |ui| {
                        let color = if toast.error {
                            ui.visuals().error_fg_color
                        } else {
                            ui.visuals().text_color()
                        };
                        ui.label(RichText::new(&toast.text).color(color));
                        if toast.error {
                            ui.horizontal(|ui| {
                                if ui.small_button("Dismiss").clicked() {
                                    dismissed = Some(i);
                                }
                                if ui.small_button("Copy").clicked() {
                                    ui.copy_text(toast.text.clone());
                                }
                            });
                        }
                    });
                }
            });
        if let Some(i) = dismissed {
            self.shown.remove(i);
        }
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::Toasts;
    use crate::app::testing;

    fn harness() -> Harness<'static, Toasts> {
        let mut toasts = Toasts::default();
        toasts.error("expected a PNG, found something else: notes.txt");
        Harness::builder()
            .with_size([420.0, 160.0])
            .with_theme(egui::Theme::Dark)
            .build_ui_state(|ui, toasts: &mut Toasts| toasts.show(ui), toasts)
    }

    #[test]
    fn an_error_stays_until_it_is_dismissed() {
        let mut harness = harness();
        harness.run();
        harness.get_by_label("Dismiss").click();
        harness.run();
        assert!(harness.query_by_label_contains("expected a PNG").is_none());
    }

    #[test]
    fn an_error_looks_as_it_did() {
        let Some(_drawing) = testing::can_draw() else {
            return;
        };
        let mut harness = harness();
        harness.run();
        harness.snapshot_options("toast_error", &testing::snapshot_options());
    }
}
