//! Number of multiplications of a Vision Transformer, and memory of its features.

use super::spec::VitSpec;
use crate::model::layers::products_of_block;

impl VitSpec {
    /// Number of multiplications for a window of these sides in pixels.
    pub(super) fn products_of(&self, window: [usize; 2]) -> f64 {
        let patches = self.patches(window) as f64;
        let dim = self.dim as f64;
        let pixels = (self.patch * self.patch * 3) as f64;
        let tokens = patches + self.extra_tokens() as f64;
        patches * pixels * dim + self.depth as f64 * products_of_block(tokens, dim)
    }

    /// Bytes of the features of a window of these sides in pixels, with `taps` tapped blocks.
    pub(super) fn bytes_of(&self, window: [usize; 2], taps: usize) -> usize {
        let tokens = self.patches(window) + self.extra_tokens();
        tokens * self.dim * (1 + taps) * size_of::<f32>()
    }
}
