//! The operations of a network, and the memory of its features and logits.

use super::{ModelSpec, Output};
use crate::model::decoders::Inputs;

impl ModelSpec {
    /// Floating-point operations of one window of these sides in pixels, up to the logits of one output: two for each
    /// multiplication and addition of matrix products, attention and convolutions, as in the published networks. Work
    /// per value (norms, GELU, softmax, upsampling) is not counted.
    pub fn operations(&self, output: Output, window: [usize; 2]) -> f64 {
        let inputs = Inputs::of(self);
        let cells = inputs.cells(window) as f64;
        let decoder = self.decoders.get(output.decoder).map_or(0.0, |decoder| {
            let head = decoder.head.family();
            head.products(output.auxiliary, &inputs, cells)
        });
        2.0 * (self.encoder.products(window) + decoder)
    }

    /// Bytes of the features of a window of these sides in pixels.
    pub fn feature_bytes(&self, window: [usize; 2]) -> usize {
        self.encoder.feature_bytes(window, self.taps().len())
    }

    /// Upper bounds on the number of values in the logits of one output for a window of these sides in pixels, and in
    /// the largest map that is computed for them.
    pub fn decoded_values(&self, output: Output, window: [usize; 2]) -> [usize; 2] {
        let Some(decoder) = self.decoders.get(output.decoder) else {
            return [0; 2];
        };
        let inputs = Inputs::of(self);
        let (head, stride) = (decoder.head.family(), inputs.stride());
        let is_whole = window.iter().all(|side| side.is_multiple_of(stride));
        let side = head.logits_per_cell(output.auxiliary, stride, is_whole);
        let cells = inputs.cells(window);
        let logits = cells.saturating_mul(side * side).saturating_mul(self.classes);
        [logits, cells.saturating_mul(head.largest_map(output.auxiliary))]
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{DecoderKind, Output, Variant, published};

    #[test]
    fn operations_of_a_linear_tiny_model_are_those_of_its_layers() {
        let spec = published(Variant::Tiny, 16, &[DecoderKind::Linear], 150, 512);
        let (n, t, d) = (1024.0, 1025.0, 192.0);
        let block = t * d * (3.0 * d) + 2.0 * t * t * d + t * d * d + 2.0 * t * d * (4.0 * d);
        let expected = 2.0 * (n * 768.0 * d + 12.0 * block + n * d * 150.0);
        let found = spec.operations(Output::default(), [512; 2]);
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    }

    #[test]
    fn pup_costs_most_and_naive_least_of_setrs() {
        let cost = |kind| published(Variant::Base, 16, &[kind], 150, 512).operations(Output::default(), [512; 2]);
        let [naive, pup, mla] = [DecoderKind::Naive, DecoderKind::Pup, DecoderKind::Mla].map(cost);
        assert!(naive < mla && mla < pup, "{naive:e} {mla:e} {pup:e}");
    }
}
