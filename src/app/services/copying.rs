//! Screenshots of the canvas for the clipboard.

use crossbeam_channel::{Receiver, Sender, unbounded};
use egui::{ColorImage, Context, Pos2, Rect, ScreenshotCallback, ViewportCommand, vec2};

use crate::engine::Rgba;

/// Requests screenshots and receives them.
pub(in crate::app) struct ViewShots {
    sender: Sender<ColorImage>,
    taken: Receiver<ColorImage>,
}

impl Default for ViewShots {
    fn default() -> Self {
        let (sender, taken) = unbounded();
        Self { sender, taken }
    }
}

impl ViewShots {
    /// Requests a screenshot of an area of the window in the next frame.
    pub(in crate::app) fn take(&self, area: Rect, context: &Context) {
        let (sender, waker) = (self.sender.clone(), context.clone());
        let taken = ScreenshotCallback::new(move |screen| {
            let scale = waker.pixels_per_point();
            let whole = Rect::from_min_size(Pos2::ZERO, vec2(screen.width() as f32, screen.height() as f32) / scale);
            let seen = area.intersect(whole);
            if seen.is_positive() {
                sender.send(screen.region(&seen, Some(scale))).ok();
                waker.request_repaint();
            }
        });
        context.send_viewport_cmd(ViewportCommand::Screenshot(taken));
    }

    /// The next screenshot that was taken.
    pub(super) fn poll(&self) -> Option<Rgba> {
        let view = self.taken.try_recv().ok()?;
        let pixels = view.pixels.iter().flat_map(|pixel| pixel.to_srgba_unmultiplied());
        Some(Rgba {
            width: view.width(),
            height: view.height(),
            bytes: pixels.collect(),
        })
    }
}
