//! Networks for inference on the CPU: weights packed once, activations in host memory.
//!
//! The burn modules run on GPUs and in training, and are the reference for these.

mod attention;
mod blocks;
mod entry;
mod linear;
mod maps;
mod mask;
mod norm;
mod partition;
mod plan;
mod rate;
mod setr_mla;
mod setr_up;
mod tile_operations;
mod vit;

pub use plan::ProductPlan;
pub use rate::layer_rate;

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::decoders::{DecoderSpec, HeadSpec, Inputs, LastUpsampling, Logits};
use super::encoders::EncoderSpec;
use super::features::Features;
use super::precision::Precision;
use super::probe::{Cancelled, Probe};
use super::spec::{ModelSpec, Output};
use super::tensor_source::TensorSource;
use super::tensors::tensors_of;
use crate::numeric::{Aligned, Arithmetic, Kernels};
use linear::PreparedLinear;
use mask::PreparedMask;
use norm::PreparedNorm;
use partition::{Pool, rows_per_task};
use setr_mla::PreparedMla;
use setr_up::PreparedPup;
use vit::PreparedVit;

/// An encoder and its decoders with packed weights.
#[derive(Debug)]
pub struct PreparedNetwork {
    encoder: PreparedEncoder,
    decoders: Vec<PreparedDecoder>,
}

#[derive(Debug)]
enum PreparedEncoder {
    Vit(PreparedVit),
}

#[derive(Debug)]
enum PreparedDecoder {
    Linear(PreparedLinear),
    MaskTransformer(Box<PreparedMask>),
    Pup(PreparedPup),
    Mla(PreparedMla),
}

impl PreparedNetwork {
    /// Packs the network of `spec`, one tensor of `source` after another.
    ///
    /// # Errors
    /// As [`TensorSource`] says.
    pub fn build<S: TensorSource>(
        spec: &ModelSpec,
        source: &mut S,
        precision: Precision,
        kernels: Kernels,
    ) -> Result<Self, S::Error> {
        source.start(&tensors_of(spec))?;
        let plan = ProductPlan::of(precision, kernels);
        let inputs = Inputs::of(spec);
        let encoder = match &spec.encoder {
            EncoderSpec::Vit(vit) => PreparedEncoder::Vit(PreparedVit::take(source, vit, spec.taps(), plan, kernels)?),
        };
        let decoders = spec
            .decoders
            .iter()
            .map(|decoder| PreparedDecoder::take(source, decoder, &inputs, plan, kernels));
        let network = Self {
            encoder,
            decoders: decoders.collect::<Result<_, _>>()?,
        };
        source.finish()?;
        Ok(network)
    }

    /// Features of `image` `[batch, 3, height, width]`, normalised, both sides multiples of
    /// [`super::EncoderSpec::multiple`]. The images of a batch are computed, and the probe is called, one after another.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub fn encode(&self, image: Tensor<4>, probe: &mut dyn Probe) -> Result<Features, Cancelled> {
        let [_, channels, height, width] = image.dims();
        let pixels = host_values(image);
        let PreparedEncoder::Vit(encoder) = &self.encoder;
        encoder.forward(&pixels, [channels, height, width], probe)
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
        match &self.decoders[output.decoder] {
            PreparedDecoder::Linear(head) => Ok(linear_logits(head, features)),
            PreparedDecoder::MaskTransformer(mask) => mask.forward(features, probe),
            PreparedDecoder::Pup(pup) => pup.forward(features, output.auxiliary, last, probe),
            PreparedDecoder::Mla(mla) => mla.forward(features, output.auxiliary, probe),
        }
    }

    /// The learnt vectors of the classes, `[classes, dim]`, of a decoder that has such.
    pub fn class_embeddings(&self, decoder: usize) -> Option<Vec<f32>> {
        match self.decoders.get(decoder)? {
            PreparedDecoder::MaskTransformer(mask) => Some(mask.class_tokens().to_vec()),
            PreparedDecoder::Linear(_) | PreparedDecoder::Pup(_) | PreparedDecoder::Mla(_) => None,
        }
    }

    /// Bytes of all weights.
    pub fn bytes(&self) -> usize {
        let PreparedEncoder::Vit(encoder) = &self.encoder;
        let decoders = self.decoders.iter().map(|decoder| match decoder {
            PreparedDecoder::Linear(head) => head.bytes(),
            PreparedDecoder::MaskTransformer(mask) => mask.bytes(),
            PreparedDecoder::Pup(pup) => pup.bytes(),
            PreparedDecoder::Mla(mla) => mla.bytes(),
        });
        encoder.bytes() + decoders.sum::<usize>()
    }
}

impl PreparedDecoder {
    fn take<S: TensorSource>(
        tensors: &mut S,
        spec: &DecoderSpec,
        inputs: &Inputs,
        plan: ProductPlan,
        kernels: Kernels,
    ) -> Result<Self, S::Error> {
        let prefix = spec.prefix();
        match &spec.head {
            HeadSpec::Linear => {
                // f32 in every precision: taught decoders have large weights that cancel, and it costs next to nothing.
                let head = PreparedLinear::take(tensors, &format!("{prefix}.head"), Arithmetic::F32, kernels)?;
                Ok(Self::Linear(head))
            }
            HeadSpec::MaskTransformer(mask) => {
                let mask = PreparedMask::take(tensors, &prefix, mask, inputs, plan, kernels)?;
                Ok(Self::MaskTransformer(Box::new(mask)))
            }
            HeadSpec::SetrPup(pup) => {
                let pup = PreparedPup::take(tensors, &prefix, pup, inputs, plan, kernels)?;
                Ok(Self::Pup(pup))
            }
            HeadSpec::SetrMla(mla) => {
                let mla = PreparedMla::take(tensors, &prefix, mla, plan, kernels)?;
                Ok(Self::Mla(mla))
            }
        }
    }
}

fn linear_logits(head: &PreparedLinear, features: &Features) -> Logits {
    let patches = features.tokens().patches();
    let [images, count, _] = patches.dims();
    let values = linear_rows(head, &host_values(patches));
    let data = TensorData::new(values, [images, count, head.outputs()]);
    Logits {
        values: Tensor::from_data(data, &Device::flex()),
        grid: features.tokens().grid,
    }
}

/// The values of a tensor on the CPU, without a copy if nothing else holds its memory.
fn host_values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    match x.into_data().try_into_vec() {
        Ok(values) => values,
        // Every tensor of this room was made from f32 values on the CPU.
        Err(e) => panic!("a prepared network was given a tensor that is not f32: {e:?}"),
    }
}

/// The outputs of a linear layer for `rows` `[count, inputs]`.
fn linear_rows(layer: &PreparedLinear, rows: &[f32]) -> Vec<f32> {
    let (inputs, outputs) = (layer.inputs(), layer.outputs());
    let count = rows.len() / inputs;
    let mut out = vec![0.0f32; count * outputs];
    let per_task = rows_per_task(count);
    let pool = Pool::new();
    let tasks = rows
        .par_chunks(per_task * inputs)
        .zip(out.par_chunks_mut(per_task * outputs));
    tasks.for_each(|(rows, out)| pool.with(Aligned::default, |memory| layer.add_outputs(rows, memory, out)));
    out
}

/// The normalised rows of `x` `[count, dim]`.
fn normalised(norm: &PreparedNorm, x: &[f32], dim: usize) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    let rows = x.par_chunks_exact(dim).zip(out.par_chunks_exact_mut(dim));
    rows.with_min_len(64).for_each(|(row, out)| norm.normalise(row, out));
    out
}
