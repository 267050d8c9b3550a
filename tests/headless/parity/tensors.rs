//! Converts tensors and maps to the shapes in the golden files.

use burn::tensor::Tensor;
use segscope::labels::LabelMap;
use segscope::model::{HostTensor, Logits};
use segscope::segment::WindowLogits;

use super::golden_case::{class_first, class_last};

/// A tensor in host memory.
pub fn host<const D: usize>(tensor: Tensor<D>) -> HostTensor {
    let shape = tensor.dims().to_vec();
    let values = tensor.into_data().try_into_vec().expect("a tensor of f32");
    HostTensor { shape, values }
}

/// A map `[1, rows, columns, channels]` as `[1, channels, rows, columns]`.
pub fn channels_first(map: Tensor<4>) -> HostTensor {
    host(map.permute([0, 3, 1, 2]))
}

/// Logits as `[1, classes, rows, columns]`.
pub fn masks_of(logits: Logits) -> HostTensor {
    let [batch, _, classes] = logits.values.dims();
    let [rows, columns] = logits.grid;
    channels_first(logits.values.reshape([batch, rows, columns, classes]))
}

/// Logits of one window of `size` (width and height), from `[1, classes, rows, columns]` resized to `stretch`.
pub fn window_logits_of(masks: &HostTensor, size: [usize; 2], stretch: [usize; 2]) -> WindowLogits {
    let [_, classes, rows, columns] = masks.shape[..] else {
        panic!("masks: {:?}", masks.shape)
    };
    WindowLogits::whole(class_last(masks), classes, size, [columns, rows], stretch)
}

/// The values of every `step`th row and column as `[…, classes, rows, columns]`.
pub fn map_of(size: [usize; 2], step: usize, outer: &[usize], at: impl Fn(usize, usize) -> Vec<f32>) -> HostTensor {
    let [columns, rows] = size.map(|side| side.div_ceil(step));
    let places = (0..rows).flat_map(|y| (0..columns).map(move |x| [x * step, y * step]));
    let values: Vec<f32> = places.flat_map(|[x, y]| at(x, y)).collect();
    let classes = values.len() / (rows * columns);
    class_first(&values, classes, &[outer, &[classes, rows, columns]].concat())
}

/// Every `step`th row and column of `[…, rows, columns]`.
pub fn thinned(map: &HostTensor, step: usize) -> HostTensor {
    let [.., rows, columns] = map.shape[..] else {
        panic!("expected rows and columns, found {:?}", map.shape)
    };
    let mut shape = map.shape.clone();
    let axes = shape.len();
    shape[axes - 2..].copy_from_slice(&[rows.div_ceil(step), columns.div_ceil(step)]);
    let planes = map.values.chunks_exact(rows * columns);
    let kept = planes.flat_map(|plane| plane.chunks_exact(columns).step_by(step));
    HostTensor {
        shape,
        values: kept.flat_map(|row| row.iter().copied().step_by(step)).collect(),
    }
}

/// The labels of every `step`th row and column.
pub fn thinned_labels(map: &LabelMap, step: usize) -> LabelMap {
    let rows = map.ids.chunks_exact(map.width).step_by(step);
    LabelMap {
        width: map.width.div_ceil(step),
        height: map.height.div_ceil(step),
        ids: rows.flat_map(|row| row.iter().copied().step_by(step)).collect(),
    }
}

/// The first best class of each pixel of `[1, classes, height, width]`.
pub fn argmax(logits: &HostTensor) -> LabelMap {
    let [_, classes, height, width] = logits.shape[..] else {
        panic!("logits: {:?}", logits.shape)
    };
    let values = class_last(logits);
    let best = |pixel: &[f32]| (1..classes).fold(0, |best, c| if pixel[c] > pixel[best] { c } else { best }) as u16;
    LabelMap {
        width,
        height,
        ids: values.chunks_exact(classes).map(best).collect(),
    }
}
