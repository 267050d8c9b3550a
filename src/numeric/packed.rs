//! Weights in the order in which the kernels read them.

use rayon::prelude::*;

use super::aligned::Aligned;
use super::bf16::pair;
use super::kernels::{Arithmetic, Format, Kernels, TILE_COLUMNS};
use super::panels::{HALF, Panels};

/// The weights `[outputs, inputs]` of a linear layer, packed once for many products.
///
/// Panels of 32 outputs, padded with zeros; see [`super::kernels::Operands`].
pub(crate) struct PackedMatrix {
    kernels: Kernels,
    arithmetic: Arithmetic,
    outputs: usize,
    inputs: usize,
    panels: Aligned,
}

impl std::fmt::Debug for PackedMatrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "PackedMatrix([{}, {}], {:?})",
            self.outputs, self.inputs, self.arithmetic
        )
    }
}

impl PackedMatrix {
    /// Packs `weights`, row by row `[outputs, inputs]`.
    ///
    /// # Panics
    /// When there are not `outputs * inputs` weights.
    pub(crate) fn pack(
        weights: &[f32],
        [outputs, inputs]: [usize; 2],
        arithmetic: Arithmetic,
        kernels: Kernels,
    ) -> Self {
        assert_eq!(weights.len(), outputs * inputs, "weights of another size");
        let depth = arithmetic.weights().units(inputs);
        let mut panels = Aligned::new(outputs.div_ceil(TILE_COLUMNS) * TILE_COLUMNS * depth);
        if depth > 0 {
            let halves = panels.units_mut().par_chunks_mut(HALF * depth).enumerate();
            halves.for_each(|(i, half)| {
                let rows = weights.chunks_exact(inputs).skip(i * HALF).take(HALF);
                for (column, row) in rows.enumerate() {
                    let to = half.iter_mut().skip(column).step_by(HALF);
                    match arithmetic.weights() {
                        Format::F32 => to.zip(row).for_each(|(unit, value)| *unit = value.to_bits()),
                        Format::Bf16 => to.zip(row.chunks(2)).for_each(|(unit, values)| {
                            *unit = pair(values[0], values.get(1).copied().unwrap_or(0.0));
                        }),
                    }
                }
            });
        }
        Self {
            kernels,
            arithmetic,
            outputs,
            inputs,
            panels,
        }
    }

    /// Number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Number of inputs.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// What its products multiply.
    pub(crate) fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
    }

    /// Size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.panels.units())
    }

    /// The matrix as the right operand of products.
    #[inline]
    pub(crate) fn panels(&self) -> Panels<'_> {
        Panels {
            kernels: self.kernels,
            arithmetic: self.arithmetic,
            units: self.panels.units(),
            depth: self.arithmetic.weights().units(self.inputs),
            columns: self.outputs,
        }
    }
}
