//! Resizing the grid of position embeddings to a picture of another size.

use burn::tensor::{Device, Tensor, TensorData};

use crate::numeric::Between;

/// Position embeddings `[1, extra + rows * columns, dim]` for a patch grid, extra tokens kept as they are.
///
/// Like the published code (rstrudel segm/model/utils.py, `resize_pos_embed`) this looks at the number of tokens only:
/// a transposed grid with as many patches is used unchanged.
pub(super) fn for_grid(stored: Tensor<3>, stored_grid: [usize; 2], grid: [usize; 2]) -> Tensor<3> {
    if stored_grid[0] * stored_grid[1] == grid[0] * grid[1] {
        return stored;
    }
    let device = stored.device();
    let [_, tokens, dim] = stored.dims();
    let patches = stored_grid[0] * stored_grid[1];
    let extra = tokens - patches;
    let kept = stored.clone().narrow(1, 0, extra);
    let rows = stored
        .narrow(1, extra, patches)
        .reshape([stored_grid[0], stored_grid[1] * dim]);
    let rows = bilinear(stored_grid[0], grid[0], &device).matmul(rows);
    let columns = bilinear(stored_grid[1], grid[1], &device)
        .unsqueeze::<3>()
        .repeat_dim(0, grid[0])
        .matmul(rows.reshape([grid[0], stored_grid[1], dim]));
    Tensor::cat(vec![kept, columns.reshape([1, grid[0] * grid[1], dim])], 1)
}

/// The matrix `[to, from]` of linear interpolation with half-pixel centres (`align_corners` false).
fn bilinear(from: usize, to: usize, device: &Device) -> Tensor<2> {
    let mut values = vec![0.0f32; to * from];
    for (i, row) in values.chunks_exact_mut(from).enumerate() {
        let Between { low, high, weight } = Between::half_pixel(i, from, to);
        row[low] += 1.0 - weight;
        row[high] += weight;
    }
    Tensor::from_data(TensorData::new(values, [to, from]), device)
}
