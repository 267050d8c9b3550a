//! The kernels of each instruction set. Together with the call of the gemm crate this is the only unsafe code.

#![expect(
    unsafe_code,
    reason = "vector instructions on slices whose bounds are checked once a tile"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod tile;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod vector;

use super::isa::Isa;
use super::kernels::{Arithmetic, KernelTable, TILE_COLUMNS, Tile};

/// The kernels of `isa`. They may only be called if the processor has it.
pub(super) fn kernels(isa: Isa) -> KernelTable {
    match isa {
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => neon::KERNELS,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2::KERNELS,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2Vnni => avx2::KERNELS_WITH_VNNI,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512::KERNELS,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni => avx512::KERNELS_WITH_VNNI,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Bf16 => avx512::KERNELS_WITH_BF16,
        _ => portable::KERNELS,
    }
}

/// A loop of products that wait for nothing but each other.
pub(super) struct Peak {
    /// The loop: a unit for each row, vectors of weights, how often, sums in a [`Tile`]; see `tile::peak_of`.
    raw: unsafe fn(*const u32, *const u32, usize, *mut f32),
    /// Every unit of both operands.
    operand: u32,
    /// Multiplications and additions in each of its repetitions.
    pub(super) operations: usize,
}

impl Peak {
    /// Runs the loop `count` times.
    pub(super) fn repeat(&self, count: usize, tile: &mut Tile) {
        let operands = [self.operand; TILE_COLUMNS];
        let (operands, out) = (operands.as_ptr(), tile.as_flattened_mut().as_mut_ptr());
        // SAFETY: 12 rows are the most that a loop reads, and 32 columns the most that it reads and writes. [`peak`] is
        // called for kernels, which `Kernels::of` gives only to processors with their instruction set.
        unsafe { (self.raw)(operands, operands, count, out) }
    }
}

/// The loop for the peak of `isa`, which the processor must have; `None` for portable kernels.
pub(super) fn peak(isa: Isa, arithmetic: Arithmetic) -> Option<Peak> {
    match (isa, arithmetic) {
        #[cfg(target_arch = "aarch64")]
        (Isa::Neon, Arithmetic::F32 | Arithmetic::Widened | Arithmetic::Bf16) => Some(neon::PEAK),
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx2 | Isa::Avx512, Arithmetic::Int8) => Some(avx2::INT8_PEAK),
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx2Vnni, Arithmetic::Int8) => Some(avx2::VNNI_PEAK),
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx512Vnni | Isa::Avx512Bf16, Arithmetic::Int8) => Some(avx512::VNNI_PEAK),
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx2 | Isa::Avx2Vnni, _) => Some(avx2::PEAK),
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx512Bf16, Arithmetic::Bf16) => Some(avx512::BF16_PEAK),
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx512 | Isa::Avx512Vnni | Isa::Avx512Bf16, _) => Some(avx512::PEAK),
        _ => None,
    }
}
