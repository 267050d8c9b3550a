//! AVX2 with FMA, with or without VNNI.

use std::arch::x86_64::{
    __m256, _mm256_add_epi32, _mm256_and_si256, _mm256_broadcast_ss, _mm256_castps_si256, _mm256_castsi256_ps,
    _mm256_cvtepi32_ps, _mm256_dpbusd_avx_epi32, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_ps, _mm256_slli_epi32, _mm256_storeu_ps,
};

use super::tile::{RawKernel, pairs_as_widened, peak_of, run, tile_of, tile_widened};
use super::vector::{Floats, Product, Vector};
use crate::numeric::kernels::{KernelTable, Operands, TILE_COLUMNS, Tile, TileKernel};

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
        unsafe { Lanes(_mm256_cvtepi32_ps(_mm256_castps_si256(sum.0))) }
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
        unsafe { Lanes(_mm256_cvtepi32_ps(_mm256_castps_si256(sum.0))) }
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

static F32: [RawKernel; 6] = [
    raw_f32::<1>,
    raw_f32::<2>,
    raw_f32::<3>,
    raw_f32::<4>,
    raw_f32::<5>,
    raw_f32::<6>,
];

static WIDENED: [RawKernel; 6] = [
    raw_widened::<1>,
    raw_widened::<2>,
    raw_widened::<3>,
    raw_widened::<4>,
    raw_widened::<5>,
    raw_widened::<6>,
];

static INT8: [RawKernel; 4] = [raw_int8::<1>, raw_int8::<2>, raw_int8::<3>, raw_int8::<4>];

static VNNI: [RawKernel; 6] = [
    raw_vnni::<1>,
    raw_vnni::<2>,
    raw_vnni::<3>,
    raw_vnni::<4>,
    raw_vnni::<5>,
    raw_vnni::<6>,
];

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

/// Products of f32 for as many sums as fit into the registers, `count` times.
pub(super) fn peak(count: usize, tile: &mut Tile) {
    let operands = [1.0f32.to_bits(); TILE_COLUMNS];
    let (operands, out) = (operands.as_ptr(), tile.as_flattened_mut().as_mut_ptr());
    // SAFETY: 2 vectors of operands and 6 rows of 2 vectors of the tile; [`Kernels::of`] gives this loop only to
    // processors with AVX2 and FMA.
    unsafe { raw_peak(operands, operands, count, out) }
}

/// The same with products of bytes.
pub(super) fn int8_peak(count: usize, tile: &mut Tile) {
    let operands = [0x0101_0101; TILE_COLUMNS];
    let (operands, out) = (operands.as_ptr(), tile.as_flattened_mut().as_mut_ptr());
    // SAFETY: as in `peak`.
    unsafe { raw_int8_peak(operands, operands, count, out) }
}

/// The same with VNNI.
pub(super) fn vnni_peak(count: usize, tile: &mut Tile) {
    let operands = [0x0101_0101; TILE_COLUMNS];
    let (operands, out) = (operands.as_ptr(), tile.as_flattened_mut().as_mut_ptr());
    // SAFETY: as in `peak`, and only for processors with AVX-VNNI.
    unsafe { raw_vnni_peak(operands, operands, count, out) }
}

/// Multiplications and additions of [`peak`] for each of its `count`.
pub(super) const PEAK_OPERATIONS: usize = 2 * 6 * 2 * Lanes::LANES;

/// Those of [`vnni_peak`].
pub(super) const VNNI_PEAK_OPERATIONS: usize = 4 * PEAK_OPERATIONS;

/// Those of [`int8_peak`].
pub(super) const INT8_PEAK_OPERATIONS: usize = 4 * 2 * 4 * 2 * Lanes::LANES;
