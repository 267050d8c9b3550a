//! The precision of a network's products.

/// Precision of the products of a network; everything else is f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// f32: the results of the published program.
    F32,
    /// bf16 weights. Where the processor multiplies bf16, the other operands of products are rounded to bf16 too.
    Bf16,
}

impl Precision {
    /// Name in settings and reports.
    pub fn key(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }
}
