//! The picture that is shown, with its result.

use egui::TextureHandle;

use crate::engine::{OpenPhoto, Segmented};

/// A photo, its texture and what is known about it.
pub(super) struct Document {
    pub(super) photo: OpenPhoto,
    /// `None` until it has been prepared.
    pub(super) texture: Option<TextureHandle>,
    pub(super) result: Option<Segmented>,
    /// Counts results, for the label texture.
    pub(super) version: u64,
}

/// What is known about one pixel.
pub(super) struct Reading {
    pub(super) x: usize,
    pub(super) y: usize,
    /// Class ids and probabilities, best first; at most three.
    pub(super) best: Vec<(u16, f32)>,
}

impl Document {
    /// The class at a pixel.
    pub(super) fn label_at(&self, x: usize, y: usize) -> Option<u16> {
        self.result.as_ref()?.prediction.labels.map.get(x, y)
    }

    /// Class probabilities at a pixel: a few hundred multiplications over the kept logits.
    pub(super) fn reading_at(&self, [x, y]: [usize; 2]) -> Option<Reading> {
        let probabilities = self.result.as_ref()?.prediction.probabilities_at(x, y);
        let mut best: Vec<(u16, f32)> = (0..).zip(probabilities).collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1));
        best.truncate(3);
        Some(Reading { x, y, best })
    }
}
