//! AVX-512 F, with or without VNNI and BF16.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm512_and_si512, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_cvtepi32_ps,
    _mm512_dpbf16_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_epi32, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_slli_epi32, _mm512_storeu_ps,
};

use super::{Peak, avx2};

use super::tile::{RawKernel, pairs_as_widened, peak_of, row_counts, run, tile_of, tile_widened};
use super::vector::{Bf16Vector, Floats, Pairs, Product, Vector};
use crate::numeric::kernels::{KernelTable, Operands, TILE_COLUMNS, Tile};

#[derive(Clone, Copy)]
struct Lanes(__m512);

// SAFETY of all functions: the trait's conditions are those of the intrinsics.
impl Vector for Lanes {
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> Self {
        unsafe { Self(_mm512_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        unsafe { Self(_mm512_loadu_ps(from.cast())) }
    }

    #[inline(always)]
    unsafe fn broadcast(from: *const u32) -> Self {
        unsafe { Self(_mm512_set1_ps(*from.cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        unsafe { Self(_mm512_fmadd_ps(a.0, b.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn low(self) -> Self {
        unsafe {
            let pairs = _mm512_castps_si512(self.0);
            Self(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(pairs)))
        }
    }

    #[inline(always)]
    unsafe fn high(self) -> Self {
        unsafe {
            let pairs = _mm512_castps_si512(self.0);
            let mask = _mm512_set1_epi32(0xffff_0000_u32.cast_signed());
            Self(_mm512_castsi512_ps(_mm512_and_si512(pairs, mask)))
        }
    }
}

impl Bf16Vector for Lanes {
    #[inline(always)]
    unsafe fn add_pair_products(self, a: Self, b: Self) -> Self {
        unsafe {
            // There is no intrinsic for this cast; both types are 64 bytes of any content.
            let a = std::mem::transmute::<__m512i, __m512bh>(_mm512_castps_si512(a.0));
            let b = std::mem::transmute::<__m512i, __m512bh>(_mm512_castps_si512(b.0));
            Self(_mm512_dpbf16_ps(self.0, a, b))
        }
    }
}

/// Units of four bytes.
struct Quads;

// SAFETY of all functions: the trait's conditions are those of the intrinsics.
impl Product<Lanes> for Quads {
    #[inline(always)]
    unsafe fn add(sum: Lanes, row: Lanes, weight: Lanes) -> Lanes {
        unsafe {
            let sum = _mm512_castps_si512(sum.0);
            let (row, weight) = (_mm512_castps_si512(row.0), _mm512_castps_si512(weight.0));
            Lanes(_mm512_castsi512_ps(_mm512_dpbusd_epi32(sum, row, weight)))
        }
    }

    #[inline(always)]
    unsafe fn finish(sum: Lanes) -> Lanes {
        unsafe { Lanes(_mm512_cvtepi32_ps(_mm512_castps_si512(sum.0))) }
    }
}

/// 32 registers: 24 for 12 x 32 sums, 2 for weights, 1 for an activation.
#[target_feature(enable = "avx512f")]
unsafe fn raw_f32<const M: usize>(x: *const u32, stride: usize, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { tile_of::<Lanes, Floats, M, 2>(x, stride, w, depth, out) }
}

#[target_feature(enable = "avx512f")]
unsafe fn raw_widened<const M: usize>(x: *const u32, stride: usize, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { tile_widened::<Lanes, M, 2>(x, stride, w, depth, out) }
}

#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn raw_bf16<const M: usize>(x: *const u32, stride: usize, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { tile_of::<Lanes, Pairs, M, 2>(x, stride, w, depth, out) }
}

#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn raw_int8<const M: usize>(x: *const u32, stride: usize, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { tile_of::<Lanes, Quads, M, 2>(x, stride, w, depth, out) }
}

static F32: [RawKernel; 12] = row_counts!(raw_f32: 1 2 3 4 5 6 7 8 9 10 11 12);
static WIDENED: [RawKernel; 12] = row_counts!(raw_widened: 1 2 3 4 5 6 7 8 9 10 11 12);
static BF16: [RawKernel; 12] = row_counts!(raw_bf16: 1 2 3 4 5 6 7 8 9 10 11 12);
static INT8: [RawKernel; 12] = row_counts!(raw_int8: 1 2 3 4 5 6 7 8 9 10 11 12);

fn f32(operands: &Operands, tile: &mut Tile) {
    // SAFETY: `Kernels::of` gives these kernels only to processors with AVX-512 F.
    unsafe { run(&F32, TILE_COLUMNS, operands, operands.depth, tile) }
}

fn widened(operands: &Operands, tile: &mut Tile) {
    // SAFETY: as above.
    unsafe { run(&WIDENED, TILE_COLUMNS, operands, 2 * operands.depth, tile) }
}

fn bf16(operands: &Operands, tile: &mut Tile) {
    // SAFETY: `Kernels::of` gives this kernel only to processors with AVX-512 F and BF16.
    unsafe { run(&BF16, TILE_COLUMNS, operands, operands.depth, tile) }
}

fn bf16_as_widened(operands: &Operands, tile: &mut Tile) {
    pairs_as_widened(operands, tile, widened);
}

fn int8(operands: &Operands, tile: &mut Tile) {
    // SAFETY: `Kernels::of` gives this kernel only to processors with AVX-512 F and VNNI.
    unsafe { run(&INT8, TILE_COLUMNS, operands, operands.depth, tile) }
}

pub(super) const KERNELS: KernelTable = KernelTable {
    f32,
    widened,
    bf16: bf16_as_widened,
    int8: avx2::BYTES.0,
    largest_pair: avx2::BYTES.1,
};

pub(super) const KERNELS_WITH_VNNI: KernelTable = KernelTable {
    int8,
    largest_pair: None,
    ..KERNELS
};

pub(super) const KERNELS_WITH_BF16: KernelTable = KernelTable {
    bf16,
    ..KERNELS_WITH_VNNI
};

#[target_feature(enable = "avx512f")]
unsafe fn raw_peak(x: *const u32, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { peak_of::<Lanes, Floats, 12, 2>(x, w, depth, out) }
}

#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn raw_bf16_peak(x: *const u32, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { peak_of::<Lanes, Pairs, 12, 2>(x, w, depth, out) }
}

#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn raw_vnni_peak(x: *const u32, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { peak_of::<Lanes, Quads, 12, 2>(x, w, depth, out) }
}

/// Products of f32 for as many sums as fit into the registers.
pub(super) const PEAK: Peak = Peak {
    raw: raw_peak,
    operand: 1.0f32.to_bits(),
    operations: 2 * 12 * 2 * Lanes::LANES,
};

/// The same of pairs of bf16.
pub(super) const BF16_PEAK: Peak = Peak {
    raw: raw_bf16_peak,
    operand: 0x3f80_3f80,
    operations: 2 * PEAK.operations,
};

/// The same of bytes.
pub(super) const VNNI_PEAK: Peak = Peak {
    raw: raw_vnni_peak,
    operand: 0x0101_0101,
    operations: 4 * PEAK.operations,
};
