//! NEON, which every 64-bit ARM processor has.

use std::arch::aarch64::{
    float32x4_t, vandq_u32, vdupq_n_f32, vdupq_n_u32, vfmaq_f32, vld1q_dup_f32, vld1q_f32, vreinterpretq_f32_u32,
    vreinterpretq_u32_f32, vshlq_n_u32, vst1q_f32,
};

use super::tile::{RawKernel, pairs_as_widened, peak_of, row_counts, run, tile_of, tile_widened};
use super::vector::{Floats, Vector};
use super::{Peak, portable};
use crate::numeric::kernels::{KernelTable, Operands, Tile};

#[derive(Clone, Copy)]
struct Lanes(float32x4_t);

// SAFETY of all functions: the trait's conditions are those of the intrinsics.
impl Vector for Lanes {
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        unsafe { Self(vdupq_n_f32(0.0)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        unsafe { Self(vld1q_f32(from.cast())) }
    }

    #[inline(always)]
    unsafe fn broadcast(from: *const u32) -> Self {
        unsafe { Self(vld1q_dup_f32(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { vst1q_f32(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        unsafe { Self(vfmaq_f32(self.0, a.0, b.0)) }
    }

    #[inline(always)]
    unsafe fn low(self) -> Self {
        unsafe {
            let pairs = vreinterpretq_u32_f32(self.0);
            Self(vreinterpretq_f32_u32(vshlq_n_u32::<16>(pairs)))
        }
    }

    #[inline(always)]
    unsafe fn high(self) -> Self {
        unsafe {
            let pairs = vreinterpretq_u32_f32(self.0);
            Self(vreinterpretq_f32_u32(vandq_u32(pairs, vdupq_n_u32(0xffff_0000))))
        }
    }
}

/// 32 registers: 24 for 6 x 16 sums, 4 for weights, 1 for an activation.
#[target_feature(enable = "neon")]
unsafe fn raw_f32<const M: usize>(x: *const u32, stride: usize, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { tile_of::<Lanes, Floats, M, 4>(x, stride, w, depth, out) }
}

#[target_feature(enable = "neon")]
unsafe fn raw_widened<const M: usize>(x: *const u32, stride: usize, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { tile_widened::<Lanes, M, 4>(x, stride, w, depth, out) }
}

/// Columns of a call.
const COLUMNS: usize = 16;

static F32: [RawKernel; 6] = row_counts!(raw_f32: 1 2 3 4 5 6);

/// With more rows, the registers would not last for both halves of the weights.
static WIDENED: [RawKernel; 4] = row_counts!(raw_widened: 1 2 3 4);

fn f32(operands: &Operands, tile: &mut Tile) {
    // SAFETY: `Kernels::of` gives these kernels only to processors with NEON.
    unsafe { run(&F32, COLUMNS, operands, operands.depth, tile) }
}

fn widened(operands: &Operands, tile: &mut Tile) {
    // SAFETY: as above.
    unsafe { run(&WIDENED, COLUMNS, operands, 2 * operands.depth, tile) }
}

fn bf16(operands: &Operands, tile: &mut Tile) {
    pairs_as_widened(operands, tile, widened);
}

/// Products of bytes are the portable ones: the instructions for them have no stable intrinsics.
pub(super) const KERNELS: KernelTable = KernelTable {
    f32,
    widened,
    bf16,
    ..portable::KERNELS
};

#[target_feature(enable = "neon")]
unsafe fn raw_peak(x: *const u32, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { peak_of::<Lanes, Floats, 6, 4>(x, w, depth, out) }
}

/// Products of f32 for as many sums as fit into the registers.
pub(super) const PEAK: Peak = Peak {
    raw: raw_peak,
    operand: 1.0f32.to_bits(),
    operations: 2 * 6 * 4 * Lanes::LANES,
};
