//! To the clipboard: readings as text, results and the view as pictures.

use egui::{Context, Pos2, Rect, ScreenshotCallback, ViewportCommand, vec2};

use super::App;
use crate::engine::{Job, Rgba};
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
        let (sender, waker) = (self.view_shots.0.clone(), context.clone());
        let taken = ScreenshotCallback::new(move |screen| {
            let scale = waker.pixels_per_point();
            let whole = Rect::from_min_size(Pos2::ZERO, vec2(screen.width() as f32, screen.height() as f32) / scale);
            let seen = canvas.intersect(whole);
            if seen.is_positive() {
                sender.send(screen.region(&seen, Some(scale))).ok();
                waker.request_repaint();
            }
        });
        context.send_viewport_cmd(ViewportCommand::Screenshot(taken));
    }

    /// Hands on what was drawn for the clipboard, and tells what has become of it.
    pub(super) fn take_copies(&mut self) {
        while let Ok(view) = self.view_shots.1.try_recv() {
            let pixels = view.pixels.iter().flat_map(|pixel| pixel.to_srgba_unmultiplied());
            let picture = Rgba {
                width: view.width(),
                height: view.height(),
                bytes: pixels.collect(),
            };
            self.clipboard.copy("View", picture);
        }
        while let Some(copied) = self.clipboard.poll() {
            match copied {
                Ok(text) => self.toasts.info(text),
                Err(why) => self.toasts.error(why),
            }
        }
    }
}
