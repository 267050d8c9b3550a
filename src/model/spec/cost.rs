//! How many multiplications a network needs.

use super::{HeadSpec, ModelSpec, Output};

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
        let decoder = self.decoders.get(output.decoder);
        let decoder = decoder.map_or(0.0, |decoder| {
            self.decoder_products(&decoder.head, output.auxiliary, patches)
        });
        2.0 * (embedding + e.depth as f64 * block(tokens, dim) + decoder)
    }

    fn decoder_products(&self, head: &HeadSpec, auxiliary: Option<usize>, patches: f64) -> f64 {
        let (dim, classes) = (self.encoder.dim as f64, self.classes as f64);
        match head {
            HeadSpec::Linear => patches * dim * classes,
            HeadSpec::MaskTransformer { layers, .. } => {
                let tokens = patches + classes;
                let projections = patches * dim * dim + tokens * dim * dim;
                projections + *layers as f64 * block(tokens, dim) + patches * dim * classes
            }
            HeadSpec::Up { .. } => {
                let Some(head) = head.up_head(auxiliary) else {
                    return 0.0;
                };
                let (mut pixels, mut channels, mut sum) = (patches, dim, 0.0);
                for stage in &head.stages {
                    sum += pixels * (stage.kernel * stage.kernel) as f64 * channels * stage.channels as f64;
                    channels = stage.channels as f64;
                    pixels *= (stage.up * stage.up) as f64;
                }
                sum + pixels * channels * classes
            }
            HeadSpec::Mla(mla) => {
                let (channels, inner) = (mla.channels as f64, mla.head_channels as f64);
                let paths = mla.taps.len() as f64;
                let neck = paths * patches * (dim * channels + 9.0 * channels * channels);
                if auxiliary.is_some() {
                    return neck + patches * channels * classes;
                }
                let refine = paths * patches * 9.0 * (channels * inner + inner * inner);
                let pixels = patches * (mla.up * mla.up) as f64;
                let kernel = (mla.classifier_kernel * mla.classifier_kernel) as f64;
                neck + refine + pixels * kernel * paths * inner * classes
            }
        }
    }
}

/// Products of one transformer block.
fn block(tokens: f64, dim: f64) -> f64 {
    12.0 * tokens * dim * dim + 2.0 * tokens * tokens * dim
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
