//! How many multiplications a network needs, and how much memory its decoders.

use super::{ModelSpec, Output};
use crate::model::decoders::Inputs;
use crate::model::layers::products_of_block;

impl ModelSpec {
    /// Floating-point operations of one window of `grid` (rows and columns of patches), up to the logits of one output:
    /// two for each multiplication and addition of matrix products, attention and convolutions, as the published
    /// networks carry them out. What is done per value (norms, GELU, softmax, upsampling) is not counted.
    pub fn operations(&self, output: Output, grid: [usize; 2]) -> f64 {
        let e = &self.encoder;
        let patches = (grid[0] * grid[1]) as f64;
        let dim = e.dim as f64;
        let pixels = (e.patch * e.patch * 3) as f64;
        let tokens = patches + e.extra_tokens() as f64;
        let embedding = patches * pixels * dim;
        let decoder = self.decoders.get(output.decoder).map_or(0.0, |decoder| {
            let head = decoder.head.head();
            head.products(output.auxiliary, &Inputs::of(self), patches)
        });
        2.0 * (embedding + e.depth as f64 * products_of_block(tokens, dim) + decoder)
    }

    /// Values of the logits that one output has for a window of these sides in pixels, and of the largest map on the way
    /// to them, at most.
    pub fn decoded_values(&self, output: Output, window: [usize; 2]) -> [usize; 2] {
        let Some(decoder) = self.decoders.get(output.decoder) else {
            return [0; 2];
        };
        let (head, stride) = (decoder.head.head(), Inputs::of(self).stride());
        let is_whole = window.iter().all(|side| side.is_multiple_of(stride));
        let side = head.logits_per_cell(output.auxiliary, stride, is_whole);
        let cells: usize = window.map(|side| side.div_ceil(stride)).iter().product();
        let logits = cells.saturating_mul(side * side).saturating_mul(self.classes);
        [logits, cells.saturating_mul(head.largest_map(output.auxiliary))]
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{DecoderKind, Output, Variant, published};

    #[test]
    fn a_linear_tiny_model_is_what_the_layers_say() {
        let spec = published(Variant::Tiny, 16, &[DecoderKind::Linear], 150, 512);
        let (n, t, d) = (1024.0, 1025.0, 192.0);
        let block = t * d * (3.0 * d) + 2.0 * t * t * d + t * d * d + 2.0 * t * d * (4.0 * d);
        let expected = 2.0 * (n * 768.0 * d + 12.0 * block + n * d * 150.0);
        let found = spec.operations(Output::default(), [32, 32]);
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    }

    #[test]
    fn pup_costs_most_and_naive_least_of_setrs() {
        let cost = |kind| published(Variant::Base, 16, &[kind], 150, 512).operations(Output::default(), [32, 32]);
        let [naive, pup, mla] = [DecoderKind::Naive, DecoderKind::Pup, DecoderKind::Mla].map(cost);
        assert!(naive < mla && mla < pup, "{naive:e} {mla:e} {pup:e}");
    }
}
