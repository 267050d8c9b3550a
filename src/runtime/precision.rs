//! Chooses the precision that networks compute in, and the kernels of the processor.

use std::sync::OnceLock;

use super::device::OpenDevice;
use super::memory_need::available_memory;
use crate::model::{Isa, Kernels, Precision};

use burn::tensor::Device;

/// The precision to compute in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrecisionChoice {
    /// bf16 on a CPU that multiplies bf16, and for weights that would take over half of the free memory; otherwise f32.
    #[default]
    Auto,
    /// f32, the results of the published programs.
    F32,
    /// bf16: half the memory; labels differ in about one pixel of 2,000.
    Bf16,
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
        match self {
            Self::F32 => Ok(Precision::F32),
            Self::Bf16 if is_gpu => Err(PrecisionError::Gpu {
                name: device.name.clone(),
                found: Precision::Bf16.key(),
            }),
            Self::Bf16 => Ok(Precision::Bf16),
            Self::Auto if is_gpu => Ok(Precision::F32),
            Self::Auto => Ok(usual_precision(kernels)),
        }
    }
}

impl PrecisionChoice {
    /// As [`PrecisionChoice::on`], for a network of `parameters` parameters: `auto` also takes bf16 weights on a CPU
    /// where those in f32 would take more than half of the memory that is free.
    ///
    /// # Errors
    /// As [`PrecisionChoice::on`].
    pub(super) fn of_network(
        self,
        device: &OpenDevice,
        kernels: Kernels,
        parameters: usize,
    ) -> Result<Precision, PrecisionError> {
        let usual = self.on(device, kernels)?;
        let may_change = self == Self::Auto && usual == Precision::F32 && device.device == Device::flex();
        match may_change && is_too_large(parameters, available_memory()) {
            true => {
                log::info!("bf16 weights, because {parameters} parameters in f32 take over half of the free memory");
                Ok(Precision::Bf16)
            }
            false => Ok(usual),
        }
    }
}

/// Whether `parameters` in f32 would take more than half of the `available` bytes.
fn is_too_large(parameters: usize, available: Option<u64>) -> bool {
    let bytes = (parameters as u64).saturating_mul(size_of::<f32>() as u64);
    available.is_some_and(|available| bytes > available / 2)
}

/// The precision that [`PrecisionChoice::Auto`] takes on a CPU with `kernels`.
pub fn usual_precision(kernels: Kernels) -> Precision {
    match kernels.isa().multiplies_bf16() {
        true => Precision::Bf16,
        false => Precision::F32,
    }
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

#[cfg(test)]
mod tests {
    use super::is_too_large;

    #[test]
    fn weights_are_too_large_for_half_of_the_free_memory() {
        assert!(!is_too_large(100, Some(800)));
        assert!(is_too_large(101, Some(800)));
        assert!(!is_too_large(usize::MAX, None));
        assert!(is_too_large(usize::MAX, Some(u64::MAX / 4)));
    }
}
