//! Interpolation along one side as a matrix: exact on every device, and burn can differentiate it.

use burn::tensor::{Device, Tensor, TensorData};

use crate::numeric::Interpolation;

/// The matrix `[to, from]` of linear interpolation. `align_corners` is PyTorch's option of that name.
pub(super) fn linear(from: usize, to: usize, align_corners: bool, device: &Device) -> Tensor<2> {
    matrix(from, to, device, |i, row| {
        let Interpolation { low, high, weight } = Interpolation::of(i, from, to, align_corners);
        row[low] += 1.0 - weight;
        row[high] += weight;
    })
}

/// The matrix `[to, from]` of cubic interpolation with half-pixel centres: PyTorch's `bicubic`, `align_corners` false.
/// Samples beyond an edge repeat the edge.
pub(super) fn cubic(from: usize, to: usize, device: &Device) -> Tensor<2> {
    matrix(from, to, device, |i, row| {
        let place = (i as f64 + 0.5) * from as f64 / to as f64 - 0.5;
        for offset in -1..=2 {
            let sample = place.floor() + f64::from(offset);
            let clamped = sample.clamp(0.0, (from - 1) as f64) as usize;
            row[clamped] += cubic_share(place - sample) as f32;
        }
    })
}

fn matrix(from: usize, to: usize, device: &Device, fill: impl Fn(usize, &mut [f32])) -> Tensor<2> {
    let mut values = vec![0.0f32; to * from];
    for (i, row) in values.chunks_exact_mut(from).enumerate() {
        fill(i, row);
    }
    Tensor::from_data(TensorData::new(values, [to, from]), device)
}

/// The kernel of cubic convolution with the slope that PyTorch and OpenCV use (Keys 1981 has -0.5).
fn cubic_share(distance: f64) -> f64 {
    const SLOPE: f64 = -0.75;
    let d = distance.abs();
    if d <= 1.0 {
        ((SLOPE + 2.0) * d - (SLOPE + 3.0)) * d * d + 1.0
    } else {
        (((d - 5.0) * d + 8.0) * d - 4.0) * SLOPE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_of_each_output_sum_to_one() {
        let device = Device::flex();
        for matrix in [
            linear(5, 9, false, &device),
            linear(5, 9, true, &device),
            cubic(5, 9, &device),
        ] {
            let sums: Vec<f32> = matrix.sum_dim(1).into_data().try_into_vec().unwrap();
            assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{sums:?}");
        }
    }
}
