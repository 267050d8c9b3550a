//! Segmenter (arXiv 2105.05633): a ViT and one of two decoders.

mod mask_transformer;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

pub use mask_transformer::MaskTransformer;

use super::build::Builder;
use super::kernels;
use super::probe::{Cancelled, Probe};
use super::spec::{DecoderSpec, ModelSpec};
use super::vit::{Features, VisionTransformer};
use super::weights::{Weights, WeightsMismatch};

/// A decoder: features to class logits per patch.
#[expect(clippy::large_enum_variant, reason = "there is one decoder per model")]
#[derive(Module, Debug)]
pub enum Decoder {
    /// One linear layer on each patch token.
    Linear(Linear),
    /// Class tokens and cosine similarity.
    MaskTransformer(MaskTransformer),
}

/// A whole Segmenter. Encoder and decoder are separate calls, so that features can be kept.
#[derive(Module, Debug)]
pub struct Segmenter {
    /// The encoder.
    pub encoder: VisionTransformer,
    /// The decoder.
    pub decoder: Decoder,
}

impl Segmenter {
    /// Builds the network of `spec` on `device` and empties `weights` into it.
    ///
    /// # Errors
    /// Every tensor that is missing, unexpected, of another shape or not finite.
    pub fn build(spec: &ModelSpec, mut weights: Weights, device: &Device) -> Result<Self, WeightsMismatch> {
        weights.check(spec)?;
        let mut builder = Builder::new(&mut weights, device);
        let encoder = VisionTransformer::build(&spec.encoder, &mut builder)?;
        let decoder = match spec.decoder {
            DecoderSpec::Linear => Decoder::Linear(builder.linear("decoder.head")?),
            DecoderSpec::MaskTransformer {
                layers,
                heads,
                norm_eps,
            } => {
                let sizes = mask_transformer::Sizes {
                    dim: spec.encoder.dim,
                    classes: spec.classes,
                    layers,
                    heads,
                    norm_eps,
                };
                Decoder::MaskTransformer(MaskTransformer::build(&sizes, &mut builder)?)
            }
        };
        Ok(Self { encoder, decoder })
    }

    /// Features of `image` `[batch, 3, height, width]`, normalised, both sides multiples of the patch size.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe says so.
    pub fn encode(&self, image: Tensor<4>, probe: &mut dyn Probe) -> Result<Features, Cancelled> {
        self.encoder.forward(image, probe)
    }

    /// Class logits of each patch, `[batch, rows * columns, classes]`, row by row.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe says so.
    pub fn decode(&self, features: &Features, probe: &mut dyn Probe) -> Result<Tensor<3>, Cancelled> {
        match &self.decoder {
            Decoder::Linear(head) => Ok(kernels::linear(features.patches(), head)),
            Decoder::MaskTransformer(decoder) => decoder.forward(features, probe),
        }
    }
}
