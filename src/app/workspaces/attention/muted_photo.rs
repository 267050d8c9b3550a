//! A small copy of the traced area, muted as under a map: the ground of tiles.

use egui::{ColorImage, Context, TextureId};

use super::{Attention, Heat};
use crate::app::theme::data_color;
use crate::engine::Frame;
use crate::photo::Photo;

/// Longest side in pixels.
const SIDE: usize = 320;

/// Weights of the lightness of sRGB values (Rec. 709).
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// How colourful and how light the copy is.
const SATURATION: f32 = 0.3;
const LIGHT: f32 = 0.5;

impl Attention {
    /// The copy for the current trace.
    pub(super) fn muted_photo(&mut self, context: &Context) -> Option<TextureId> {
        let traced = self.traced.clone()?;
        let key = format!("{:p}", std::sync::Arc::as_ptr(&traced));
        let muted: &mut Heat = &mut self.muted;
        let draw = || muted_image(&traced.request.photo.photo, traced.frame);
        Some(muted.texture(context, key, true, draw).id())
    }
}

/// The frame's part of a photo, reduced; black where the frame reaches beyond it.
fn muted_image(photo: &Photo, frame: Frame) -> ColorImage {
    let (width, height) = (frame.right - frame.left, frame.bottom - frame.top);
    let step = width.max(height) / SIDE as f32;
    let size = [width, height].map(|side| (side / step).round().max(1.0) as usize);
    let pixels = (0..size[0] * size[1]).map(|i| {
        let at = |index: usize, start: f32| (start + (index as f32 + 0.5) * step).max(0.0) as usize;
        let [r, g, b] = photo
            .pixel(at(i % size[0], frame.left), at(i / size[0], frame.top))
            .unwrap_or_default()
            .map(f32::from);
        let grey = LUMA[0] * r + LUMA[1] * g + LUMA[2] * b;
        let [r, g, b] = [r, g, b].map(|v| ((grey + (v - grey) * SATURATION) * LIGHT) as u8);
        data_color([r, g, b])
    });
    ColorImage::new(size, pixels.collect())
}
