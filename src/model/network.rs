//! A whole network: one encoder and its decoders.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use super::build::Builder;
use super::kernels;
use super::named::ParameterNames;
use super::probe::{Cancelled, Probe};
use super::segmenter::{self, MaskTransformer};
use super::setr::{Mla, UpDecoder};
use super::spec::{DecoderSpec, HeadSpec, ModelSpec, Output};
use super::tensors::tensors_of;
use super::vit::{Features, VisionTransformer};
use super::weights::{Weights, WeightsMismatch};

/// A decoder: features to class logits.
#[derive(Module, Debug)]
pub enum Decoder {
    /// Segmenter: one linear layer on each patch token.
    Linear(Linear),
    /// Segmenter: class tokens and cosine similarity.
    MaskTransformer(MaskTransformer),
    /// SETR Naive and PUP.
    Up(UpDecoder),
    /// SETR MLA.
    Mla(Mla),
}

/// Class logits on a grid.
#[derive(Clone, Debug)]
pub struct Logits {
    /// `[batch, rows * columns, classes]`, row by row.
    pub values: Tensor<3>,
    /// Rows and columns.
    pub grid: [usize; 2],
}

impl Logits {
    /// From a map `[batch, rows, columns, classes]`.
    pub(super) fn of_map(map: Tensor<4>) -> Self {
        let [batch, rows, columns, classes] = map.dims();
        Self {
            values: map.reshape([batch, rows * columns, classes]),
            grid: [rows, columns],
        }
    }
}

/// Whether a head carries out its own last upsampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastUpsampling {
    /// It does.
    Here,
    /// Where the head would arrive at the window's own size, it stops one bilinear step short of it: whoever resizes
    /// the logits to the window does the same step then. Only right when the window is a multiple of the patch.
    LeftOut,
}

/// An encoder and its decoders. They are separate calls, so that features can be kept.
#[derive(Module, Debug)]
pub struct Network {
    /// The encoder.
    pub encoder: VisionTransformer,
    /// In the order of [`ModelSpec::decoders`].
    pub decoders: Vec<Decoder>,
}

impl Network {
    /// Builds the network of `spec` on `device` and empties `weights` into it.
    ///
    /// # Errors
    /// Every tensor that is missing, unexpected, of another shape or not finite.
    pub fn build(spec: &ModelSpec, weights: Weights, device: &Device) -> Result<Self, WeightsMismatch> {
        Self::build_named(spec, weights, device).map(|(network, _)| network)
    }

    /// The same, with the names of all parameters: for [`Network::named_gradients`].
    ///
    /// # Errors
    /// As [`Network::build`].
    pub fn build_named(
        spec: &ModelSpec,
        mut weights: Weights,
        device: &Device,
    ) -> Result<(Self, ParameterNames), WeightsMismatch> {
        weights.check(&tensors_of(spec))?;
        let mut builder = Builder::new(&mut weights, device);
        let encoder = VisionTransformer::build(&spec.encoder, spec.taps(), &mut builder)?;
        let decoders = spec
            .decoders
            .iter()
            .map(|decoder| Decoder::build(spec, decoder, &mut builder));
        let network = Self {
            encoder,
            decoders: decoders.collect::<Result<_, _>>()?,
        };
        Ok((network, builder.names))
    }

    /// Features of `image` `[batch, 3, height, width]`, normalised, both sides multiples of the patch size.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe says so.
    pub fn encode(&self, image: Tensor<4>, probe: &mut dyn Probe) -> Result<Features, Cancelled> {
        self.encoder.forward(image, probe)
    }

    /// Class logits of one of the outputs that [`ModelSpec::outputs`] lists.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe says so.
    ///
    /// # Panics
    /// When `output` is none of them.
    pub fn decode(
        &self,
        features: &Features,
        output: Output,
        last: LastUpsampling,
        probe: &mut dyn Probe,
    ) -> Result<Logits, Cancelled> {
        let on_patches = |values| Logits {
            values,
            grid: features.grid,
        };
        match &self.decoders[output.decoder] {
            Decoder::Linear(head) => Ok(on_patches(kernels::linear(features.patches(), head))),
            Decoder::MaskTransformer(decoder) => decoder.forward(features, probe).map(on_patches),
            Decoder::Up(decoder) => decoder.forward(features, output.auxiliary, last, probe),
            Decoder::Mla(decoder) => decoder.forward(features, output.auxiliary, probe),
        }
    }
}

impl Decoder {
    fn build(spec: &ModelSpec, decoder: &DecoderSpec, b: &mut Builder) -> Result<Self, WeightsMismatch> {
        let prefix = format!("decoders.{}", decoder.key);
        match &decoder.head {
            HeadSpec::Linear => Ok(Self::Linear(b.linear(&format!("{prefix}.head"))?)),
            HeadSpec::MaskTransformer {
                layers,
                heads,
                norm_eps,
            } => {
                let sizes = segmenter::Sizes {
                    dim: spec.encoder.dim,
                    classes: spec.classes,
                    layers: *layers,
                    heads: *heads,
                    norm_eps: *norm_eps,
                };
                Ok(Self::MaskTransformer(MaskTransformer::build(&prefix, &sizes, b)?))
            }
            HeadSpec::Up { main, auxiliary } => {
                let decoder = UpDecoder::build(&prefix, main, auxiliary, spec.encoder.patch, b)?;
                Ok(Self::Up(decoder))
            }
            HeadSpec::Mla(mla) => Ok(Self::Mla(Mla::build(&prefix, mla, b)?)),
        }
    }
}
