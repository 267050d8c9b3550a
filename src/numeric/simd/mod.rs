//! The kernels of each instruction set. Together with the call of the gemm crate this is the only unsafe code.

#![expect(
    unsafe_code,
    reason = "vector instructions on slices whose bounds are checked once a tile"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
#[cfg(target_arch = "x86_64")]
mod tile;
#[cfg(target_arch = "x86_64")]
mod vector;

use super::isa::Isa;
use super::kernels::TileKernel;

/// The kernels of `isa` for f32, for widened and for bf16 weights. They may only be called if the processor has it.
pub(super) fn kernels(isa: Isa) -> [TileKernel; 3] {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2::KERNELS,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512::KERNELS,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Bf16 => avx512::KERNELS_WITH_BF16,
        _ => portable::KERNELS,
    }
}
