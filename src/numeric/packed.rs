//! Weights in the order in which the kernels read them.

use rayon::prelude::*;

use super::aligned::Aligned;
use super::bf16::pair;
use super::kernels::{Arithmetic, Format, Kernels, TILE_COLUMNS};
use super::panels::{HALF, Panels};
use super::quantise::{WeightScales, quantise_weights};
use super::rows::RowLayout;

/// The weights `[outputs, inputs]` of a linear layer, packed once for many products.
///
/// Panels of 32 outputs, padded with zeros; see [`super::kernels::Operands`].
pub(crate) struct PackedMatrix {
    kernels: Kernels,
    arithmetic: Arithmetic,
    outputs: usize,
    inputs: usize,
    panels: Aligned,
    /// Of bytes.
    scales: Option<Scales>,
}

/// See [`WeightScales`].
struct Scales {
    steps: Vec<[f32; TILE_COLUMNS]>,
    sums: Vec<[f32; TILE_COLUMNS]>,
}

/// The largest number of bytes of which a sum of products fits in 32 bits, whatever they are.
const MOST_BYTES: usize = (i32::MAX / (255 * 127)) as usize;

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
    /// When there are not `outputs * inputs` weights, or too many inputs for sums of bytes in 32 bits.
    pub(crate) fn pack(
        weights: &[f32],
        [outputs, inputs]: [usize; 2],
        arithmetic: Arithmetic,
        kernels: Kernels,
    ) -> Self {
        assert_eq!(weights.len(), outputs * inputs, "weights of another size");
        let count = outputs.div_ceil(TILE_COLUMNS);
        let mut packed = Self {
            kernels,
            arithmetic,
            outputs,
            inputs,
            panels: Aligned::new(count * TILE_COLUMNS * arithmetic.weights().units(inputs)),
            scales: None,
        };
        if inputs == 0 {
            return packed;
        }
        match arithmetic.weights() {
            Format::F32 => packed.fill(weights, |unit, values| *unit = values[0].to_bits(), 1),
            Format::Bf16 => packed.fill(
                weights,
                |unit, values| *unit = pair(values[0], values.get(1).copied().unwrap_or(0.0)),
                2,
            ),
            Format::Int8 => packed.fill_with_bytes(weights),
        }
        packed
    }

    /// Writes each column's units, each of `values_per_unit` weights.
    fn fill(&mut self, weights: &[f32], put: impl Fn(&mut u32, &[f32]) + Sync, values_per_unit: usize) {
        let halves = self
            .panels
            .units_mut()
            .par_chunks_mut(HALF * self.inputs.div_ceil(values_per_unit));
        halves
            .zip(weights.par_chunks(HALF * self.inputs))
            .for_each(|(half, rows)| {
                for (column, row) in rows.chunks_exact(self.inputs).enumerate() {
                    let to = half.iter_mut().skip(column).step_by(HALF);
                    to.zip(row.chunks(values_per_unit))
                        .for_each(|(unit, values)| put(unit, values));
                }
            });
    }

    fn fill_with_bytes(&mut self, weights: &[f32]) {
        assert!(
            self.inputs <= MOST_BYTES,
            "expected at most {MOST_BYTES} inputs, found {}",
            self.inputs
        );
        let [steps, sums] = [(); 2].map(|()| vec![[0.0; TILE_COLUMNS]; self.outputs.div_ceil(TILE_COLUMNS)]);
        let mut scales = Scales { steps, sums };
        let depth = Format::Int8.units(self.inputs);
        let steps = scales.steps.as_flattened_mut().par_chunks_mut(HALF);
        let sums = scales.sums.as_flattened_mut().par_chunks_mut(HALF);
        let halves = self.panels.units_mut().par_chunks_mut(HALF * depth);
        let rows = weights.par_chunks(HALF * self.inputs);
        let largest_pair = self.kernels.largest_pair();
        halves
            .zip(rows)
            .zip(steps.zip(sums))
            .for_each(|((half, rows), (steps, sums))| {
                let scales = steps.iter_mut().zip(sums);
                for ((column, row), (step, sum)) in rows.chunks_exact(self.inputs).enumerate().zip(scales) {
                    let bytes: &mut [u8] = bytemuck::cast_slice_mut(half);
                    [*step, *sum] = quantise_weights(row, largest_pair, |i, byte| {
                        bytes[(i / 4 * HALF + column) * 4 + i % 4] = byte
                    });
                }
            });
        self.scales = Some(scales);
    }

    /// Number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Number of inputs.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let scales = self
            .scales
            .as_ref()
            .map_or(0, |scales| size_of_val(&*scales.steps) + size_of_val(&*scales.sums));
        size_of_val(self.panels.units()) + scales
    }

    /// Layout of the rows that it multiplies.
    pub(crate) fn row_layout(&self) -> RowLayout {
        RowLayout::for_products(self.arithmetic, self.inputs)
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
            scales: self.scales.as_ref().map(|scales| WeightScales {
                steps: &scales.steps,
                sums: &scales.sums,
            }),
        }
    }
}
