//! What the products of a prepared network multiply.

use std::fmt;

use super::super::precision::Precision;
use crate::numeric::{Arithmetic, Kernels};

/// What the products of each kind of layer multiply.
///
/// Residual stream, norms, sums of softmax and cosines are f32 in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProductPlan {
    /// Queries, keys and values of a block.
    pub qkv: Arithmetic,
    /// What follows the attention of a block.
    pub proj: Arithmetic,
    /// The first layer of a block's MLP.
    pub fc1: Arithmetic,
    /// The second layer of a block's MLP.
    pub fc2: Arithmetic,
    /// Patch embedding, and the linear layers and 1x1 convolutions of decoders outside of blocks; the linear decoder
    /// multiplies f32 in every plan.
    pub rest: Arithmetic,
    /// Products of two activations in attention, and 3x3 convolutions: [`Arithmetic::F32`] or [`Arithmetic::Bf16`].
    pub operands: Arithmetic,
}

impl ProductPlan {
    /// The plan of a precision.
    ///
    /// int8 leaves embedding, heads and attention as in bf16: they are 3 % of the work and lose the most. Of the layers of
    /// a block, `fc2` loses most: it stays as in bf16 where kernels do not take every byte as a weight.
    pub fn of(precision: Precision, kernels: Kernels) -> Self {
        let linear = |linear, operands| Self {
            qkv: linear,
            proj: linear,
            fc1: linear,
            fc2: linear,
            rest: linear,
            operands,
        };
        let bf16 = match kernels.isa().multiplies_bf16() {
            true => linear(Arithmetic::Bf16, Arithmetic::Bf16),
            false => linear(Arithmetic::Widened, Arithmetic::F32),
        };
        match precision {
            Precision::F32 => linear(Arithmetic::F32, Arithmetic::F32),
            Precision::Bf16 => bf16,
            Precision::Int8 => Self {
                fc2: match kernels.weighs_every_byte() {
                    true => Arithmetic::Int8,
                    false => bf16.fc2,
                },
                rest: bf16.rest,
                ..linear(Arithmetic::Int8, bf16.operands)
            },
        }
    }

    /// The plan for blocks with heads of this width: one that begins in the middle of a pair cannot be read as bf16.
    pub(super) fn for_heads(self, width: usize) -> Self {
        let widened = |arithmetic| match arithmetic {
            Arithmetic::Bf16 => Arithmetic::Widened,
            other => other,
        };
        match self.operands {
            Arithmetic::Bf16 if !width.is_multiple_of(2) => Self {
                qkv: widened(self.qkv),
                proj: widened(self.proj),
                fc1: widened(self.fc1),
                fc2: widened(self.fc2),
                rest: widened(self.rest),
                operands: Arithmetic::F32,
            },
            _ => self,
        }
    }
}

impl fmt::Display for ProductPlan {
    /// Each kind of layer with what it multiplies, such as `qkv int8, …, attention and 3x3 convolutions f32`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            qkv,
            proj,
            fc1,
            fc2,
            rest,
            operands,
        } = self;
        write!(
            f,
            "qkv {qkv}, proj {proj}, fc1 {fc1}, fc2 {fc2}, other layers {rest}, attention and 3x3 convolutions {operands}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::Isa;

    #[test]
    fn plans_can_be_printed() {
        let plan = |precision, isa| ProductPlan::of(precision, Kernels::of(isa).expect("kernels")).to_string();
        let widened = "bf16 weights";
        assert_eq!(
            plan(Precision::Int8, Isa::Portable),
            format!(
                "qkv int8, proj int8, fc1 int8, fc2 int8, other layers {widened}, attention and 3x3 convolutions f32"
            )
        );
        assert_eq!(
            plan(Precision::Bf16, Isa::PortableBf16),
            "qkv bf16, proj bf16, fc1 bf16, fc2 bf16, other layers bf16, attention and 3x3 convolutions bf16"
        );
    }

    #[test]
    fn fc2_multiplies_bytes_only_where_every_weight_can_be_one() {
        for kernels in Kernels::all() {
            let plan = ProductPlan::of(Precision::Int8, kernels);
            assert_eq!(plan.fc1, Arithmetic::Int8);
            assert_eq!(plan.fc2 == Arithmetic::Int8, kernels.weighs_every_byte(), "{kernels:?}");
        }
    }

    #[test]
    fn odd_heads_are_not_read_as_pairs() {
        let kernels = Kernels::of(Isa::PortableBf16).expect("kernels");
        for precision in [Precision::Bf16, Precision::Int8] {
            let plan = ProductPlan::of(precision, kernels);
            assert_eq!(plan.for_heads(64), plan);
            let odd = plan.for_heads(3);
            assert_eq!([odd.rest, odd.operands], [Arithmetic::Widened, Arithmetic::F32]);
        }
        let int8 = ProductPlan::of(Precision::Int8, kernels).for_heads(3);
        assert_eq!(int8.fc2, Arithmetic::Int8);
    }
}
