//! Resizing the grid of position embeddings to a picture of another size.

use burn::tensor::{Device, Tensor, TensorData};

use super::interpolation;
use super::spec::PositionResize;
use super::weights::HostTensor;

/// Position embeddings `[1, extra + rows * columns, dim]` for a patch grid, extra tokens kept as they are.
///
/// Like the published code (rstrudel segm/model/utils.py, `resize_pos_embed`) this looks at the number of tokens only:
/// a transposed grid with as many patches is used unchanged.
pub(super) fn for_grid(
    stored: Tensor<3>,
    stored_grid: [usize; 2],
    grid: [usize; 2],
    resize: PositionResize,
) -> Tensor<3> {
    if stored_grid[0] * stored_grid[1] == grid[0] * grid[1] {
        return stored;
    }
    let device = stored.device();
    let [_, tokens, dim] = stored.dims();
    let patches = stored_grid[0] * stored_grid[1];
    let extra = tokens - patches;
    let rows = stored
        .clone()
        .narrow(1, extra, patches)
        .reshape([stored_grid[0], stored_grid[1] * dim]);
    let rows = matrix(resize, stored_grid[0], grid[0], &device).matmul(rows);
    let columns = matrix(resize, stored_grid[1], grid[1], &device)
        .unsqueeze::<3>()
        .repeat_dim(0, grid[0])
        .matmul(rows.reshape([grid[0], stored_grid[1], dim]));
    let resized = columns.reshape([1, grid[0] * grid[1], dim]);
    match extra {
        0 => resized,
        _ => Tensor::cat(vec![stored.narrow(1, 0, extra), resized], 1),
    }
}

/// Position embeddings `[1, extra + rows * columns, dim]` in host memory for a grid of another size: what training
/// begins with, when pictures or patches have another size than the backbone's.
pub fn resized_positions(
    stored: &HostTensor,
    stored_grid: [usize; 2],
    grid: [usize; 2],
    resize: PositionResize,
) -> HostTensor {
    let dim = stored.shape.last().copied().unwrap_or(1);
    let data = TensorData::new(stored.values.clone(), [1, stored.values.len() / dim, dim]);
    let resized = for_grid(Tensor::from_data(data, &Device::flex()), stored_grid, grid, resize);
    HostTensor {
        shape: resized.dims().to_vec(),
        values: resized.into_data().try_into_vec().unwrap_or_default(),
    }
}

/// The matrix `[to, from]` of the interpolation along one side.
fn matrix(resize: PositionResize, from: usize, to: usize, device: &Device) -> Tensor<2> {
    match resize {
        PositionResize::Bilinear => interpolation::linear(from, to, false, device),
        PositionResize::Bicubic => interpolation::cubic(from, to, device),
    }
}
