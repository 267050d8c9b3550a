//! Linear layers with packed weights.

use super::super::tensor_source::TensorSource;
use super::super::weights::HostTensor;
use super::tile_operations::{Columns, add_to_rows};
use crate::numeric::{Aligned, Arithmetic, Kernels, PackedMatrix, RowLayout, TILE_COLUMNS, Tile, TilePlace};

/// Weights and bias of a linear layer.
#[derive(Debug)]
pub(super) struct PreparedLinear {
    matrix: PackedMatrix,
    /// The bias of each panel's outputs; zeros if the layer has none.
    bias: Vec<Columns>,
}

impl PreparedLinear {
    /// Takes `name.weight`, `[out, in]` or a convolution's `[out, c, h, w]`, and `name.bias` out of `tensors`.
    pub(super) fn take<S: TensorSource>(
        tensors: &mut S,
        name: &str,
        arithmetic: Arithmetic,
        kernels: Kernels,
    ) -> Result<Self, S::Error> {
        let weight = tensors.take(&format!("{name}.weight"))?;
        let bias = tensors.take(&format!("{name}.bias"))?;
        Ok(Self::pack(&weight, &bias.values, arithmetic, kernels))
    }

    /// Packs a weight `[out, …]`, and a bias `[out]` or an empty one.
    pub(super) fn pack(weight: &HostTensor, bias: &[f32], arithmetic: Arithmetic, kernels: Kernels) -> Self {
        let outputs = weight.shape.first().copied().unwrap_or(0);
        let inputs = weight.shape.iter().skip(1).product();
        Self::of_values(&weight.values, [outputs, inputs], bias, arithmetic, kernels)
    }

    /// Packs weights `[outputs, inputs]`, and a bias `[outputs]` or an empty one.
    pub(super) fn of_values(
        weights: &[f32],
        [outputs, inputs]: [usize; 2],
        bias: &[f32],
        arithmetic: Arithmetic,
        kernels: Kernels,
    ) -> Self {
        Self {
            matrix: PackedMatrix::pack(weights, [outputs, inputs], arithmetic, kernels),
            bias: by_panel(bias, outputs),
        }
    }

    /// Layout of the rows that it reads.
    pub(super) fn input_layout(&self) -> RowLayout {
        self.matrix.row_layout()
    }

    pub(super) fn inputs(&self) -> usize {
        self.matrix.inputs()
    }

    pub(super) fn outputs(&self) -> usize {
        self.matrix.outputs()
    }

    pub(super) fn bytes(&self) -> usize {
        self.matrix.bytes() + size_of_val(&*self.bias)
    }

    /// Multiplies `count` rows of its input layout. `finish` gets one tile of products after another, with the bias,
    /// which is not added yet.
    pub(super) fn multiply(&self, rows: &[u32], count: usize, mut finish: impl FnMut(TilePlace, &mut Tile, &Columns)) {
        let stride = self.input_layout().stride;
        self.matrix.panels().multiply(rows, stride, count, |place, tile| {
            finish(place, tile, &self.bias[place.column / TILE_COLUMNS]);
        });
    }

    /// Adds the outputs for `rows` `[count, inputs]` to `out` `[count, outputs]`, on the calling thread; `memory` is
    /// scratch memory.
    pub(super) fn add_outputs(&self, rows: &[f32], memory: &mut Aligned, out: &mut [f32]) {
        let layout = self.input_layout();
        let count = rows.len() / self.inputs();
        if memory.units().len() < count * layout.stride {
            *memory = layout.memory(count);
        }
        let to = memory.units_mut().chunks_mut(layout.stride);
        for (row, to) in rows.chunks_exact(self.inputs()).zip(to) {
            layout.write(to, 0, row);
        }
        self.multiply(memory.units(), count, |place, tile, bias| {
            add_to_rows(tile, place, bias, out, self.outputs());
        });
    }
}

/// The values of `bias` for each panel of `outputs` columns; zeros beyond its end.
pub(super) fn by_panel(bias: &[f32], outputs: usize) -> Vec<Columns> {
    let mut columns = vec![[0.0; TILE_COLUMNS]; outputs.div_ceil(TILE_COLUMNS)];
    for (to, from) in columns.as_flattened_mut().iter_mut().zip(bias) {
        *to = *from;
    }
    columns
}
