//! AVX2 with FMA.

use std::arch::x86_64::{
    __m256, _mm256_and_si256, _mm256_broadcast_ss, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_set1_epi32, _mm256_setzero_ps, _mm256_slli_epi32, _mm256_storeu_ps,
};

use super::tile::{RawKernel, pairs_as_widened, peak_of, run, tile_of, tile_widened};
use super::vector::{Floats, Vector};
use crate::numeric::kernels::{Operands, Tile, TileKernel};

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

/// The kernels for f32, for widened and for bf16 weights.
pub(super) const KERNELS: [TileKernel; 3] = [f32, widened, bf16];

#[target_feature(enable = "avx2,fma")]
unsafe fn raw_peak(x: *const u32, w: *const u32, depth: usize, out: *mut f32) {
    // SAFETY: as `RawKernel` demands.
    unsafe { peak_of::<Lanes, Floats, 6, 2>(x, w, depth, out) }
}

/// As many products of f32 as fit into the registers, `count` times.
pub(super) fn peak(count: usize, tile: &mut Tile) {
    let operands = [1.0f32.to_bits(); 16];
    // SAFETY: one vector of operands and 6 rows of 2 vectors of the tile; [`Kernels::of`] gives this loop only to
    // processors with AVX2 and FMA.
    unsafe {
        raw_peak(
            operands.as_ptr(),
            operands.as_ptr(),
            count,
            tile.as_flattened_mut().as_mut_ptr(),
        )
    }
}

/// Multiplications and additions of [`peak`] for each of its `count`.
pub(super) const PEAK_OPERATIONS: usize = 2 * 6 * 2 * Lanes::LANES;
