//! The vector operations that the kernels are written with, once for every instruction set.

/// A vector register of 32-bit lanes.
///
/// The functions are inlined into kernels that are compiled for the instruction set.
pub(super) trait Vector: Copy {
    /// Number of lanes: 4, 8 or 16.
    const LANES: usize;

    /// All lanes 0.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn zero() -> Self;

    /// The lanes at `from`.
    ///
    /// # Safety
    /// The processor has the instruction set, and `LANES` values can be read at `from`.
    unsafe fn load(from: *const u32) -> Self;

    /// All lanes equal to the value at `from`.
    ///
    /// # Safety
    /// The processor has the instruction set, and a value can be read at `from`.
    unsafe fn broadcast(from: *const u32) -> Self;

    /// Writes the lanes to `to`.
    ///
    /// # Safety
    /// The processor has the instruction set, and `LANES` values can be written at `to`.
    unsafe fn store(self, to: *mut f32);

    /// `self + a * b` of f32 lanes, rounded once.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;

    /// The bf16 values in the lower halves of the lanes as f32.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn low(self) -> Self;

    /// The bf16 values in the upper halves of the lanes as f32.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn high(self) -> Self;
}

/// A vector register whose lanes can be multiplied as pairs of bf16.
#[cfg(target_arch = "x86_64")]
pub(super) trait Bf16Vector: Vector {
    /// `self + a.low * b.low + a.high * b.high` of lanes with two bf16 values each; the sums are f32.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn add_pair_products(self, a: Self, b: Self) -> Self;
}

/// What is done with a unit of a row and a unit of weights.
pub(super) trait Product<V: Vector> {
    /// `sum` and the product of `row` and `weight`.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn add(sum: V, row: V, weight: V) -> V;

    /// The sum as f32, where it is kept otherwise.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    unsafe fn finish(sum: V) -> V {
        sum
    }
}

/// Units of one f32.
pub(super) struct Floats;

impl<V: Vector> Product<V> for Floats {
    #[inline(always)]
    unsafe fn add(sum: V, row: V, weight: V) -> V {
        // SAFETY: as the trait demands.
        unsafe { sum.add_product(row, weight) }
    }
}

/// Units of two bf16.
#[cfg(target_arch = "x86_64")]
pub(super) struct Pairs;

#[cfg(target_arch = "x86_64")]
impl<V: Bf16Vector> Product<V> for Pairs {
    #[inline(always)]
    unsafe fn add(sum: V, row: V, weight: V) -> V {
        // SAFETY: as the trait demands.
        unsafe { sum.add_pair_products(row, weight) }
    }
}
