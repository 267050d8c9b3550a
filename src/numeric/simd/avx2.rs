//! AVX2 with FMA, with or without VNNI.

use std::arch::x86_64::{
    __m256, _mm256_add_epi32, _mm256_and_si256, _mm256_broadcast_ss, _mm256_castps_si256, _mm256_castsi256_ps,
    _mm256_cvtepi32_ps, _mm256_dpbusd_avx_epi32, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_ps, _mm256_slli_epi32, _mm256_storeu_ps,
};

use super::Peak;
use super::tile::{RawKernel, pairs_as_widened, peak_of, row_counts, run, tile_of, tile_widened};
use super::vector::{Floats, Product, Vector};
use crate::numeric::kernels::{KernelTable, Operands, Tile, TileKernel};

#[derive(Clone, Copy)]
struct Lanes(__m256);

// SAFETY of all functions: the trait's conditions are those of the intrinsics.
impl Vector for Lanes {
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn zero() -> Self {
        unsafe { Self(_mm256_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        unsafe { Self(_mm256_loadu_ps(from.cast())) }
    }

    #[inline(always)]
    unsafe fn broadcast(from: *const u32) -> Self {
        unsafe { Self(_mm256_broadcast_ss(&*from.cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        unsafe { Self(_mm256_fmadd_ps(a.0, b.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn low(self) -> Self {
        unsafe {
            let pairs = _mm256_castps_si256(self.0);
            Self(_mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)))
        }
    }

    #[inline(always)]
    unsafe fn high(self) -> Self {
        unsafe {
            let pairs = _mm256_castps_si256(self.0);
            let mask = _mm256_set1_epi32(0xffff_0000_u32.cast_signed());
            Self(_mm256_castsi256_ps(_mm256_and_si256(pairs, mask)))
        }
    }
}

/// Whole numbers as f32.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn floats(sums: Lanes) -> Lanes {
    // SAFETY: as above.
    unsafe { Lanes(_mm256_cvtepi32_ps(_mm256_castps_si256(sums.0))) }
}

/// Units of four bytes, by way of sums of two products in 16 bits.
struct Quads;

// SAFETY of all functions: the trait's conditions are those of the intrinsics.
impl Product<Lanes> for Quads {
    #[inline(always)]
    unsafe fn add(sum: Lanes, row: Lanes, weight: Lanes) -> Lanes {
        unsafe {
            let pairs = _mm256_maddubs_epi16(_mm256_castps_si256(row.0), _mm256_castps_si256(weight.0));
            let quads = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
            let sum = _mm256_add_epi32(_mm256_castps_si256(sum.0), quads);
            Lanes(_mm256_castsi256_ps(sum))
        }
    }

    #[inline(always)]
    unsafe fn finish(sum: Lanes) -> Lanes {
        unsafe { floats(sum) }
    }
}

/// Units of four bytes, with one instruction.
struct VnniQuads;

// SAFETY of all functions: the trait's conditions are those of the intrinsics.
impl Product<Lanes> for VnniQuads {
    #[inline(always)]
    unsafe fn add(sum: Lanes, row: Lanes, weight: Lanes) -> Lanes {
        unsafe {
            let sum = _mm256_castps_si256(sum.0);
            let (row, weight) = (_mm256_castps_si256(row.0), _mm256_castps_si256(weight.0));
            Lanes(_mm256_castsi256_ps(_mm256_dpbusd_avx_epi32(sum, row, weight)))
        }
    }

    #[inline(always)]
    unsafe fn finish(sum: Lanes) -> Lanes {
        unsafe { floats(sum) }
    }
}

/// 16 registers: 12 for 6 x 16 sums, 2 for weights, 1 for an activation.
#[target_feature(enable = "avx2,fma")]
unsafe fn raw_f32<const M: usize>(x: *const u32, stride: usize, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { tile_of::<Lanes, Floats, M, 2>(x, stride, w, depth, out) }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn raw_widened<const M: usize>(x: *const u32, stride: usize, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { tile_widened::<Lanes, M, 2>(x, stride, w, depth, out) }
}

/// 16 registers: 8 for 4 x 16 sums, 2 for weights, 1 for an activation, 1 for the ones, and the products.
#[target_feature(enable = "avx2,fma")]
unsafe fn raw_int8<const M: usize>(x: *const u32, stride: usize, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { tile_of::<Lanes, Quads, M, 2>(x, stride, w, depth, out) }
}

#[target_feature(enable = "avx2,fma,avxvnni")]
unsafe fn raw_vnni<const M: usize>(x: *const u32, stride: usize, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { tile_of::<Lanes, VnniQuads, M, 2>(x, stride, w, depth, out) }
}

/// Columns of a call.
const COLUMNS: usize = 16;

static F32: [RawKernel; 6] = row_counts!(raw_f32: 1 2 3 4 5 6);

static WIDENED: [RawKernel; 6] = row_counts!(raw_widened: 1 2 3 4 5 6);

static INT8: [RawKernel; 4] = row_counts!(raw_int8: 1 2 3 4);

static VNNI: [RawKernel; 6] = row_counts!(raw_vnni: 1 2 3 4 5 6);

fn f32(operands: &Operands, tile: &mut Tile) {
    // SAFETY: `Kernels::of` gives these kernels only to processors with AVX2 and FMA.
    unsafe { run(&F32, COLUMNS, operands, operands.depth, tile) }
}

fn widened(operands: &Operands, tile: &mut Tile) {
    // SAFETY: as above.
    unsafe { run(&WIDENED, COLUMNS, operands, 2 * operands.depth, tile) }
}

fn bf16(operands: &Operands, tile: &mut Tile) {
    pairs_as_widened(operands, tile, widened);
}

fn int8(operands: &Operands, tile: &mut Tile) {
    // SAFETY: as above.
    unsafe { run(&INT8, COLUMNS, operands, operands.depth, tile) }
}

/// The kernel for products of bytes, for processors with AVX2, and the largest sum of two neighbouring weights: 255 times
/// as much is below 2^15.
pub(super) const BYTES: (TileKernel, Option<u8>) = (int8, Some(128));

fn vnni(operands: &Operands, tile: &mut Tile) {
    // SAFETY: `Kernels::of` gives this kernel only to processors with AVX2, FMA and AVX-VNNI.
    unsafe { run(&VNNI, COLUMNS, operands, operands.depth, tile) }
}

pub(super) const KERNELS: KernelTable = KernelTable {
    f32,
    widened,
    bf16,
    int8: BYTES.0,
    largest_pair: BYTES.1,
};

pub(super) const KERNELS_WITH_VNNI: KernelTable = KernelTable {
    int8: vnni,
    largest_pair: None,
    ..KERNELS
};

#[target_feature(enable = "avx2,fma")]
unsafe fn raw_peak(x: *const u32, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { peak_of::<Lanes, Floats, 6, 2>(x, w, depth, out) }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn raw_int8_peak(x: *const u32, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { peak_of::<Lanes, Quads, 4, 2>(x, w, depth, out) }
}

#[target_feature(enable = "avx2,fma,avxvnni")]
unsafe fn raw_vnni_peak(x: *const u32, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { peak_of::<Lanes, VnniQuads, 6, 2>(x, w, depth, out) }
}

/// Products of f32 for as many sums as fit into the registers.
pub(super) const PEAK: Peak = Peak {
    raw: raw_peak,
    operand: 1.0f32.to_bits(),
    operations: 2 * 6 * 2 * Lanes::LANES,
};

/// The same of bytes.
pub(super) const INT8_PEAK: Peak = Peak {
    raw: raw_int8_peak,
    operand: 0x0101_0101,
    operations: 4 * 2 * 4 * 2 * Lanes::LANES,
};

/// The same of bytes with VNNI.
pub(super) const VNNI_PEAK: Peak = Peak {
    raw: raw_vnni_peak,
    operand: 0x0101_0101,
    operations: 4 * PEAK.operations,
};
