//! The precision of a training's products.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::model::{Isa, Kernels, ModelSpec, Products, TrainingNetwork};

/// Precision of the products of a training; parameters, gradients, sums and optimiser are f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum TrainPrecision {
    /// f32, on every device
    #[default]
    F32,
    /// bf16: faster, on a CPU that multiplies bf16, for the decoders linear and mask
    Bf16,
}

/// Why a training cannot compute in bf16.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainPrecisionError {
    /// The kernels would widen it again.
    #[error("expected a processor that multiplies bf16, found {0}; train with the precision f32")]
    Kernels(Isa),
    /// The device is a GPU.
    #[error("expected the precision f32 on a GPU, found bf16; train on the CPU or with the precision f32")]
    Gpu,
    /// A decoder has no passes by hand.
    #[error("expected the decoders linear and mask for bf16, found {0}; train with the precision f32")]
    Decoder(String),
}

impl TrainPrecision {
    /// Whether this is the usual one.
    pub(super) fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// How a training of `spec` multiplies on `device`, on a CPU with `kernels`.
    ///
    /// # Errors
    /// When it cannot compute in bf16 there.
    pub fn products(
        self,
        spec: &ModelSpec,
        device: &Device,
        kernels: Kernels,
    ) -> Result<Products, TrainPrecisionError> {
        if self == Self::F32 {
            return Ok(Products::F32);
        }
        if *device != Device::flex() {
            return Err(TrainPrecisionError::Gpu);
        }
        if !kernels.isa().multiplies_bf16() {
            return Err(TrainPrecisionError::Kernels(kernels.isa()));
        }
        let uncovered = spec
            .outputs()
            .into_iter()
            .find(|output| !TrainingNetwork::covers(spec, [*output]));
        match uncovered.and_then(|output| spec.decoders.get(output.decoder)) {
            Some(decoder) => Err(TrainPrecisionError::Decoder(decoder.key.clone())),
            None => Ok(Products::Bf16(kernels)),
        }
    }
}
