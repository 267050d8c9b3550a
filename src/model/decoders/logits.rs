//! The output of decoders.

use burn::tensor::Tensor;

/// Class logits on a grid.
#[derive(Clone, Debug)]
pub struct Logits {
    /// `[batch, rows * columns, classes]`, row by row.
    pub values: Tensor<3>,
    /// Rows and columns.
    pub grid: [usize; 2],
}

impl Logits {
    /// Logits from a map `[batch, rows, columns, classes]`.
    pub(super) fn of_map(map: Tensor<4>) -> Self {
        let [batch, rows, columns, classes] = map.dims();
        Self {
            values: map.reshape([batch, rows * columns, classes]),
            grid: [rows, columns],
        }
    }
}

/// Whether a head carries out its last upsampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastUpsampling {
    /// The head carries it out.
    Here,
    /// A head that would reach the window's size stops one bilinear step before it; the caller does the same step when
    /// it resizes the logits to the window. Only correct when the window is a multiple of the encoder's stride.
    LeftOut,
}
