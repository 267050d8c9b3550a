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
use super::kernels::{Arithmetic, KernelTable, Tile};

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

/// A loop of products that wait for nothing but each other, and the operations in each of its repetitions.
pub(super) struct Peak {
    pub(super) repeat: fn(usize, &mut Tile),
    pub(super) operations: usize,
}

/// The loop for the peak of `isa`, which the processor must have; `None` for portable kernels.
pub(super) fn peak(isa: Isa, arithmetic: Arithmetic) -> Option<Peak> {
    match (isa, arithmetic) {
        #[cfg(target_arch = "aarch64")]
        (Isa::Neon, Arithmetic::F32 | Arithmetic::Widened | Arithmetic::Bf16) => Some(Peak {
            repeat: neon::peak,
            operations: neon::PEAK_OPERATIONS,
        }),
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx2 | Isa::Avx512, Arithmetic::Int8) => Some(Peak {
            repeat: avx2::int8_peak,
            operations: avx2::INT8_PEAK_OPERATIONS,
        }),
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx2Vnni, Arithmetic::Int8) => Some(Peak {
            repeat: avx2::vnni_peak,
            operations: avx2::VNNI_PEAK_OPERATIONS,
        }),
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx512Vnni | Isa::Avx512Bf16, Arithmetic::Int8) => Some(Peak {
            repeat: avx512::vnni_peak,
            operations: 4 * avx512::PEAK_OPERATIONS,
        }),
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx2 | Isa::Avx2Vnni, _) => Some(Peak {
            repeat: avx2::peak,
            operations: avx2::PEAK_OPERATIONS,
        }),
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx512Bf16, Arithmetic::Bf16) => Some(Peak {
            repeat: avx512::bf16_peak,
            operations: 2 * avx512::PEAK_OPERATIONS,
        }),
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx512 | Isa::Avx512Vnni | Isa::Avx512Bf16, _) => Some(Peak {
            repeat: avx512::peak,
            operations: avx512::PEAK_OPERATIONS,
        }),
        _ => None,
    }
}
