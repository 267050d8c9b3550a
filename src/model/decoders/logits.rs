//! What decoders put out.

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
    /// From a map `[batch, rows, columns, classes]`.
    pub(super) fn of_map(map: Tensor<4>) -> Self {
        let [batch, rows, columns, classes] = map.dims();
        Self {
            values: map.reshape([batch, rows * columns, classes]),
            grid: [rows, columns],
        }
    }
}

/// Whether a head carries out its own last upsampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastUpsampling {
    /// It does.
    Here,
    /// Where the head would arrive at the window's own size, it stops one bilinear step short of it: whoever resizes
    /// the logits to the window does the same step then. Only right when the window is a multiple of the encoder's
    /// stride.
    LeftOut,
}
