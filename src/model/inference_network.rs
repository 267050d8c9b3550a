//! A network that is ready for inference on its device.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::decoders::{Decoder, LastUpsampling, Logits};
use super::features::Features;
use super::network::Network;
use super::precision::Precision;
use super::prepared::PreparedNetwork;
use super::probe::{Cancelled, Probe};
use super::spec::{ModelSpec, Output};
use super::tensor_source::TensorSource;
use crate::numeric::Kernels;

/// A network on its device: packed weights on the CPU, burn modules on a GPU.
#[derive(Debug)]
pub enum InferenceNetwork {
    /// Packed weights.
    Prepared(Box<PreparedNetwork>),
    /// Modules on a GPU.
    Modules(Box<Network>),
}

impl InferenceNetwork {
    /// Builds the network of `spec` from the tensors of `source`. `precision` and `kernels` apply on the CPU; a GPU
    /// computes in f32.
    ///
    /// # Errors
    /// As [`TensorSource`] says.
    pub fn build<S: TensorSource>(
        spec: &ModelSpec,
        source: &mut S,
        device: &Device,
        precision: Precision,
        kernels: Kernels,
    ) -> Result<Self, S::Error> {
        if *device == Device::flex() {
            PreparedNetwork::build(spec, source, precision, kernels).map(|network| Self::Prepared(Box::new(network)))
        } else {
            Network::build(spec, source, device).map(|network| Self::Modules(Box::new(network)))
        }
    }

    /// Features of `image` `[batch, 3, height, width]`, normalised, both sides multiples of
    /// [`super::EncoderSpec::multiple`].
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub fn encode(&self, image: Tensor<4>, probe: &mut dyn Probe) -> Result<Features, Cancelled> {
        match self {
            Self::Prepared(network) => network.encode(image, probe),
            Self::Modules(network) => network.encode(image, probe),
        }
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
        match self {
            Self::Prepared(network) => network.decode(features, output, last, probe),
            Self::Modules(network) => network.decode(features, output, last, probe),
        }
    }

    /// Bytes of all weights.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Prepared(network) => network.bytes(),
            Self::Modules(network) => network.num_params() * size_of::<f32>(),
        }
    }

    /// The learnt vectors of the classes, `[classes, dim]` row by row, of a decoder that has such.
    ///
    /// # Errors
    /// What the device says when the values cannot be read from it.
    pub fn class_embeddings(&self, decoder: usize) -> Result<Option<Vec<f32>>, String> {
        let network = match self {
            Self::Prepared(network) => return Ok(network.class_embeddings(decoder)),
            Self::Modules(network) => network,
        };
        let Some(embeddings) = network.decoders.get(decoder).and_then(Decoder::class_embeddings) else {
            return Ok(None);
        };
        let data = embeddings.try_into_data().map_err(|e| format!("{e:?}"))?;
        data.try_into_vec().map(Some).map_err(|e| format!("{e:?}"))
    }
}
