//! The tile kernel: products of up to 12 rows of activations with 32 columns of packed weights.

use super::isa::Isa;
use super::{self_check, simd};

/// Rows of a tile.
pub(crate) const TILE_ROWS: usize = 12;

/// Columns of a tile, and output columns of a panel of packed weights.
pub(crate) const TILE_COLUMNS: usize = 32;

/// The output of one call of a kernel.
pub(crate) type Tile = [[f32; TILE_COLUMNS]; TILE_ROWS];

/// How values lie in units of 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One f32.
    F32,
    /// Two bf16, the first in the lower half.
    Bf16,
    /// Four bytes, the first at the lowest address. Activations are unsigned, weights signed.
    ///
    /// Two units follow the bytes of a row of activations: the [`super::quantise::RowScale`].
    Int8,
}

impl Format {
    /// Number of units of `values` values.
    pub fn units(self, values: usize) -> usize {
        match self {
            Self::F32 => values,
            Self::Bf16 => values.div_ceil(2),
            Self::Int8 => values.div_ceil(4),
        }
    }
}

/// What a product multiplies. Sums are f32, and those of bytes exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// f32 activations and f32 weights.
    F32,
    /// f32 activations and bf16 weights, which are widened to f32 in the kernel.
    Widened,
    /// bf16 activations and bf16 weights.
    Bf16,
    /// Bytes with a scale and an offset for each row of activations, and bytes with a scale for each output.
    Int8,
}

impl std::fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Widened => "bf16 weights",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        })
    }
}

impl Arithmetic {
    /// Format of the activations.
    pub fn rows(self) -> Format {
        match self {
            Self::F32 | Self::Widened => Format::F32,
            Self::Bf16 => Format::Bf16,
            Self::Int8 => Format::Int8,
        }
    }

    /// Format of the weights.
    pub fn weights(self) -> Format {
        match self {
            Self::F32 => Format::F32,
            Self::Widened | Self::Bf16 => Format::Bf16,
            Self::Int8 => Format::Int8,
        }
    }
}

/// The operands of a tile.
///
/// `panel` holds `depth` units for each of 32 output columns: those of columns 0 to 15, `[depth][16]`, then those of
/// columns 16 to 31. Each row of `rows` is `stride` units after the one before.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    pub(crate) rows: &'a [u32],
    pub(crate) stride: usize,
    pub(crate) count: usize,
    pub(crate) panel: &'a [u32],
    pub(crate) depth: usize,
}

impl Operands<'_> {
    /// Checks that every unit that a kernel reads is inside the slices, for rows of `units` units.
    ///
    /// # Panics
    /// When one is not, or there are no or too many rows.
    pub(super) fn check(&self, units: usize) {
        assert!((1..=TILE_ROWS).contains(&self.count), "expected 1 to 12 rows");
        let last = (self.count - 1).checked_mul(self.stride);
        let end = last.and_then(|last| last.checked_add(units));
        assert!(end.is_some_and(|end| end <= self.rows.len()), "rows end early");
        let panel = self.depth.checked_mul(TILE_COLUMNS);
        assert!(panel.is_some_and(|end| end <= self.panel.len()), "a panel ends early");
    }
}

/// A tile kernel: writes the products of `count` rows and the columns of a panel. Other rows of the tile are unchanged.
pub(super) type TileKernel = fn(&Operands<'_>, &mut Tile);

/// The kernels of an instruction set for each arithmetic.
#[derive(Clone, Copy)]
pub(super) struct KernelTable {
    pub(super) f32: TileKernel,
    pub(super) widened: TileKernel,
    pub(super) bf16: TileKernel,
    /// Writes the plain sums of products of bytes.
    pub(super) int8: TileKernel,
    /// The largest sum of two neighbouring weights of the same sign with which `int8` is exact, if there is one.
    pub(super) largest_pair: Option<u8>,
}

/// The kernels of an instruction set that this processor has.
#[derive(Clone, Copy)]
pub struct Kernels {
    isa: Isa,
    table: KernelTable,
}

/// Why the kernels of an instruction set cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KernelsError {
    /// The processor lacks it.
    #[error("expected an instruction set of this processor, found {0}")]
    Missing(Isa),
    /// A product differs from that of the portable kernels.
    #[error("the products of {0} are wrong on this processor; they are not used")]
    Wrong(Isa),
}

impl std::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kernels({:?})", self.isa)
    }
}

impl Kernels {
    /// The kernels of `isa`.
    ///
    /// # Errors
    /// When this processor lacks it, or a product of theirs is wrong.
    pub fn of(isa: Isa) -> Result<Self, KernelsError> {
        if !isa.is_detected() {
            return Err(KernelsError::Missing(isa));
        }
        let kernels = Self {
            isa,
            table: simd::kernels(isa),
        };
        match self_check::passes(&kernels) {
            true => Ok(kernels),
            false => Err(KernelsError::Wrong(isa)),
        }
    }

    /// The most capable kernels of this processor.
    pub fn best() -> Self {
        for isa in Isa::ALL {
            match Self::of(isa) {
                Ok(kernels) => return kernels,
                Err(KernelsError::Missing(_)) => {}
                Err(why) => log::error!("{why}"),
            }
        }
        Self::portable()
    }

    /// The kernels that run everywhere.
    pub fn portable() -> Self {
        Self {
            isa: Isa::Portable,
            table: simd::kernels(Isa::Portable),
        }
    }

    /// The kernels of every instruction set that this processor has.
    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let detected = Isa::ALL.into_iter().filter(|isa| isa.is_detected());
        detected.map(|isa| Self::of(isa).unwrap_or_else(|why| panic!("{why}")))
    }

    /// Their instruction set.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// The largest sum of two neighbouring weights of the same sign, as bytes: with a larger one, products would not be
    /// exact. The first and the second weight are neighbours, the third and the fourth, and so on.
    pub(crate) fn largest_pair(&self) -> Option<u8> {
        self.table.largest_pair
    }

    /// Whether products of bytes are exact for all weights.
    pub fn weighs_every_byte(&self) -> bool {
        self.table.largest_pair.is_none()
    }

    /// Runs the kernel for `arithmetic`; sums of products of bytes are not scaled.
    ///
    /// # Panics
    /// When the operands end early, or there are no or more than 12 rows.
    #[inline]
    pub(crate) fn tile(&self, arithmetic: Arithmetic, operands: &Operands, tile: &mut Tile) {
        match arithmetic {
            Arithmetic::F32 => (self.table.f32)(operands, tile),
            Arithmetic::Widened => (self.table.widened)(operands, tile),
            Arithmetic::Bf16 => (self.table.bf16)(operands, tile),
            Arithmetic::Int8 => (self.table.int8)(operands, tile),
        }
    }
}
