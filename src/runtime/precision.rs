//! Chooses the precision that networks compute in, and the kernels of the processor.

use std::sync::OnceLock;

use super::device::OpenDevice;
use crate::model::{Isa, Kernels, Precision};

use burn::tensor::Device;

/// The precision to compute in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrecisionChoice {
    /// bf16 on a CPU that multiplies bf16, otherwise f32.
    #[default]
    Auto,
    /// f32, the results of the published programs.
    F32,
    /// bf16: half the memory; labels differ in about one pixel of 2,000.
    Bf16,
    /// int8: the least memory; labels differ in about one pixel of 400.
    Int8,
}

/// Why networks cannot compute as chosen.
#[derive(Debug, thiserror::Error)]
pub enum PrecisionError {
    /// A GPU computes in f32.
    #[error("expected the precision auto or f32 for the GPU {name}, found {found}; compute on the CPU for {found}")]
    Gpu {
        /// Name of the GPU.
        name: String,
        /// The chosen precision.
        found: &'static str,
    },
    /// `SEGSCOPE_ISA` names no instruction set that can be used.
    #[error("{0}; unset SEGSCOPE_ISA for the best one")]
    Isa(String),
}

impl PrecisionChoice {
    /// The precision on `device`, on a CPU with `kernels`.
    ///
    /// # Errors
    /// When a GPU cannot compute in it.
    pub fn on(self, device: &OpenDevice, kernels: Kernels) -> Result<Precision, PrecisionError> {
        let is_gpu = device.device != Device::flex();
        let precision = match self {
            Self::F32 => Precision::F32,
            Self::Bf16 => Precision::Bf16,
            Self::Int8 => Precision::Int8,
            Self::Auto if is_gpu => Precision::F32,
            Self::Auto => usual_precision(kernels),
        };
        match precision {
            Precision::Bf16 | Precision::Int8 if is_gpu => Err(PrecisionError::Gpu {
                name: device.name.clone(),
                found: precision.key(),
            }),
            _ => Ok(precision),
        }
    }
}

/// The precision that [`PrecisionChoice::Auto`] takes on a CPU with `kernels`.
pub fn usual_precision(kernels: Kernels) -> Precision {
    match kernels.isa().multiplies_bf16() {
        true => Precision::Bf16,
        false => Precision::F32,
    }
}

/// Whether the kernels of [`kernels`] multiply bf16.
pub fn multiplies_bf16() -> bool {
    kernels().is_ok_and(|kernels| kernels.isa().multiplies_bf16())
}

/// The kernels to compute with: the best of this processor, or those that the environment variable `SEGSCOPE_ISA` names.
///
/// # Errors
/// When it names no instruction set of this processor.
pub fn kernels() -> Result<Kernels, PrecisionError> {
    static KERNELS: OnceLock<Result<Kernels, String>> = OnceLock::new();
    let kernels = KERNELS.get_or_init(|| {
        let Some(named) = std::env::var_os("SEGSCOPE_ISA") else {
            let kernels = Kernels::best();
            log::info!("computing with {}", kernels.isa());
            return Ok(kernels);
        };
        let isa: Isa = named.to_string_lossy().parse()?;
        Kernels::of(isa).map_err(|why| why.to_string())
    });
    kernels.clone().map_err(PrecisionError::Isa)
}
