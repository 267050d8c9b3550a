//! To the clipboard: readings as text, results and the view as pictures.

use egui::{Context, Pos2, Rect, ScreenshotCallback, ViewportCommand, vec2};

use super::App;
use crate::engine::Job;
use crate::export::Format;

impl App {
    pub(super) fn copy_reading(&mut self, context: &Context) {
        let (Some(reading), Some(document)) = (self.reading(), &self.document) else {
            return;
        };
        let Some(result) = &document.result else { return };
        context.copy_text(reading.text(&document.photo.source.name(), &result.model.classes));
        self.toasts.info("Reading copied");
    }

    /// Lets the worker draw the result; it is copied when it comes back.
    pub(super) fn copy_picture(&mut self, format: Format) {
        if let Some(job) = self.draw_job() {
            self.send(Job::Draw { format, job });
        }
    }

    /// Copies what the canvas shows, as it is on the screen.
    pub(super) fn copy_view(&mut self, context: &Context) {
        let Some(canvas) = self.canvas else { return };
        let answer = context.clone();
        let taken = ScreenshotCallback::new(move |screen| {
            let scale = answer.pixels_per_point();
            let whole = Rect::from_min_size(Pos2::ZERO, vec2(screen.width() as f32, screen.height() as f32) / scale);
            let seen = canvas.intersect(whole);
            if seen.is_positive() {
                answer.copy_image(screen.region(&seen, Some(scale)));
                answer.request_repaint();
            }
        });
        context.send_viewport_cmd(ViewportCommand::Screenshot(taken));
        self.toasts.info("View copied");
    }
}
