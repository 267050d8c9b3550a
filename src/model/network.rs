//! A whole network: one encoder and its decoders.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::build::Builder;
use super::decoders::{Decoder, Inputs, LastUpsampling, Logits};
use super::encoders::Encoder;
use super::features::Features;
use super::named_gradients::ParameterNames;
use super::probe::{Cancelled, Probe};
use super::spec::{ModelSpec, Output};
use super::tensor_source::TensorSource;
use super::tensors::tensors_of;

/// An encoder and its decoders, which are called separately so that features can be cached.
#[derive(Module, Debug)]
pub struct Network {
    /// The encoder.
    pub encoder: Encoder,
    /// The decoders, in the order of [`ModelSpec::decoders`].
    pub decoders: Vec<Decoder>,
}

impl Network {
    /// Builds the network of `spec` on `device` from the tensors of `source`.
    ///
    /// # Errors
    /// As [`TensorSource`] says.
    pub fn build<S: TensorSource>(spec: &ModelSpec, source: &mut S, device: &Device) -> Result<Self, S::Error> {
        Self::build_named(spec, source, device).map(|(network, _)| network)
    }

    /// Like [`Network::build`], and returns the names of all parameters, for [`Network::named_gradients`].
    ///
    /// # Errors
    /// As [`Network::build`].
    pub fn build_named<S: TensorSource>(
        spec: &ModelSpec,
        source: &mut S,
        device: &Device,
    ) -> Result<(Self, ParameterNames), S::Error> {
        source.start(&tensors_of(spec))?;
        let mut builder = Builder::new(source, device);
        let encoder = Encoder::build(&spec.encoder, spec.taps(), &mut builder)?;
        let inputs = Inputs::of(spec);
        let decoders = spec
            .decoders
            .iter()
            .map(|decoder| Decoder::build(decoder, &inputs, &mut builder));
        let network = Self {
            encoder,
            decoders: decoders.collect::<Result<_, _>>()?,
        };
        let names = builder.names;
        source.finish()?;
        Ok((network, names))
    }

    /// Computes the features of `image` `[batch, 3, height, width]`, normalised, both sides multiples of
    /// [`super::EncoderSpec::multiple`].
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub fn encode(&self, image: Tensor<4>, probe: &mut dyn Probe) -> Result<Features, Cancelled> {
        self.encoder.forward(image, probe)
    }

    /// Class logits of one of the outputs that [`ModelSpec::outputs`] lists.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    ///
    /// # Panics
    /// When the model has no such output.
    pub fn decode(
        &self,
        features: &Features,
        output: Output,
        last: LastUpsampling,
        probe: &mut dyn Probe,
    ) -> Result<Logits, Cancelled> {
        self.decoders[output.decoder].forward(features, output.auxiliary, last, probe)
    }
}
