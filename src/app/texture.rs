//! Photos as textures, prepared off the UI thread.

use std::sync::Arc;
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, unbounded};
use egui::{Color32, ColorImage, TextureFilter, TextureOptions};

use crate::engine::OpenPhoto;

/// Crisp pixels when magnified, smooth when reduced.
pub(super) const OPTIONS: TextureOptions = TextureOptions {
    magnification: TextureFilter::Nearest,
    minification: TextureFilter::Linear,
    wrap_mode: egui::TextureWrapMode::ClampToEdge,
    mipmap_mode: None,
};

/// Turns photos into what egui uploads.
pub(super) struct TextureMaker {
    sender: Sender<(u64, Arc<ColorImage>)>,
    made: Receiver<(u64, Arc<ColorImage>)>,
}

impl Default for TextureMaker {
    fn default() -> Self {
        let (sender, made) = unbounded();
        Self { sender, made }
    }
}

impl TextureMaker {
    /// Starts on a photo. One that is larger than a texture can be is reduced for the screen only.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn make(&self, photo: &OpenPhoto, context: &egui::Context) -> std::io::Result<()> {
        let (sender, context, open) = (self.sender.clone(), context.clone(), photo.clone());
        let most = context.input(|i| i.max_texture_side);
        Builder::new().name("photo texture".into()).spawn(move || {
            let photo = &*open.photo;
            let longest = photo.width.max(photo.height);
            let reduced = (longest > most).then(|| {
                let side = |length: usize| (length * most / longest).max(1);
                photo.resized(side(photo.width), side(photo.height))
            });
            let shown = reduced.as_ref().unwrap_or(photo);
            let pixels = shown
                .rgb
                .as_chunks()
                .0
                .iter()
                .map(|[r, g, b]| Color32::from_rgb(*r, *g, *b));
            let image = ColorImage::new([shown.width, shown.height], pixels.collect());
            sender.send((open.id, Arc::new(image))).ok();
            context.request_repaint();
        })?;
        Ok(())
    }

    /// A finished picture with the number of its photo.
    pub(super) fn poll(&self) -> Option<(u64, Arc<ColorImage>)> {
        self.made.try_recv().ok()
    }
}
