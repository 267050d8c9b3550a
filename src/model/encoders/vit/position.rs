//! Resizing the grid of position embeddings to an image of another size.

use std::borrow::Cow;

use burn::tensor::{Device, Tensor, TensorData};

use super::spec::PositionResize;
use crate::model::interpolation;
use crate::model::weights::HostTensor;

/// Position embeddings `[1, extra + rows * columns, dim]` for a patch grid, extra tokens kept as they are.
///
/// Like the published code (rstrudel segm/model/utils.py, `resize_pos_embed`) this compares only the number of patches:
/// a transposed grid with as many patches is used unchanged.
pub(in crate::model) fn position_tensor_for_grid(
    stored: Tensor<3>,
    stored_grid: [usize; 2],
    grid: [usize; 2],
    resize: PositionResize,
) -> Tensor<3> {
    if stored_grid[0] * stored_grid[1] == grid[0] * grid[1] {
        return stored;
    }
    resized(stored, stored_grid, grid, resize)
}

/// The same, resized even if the number of patches is equal.
fn resized(stored: Tensor<3>, stored_grid: [usize; 2], grid: [usize; 2], resize: PositionResize) -> Tensor<3> {
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

/// Position embeddings `[1, extra + rows * columns, dim]` in host memory for a grid of another size. Training starts
/// with them when the sizes of images or patches differ from the backbone's.
pub fn resized_positions(
    stored: &HostTensor,
    stored_grid: [usize; 2],
    grid: [usize; 2],
    resize: PositionResize,
) -> HostTensor {
    if stored_grid == grid {
        return stored.clone();
    }
    let dim = stored.shape.last().copied().unwrap_or(1);
    let data = TensorData::new(stored.values.clone(), [1, stored.values.len() / dim, dim]);
    let resized = resized(Tensor::from_data(data, &Device::flex()), stored_grid, grid, resize);
    HostTensor {
        shape: resized.dims().to_vec(),
        values: resized.into_data().try_into_vec().unwrap_or_default(),
    }
}

/// Position embeddings `[extra + rows * columns, dim]` in host memory for a patch grid, by the rule of
/// [`position_tensor_for_grid`].
pub(in crate::model) fn positions_for_grid(
    stored: &HostTensor,
    stored_grid: [usize; 2],
    grid: [usize; 2],
    resize: PositionResize,
) -> Cow<'_, [f32]> {
    if stored_grid[0] * stored_grid[1] == grid[0] * grid[1] {
        return Cow::Borrowed(&stored.values);
    }
    Cow::Owned(resized_positions(stored, stored_grid, grid, resize).values)
}

/// The matrix `[to, from]` of the interpolation along one side.
fn matrix(resize: PositionResize, from: usize, to: usize, device: &Device) -> Tensor<2> {
    match resize {
        PositionResize::Bilinear => interpolation::linear(from, to, false, device),
        PositionResize::Bicubic => interpolation::cubic(from, to, device),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::Interpolation;

    /// Positions of width 1: 100 for one token that is not a patch, then the results of `value` row by row.
    fn positions([rows, columns]: [usize; 2], value: impl Fn(usize, usize) -> f32) -> HostTensor {
        let patches = (0..rows * columns).map(|i| value(i / columns, i % columns));
        HostTensor {
            shape: vec![1, 1 + rows * columns, 1],
            values: std::iter::once(100.0).chain(patches).collect(),
        }
    }

    #[test]
    fn a_rectangle_is_resized_along_each_of_its_sides() {
        let value = |row: usize, column: usize| (row * row * 7 + column * column * 3) as f32;
        let stored = positions([2, 4], value);
        // The last has as many patches as the stored one.
        for grid in [[4, 8], [3, 3], [5, 2], [4, 2]] {
            let found = resized_positions(&stored, [2, 4], grid, PositionResize::Bilinear);
            let expected = positions(grid, |row, column| {
                let (down, across) = (
                    Interpolation::half_pixel(row, 2, grid[0]),
                    Interpolation::half_pixel(column, 4, grid[1]),
                );
                let along = |row: usize| {
                    let [low, high] = [across.low, across.high].map(|column| value(row, column));
                    low + (high - low) * across.weight
                };
                along(down.low) + (along(down.high) - along(down.low)) * down.weight
            });
            assert_eq!(found.shape, expected.shape);
            for (found, expected) in found.values.iter().zip(&expected.values) {
                assert!((found - expected).abs() < 1e-4, "{grid:?}: {found} {expected}");
            }
        }
        assert_eq!(
            resized_positions(&stored, [2, 4], [2, 4], PositionResize::Bilinear),
            stored
        );
    }
}
