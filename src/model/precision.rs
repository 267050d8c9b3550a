//! The precision of a network's products.

/// Precision of the products of a network; everything else is f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// f32: the results of the published program.
    F32,
    /// bf16 weights. Where the processor multiplies bf16, the other operands of products are rounded to bf16 too.
    Bf16,
    /// Weights of a block as bytes with a scale for each output, and what they are multiplied with as bytes with a scale
    /// and an offset for each row; everything else as in [`Precision::Bf16`].
    Int8,
}

impl Precision {
    /// Name in settings and reports.
    pub fn key(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }
}
