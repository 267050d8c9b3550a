//! Convolutions with packed weights.

use std::borrow::Cow;

use rayon::prelude::*;

use super::super::linear::{PreparedLinear, by_panel};
use super::super::{ProductPlan, linear_rows};
use super::Map;
use super::methods::{Four, Two};
use super::upsampling::Upsampled;
use super::winograd::{Finish, Winograd};
use crate::model::layers::{BATCH_NORM_EPS, Upsampling};
use crate::model::tensor_source::TensorSource;
use crate::model::weights::HostTensor;
use crate::numeric::{Arithmetic, Kernels};

/// A 1x1 or 3x3 convolution that keeps the size of its map; see [`crate::model::layers::Convolution`].
#[derive(Debug)]
pub(in crate::model::prepared) struct PreparedConvolution {
    kernel: Kernel,
    finish: Finish,
}

#[derive(Debug)]
enum Kernel {
    /// 1x1.
    Point(PreparedLinear),
    /// 3x3 with products of bf16.
    Two(Winograd<Two, 2, 4>),
    /// 3x3 with products of f32.
    Four(Winograd<Four, 4, 6>),
}

impl PreparedConvolution {
    /// Convolution, batch norm and ReLU.
    pub(in crate::model::prepared) fn normed<S: TensorSource>(
        tensors: &mut S,
        name: &str,
        plan: ProductPlan,
        kernels: Kernels,
    ) -> Result<Self, S::Error> {
        let mut weight = tensors.take(&format!("{name}.weight"))?;
        let mut part = |part: &str| tensors.take(&format!("{name}.norm.{part}"));
        let (gamma, mut beta) = (part("weight")?, part("bias")?);
        let (mean, variance) = (part("mean")?, part("variance")?);
        // With the running statistics, the norm is a factor of the kernel and a part of the bias.
        let size = weight.values.len() / beta.values.len().max(1);
        for (o, kernel) in weight.values.chunks_exact_mut(size.max(1)).enumerate() {
            let deviation = (f64::from(variance.values[o]) + BATCH_NORM_EPS).sqrt();
            let scale = f64::from(gamma.values[o]) / deviation;
            let shift = f64::from(beta.values[o]) - f64::from(mean.values[o]) * scale;
            beta.values[o] = shift as f32;
            kernel.iter_mut().for_each(|x| *x = (f64::from(*x) * scale) as f32);
        }
        Ok(Self::pack(&weight, &beta.values, true, plan, kernels))
    }

    /// Convolution with a bias.
    pub(in crate::model::prepared) fn biased<S: TensorSource>(
        tensors: &mut S,
        name: &str,
        plan: ProductPlan,
        kernels: Kernels,
    ) -> Result<Self, S::Error> {
        let weight = tensors.take(&format!("{name}.weight"))?;
        let bias = tensors.take(&format!("{name}.bias"))?;
        Ok(Self::pack(&weight, &bias.values, false, plan, kernels))
    }

    /// Packs a weight `[output, input, side, side]`.
    fn pack(weight: &HostTensor, bias: &[f32], relu: bool, plan: ProductPlan, kernels: Kernels) -> Self {
        let [output, input, side] = [0, 1, 2].map(|axis| weight.shape.get(axis).copied().unwrap_or(1));
        let size = [output, input];
        let kernel = match (side, plan.operands) {
            (1, _) => Kernel::Point(PreparedLinear::pack(weight, bias, plan.rest, kernels)),
            (_, Arithmetic::Bf16) => Kernel::Two(Winograd::pack(&weight.values, size, Arithmetic::Bf16, kernels)),
            (_, _) => Kernel::Four(Winograd::pack(&weight.values, size, Arithmetic::F32, kernels)),
        };
        Self {
            kernel,
            finish: Finish {
                bias: by_panel(bias, output),
                relu,
            },
        }
    }

    pub(in crate::model::prepared) fn bytes(&self) -> usize {
        match &self.kernel {
            Kernel::Point(layer) => layer.bytes(),
            Kernel::Two(kernel) => kernel.bytes(),
            Kernel::Four(kernel) => kernel.bytes(),
        }
    }

    /// Whether each pixel is treated independently, so that interpolation may come before or after.
    pub(in crate::model::prepared) fn is_pointwise(&self) -> bool {
        matches!(self.kernel, Kernel::Point(_))
    }

    /// Upsamples `map`, convolves it, and convolves the result by `then`, a 1x1 convolution with a bias.
    pub(in crate::model::prepared) fn forward_then(&self, map: &Map, first: Upsampling, then: &Self) -> Map {
        match (&self.kernel, &then.kernel) {
            (Kernel::Two(kernel), Kernel::Point(layer)) if !then.finish.relu => {
                kernel.convolve(&Upsampled::new(map, first), &self.finish, Some(layer))
            }
            (Kernel::Four(kernel), Kernel::Point(layer)) if !then.finish.relu => {
                kernel.convolve(&Upsampled::new(map, first), &self.finish, Some(layer))
            }
            (_, _) => then.forward(&self.forward(map, first), Upsampling::NONE),
        }
    }

    /// Upsamples `map`, then convolves it.
    pub(in crate::model::prepared) fn forward(&self, map: &Map, first: Upsampling) -> Map {
        match &self.kernel {
            Kernel::Point(layer) => {
                let map = match first.factor {
                    1 => Cow::Borrowed(map),
                    _ => Cow::Owned(map.upsampled(first)),
                };
                let mut values = linear_rows(layer, &map.values);
                if self.finish.relu {
                    // Written so that NaN stays.
                    let floor = |x: &mut f32| *x = if *x < 0.0 { 0.0 } else { *x };
                    values.par_iter_mut().with_min_len(1 << 14).for_each(floor);
                }
                Map {
                    values,
                    channels: layer.outputs(),
                    rows: map.rows,
                    columns: map.columns,
                }
            }
            Kernel::Two(kernel) => kernel.convolve(&Upsampled::new(map, first), &self.finish, None),
            Kernel::Four(kernel) => kernel.convolve(&Upsampled::new(map, first), &self.finish, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::precision::Precision;
    use crate::numeric::Interpolation;

    fn value(i: usize) -> f32 {
        ((i * 37 % 101) as f32 - 50.0) * 0.02
    }

    fn map(rows: usize, columns: usize, channels: usize) -> Map {
        Map {
            values: (0..rows * columns * channels).map(value).collect(),
            rows,
            columns,
            channels,
        }
    }

    /// The definition of the convolution, computed value by value in f64, of a map that is upsampled first.
    fn reference(map: &Map, first: Upsampling, weight: &HostTensor, bias: &[f32], relu: bool) -> Vec<f64> {
        let [rows, columns] = [map.rows, map.columns].map(|side| side * first.factor);
        let at = |y: isize, x: isize, c: usize| -> f64 {
            if y < 0 || x < 0 || y >= rows as isize || x >= columns as isize {
                return 0.0;
            }
            let down = Interpolation::of(y as usize, map.rows, rows, first.align_corners);
            let across = Interpolation::of(x as usize, map.columns, columns, first.align_corners);
            let sample = |y: usize, x: usize| f64::from(map.values[(y * map.columns + x) * map.channels + c]);
            let line = |y: usize| {
                let weight = f64::from(across.weight);
                sample(y, across.low) * (1.0 - weight) + sample(y, across.high) * weight
            };
            let weight = f64::from(down.weight);
            line(down.low) * (1.0 - weight) + line(down.high) * weight
        };
        let side = weight.shape[2];
        let margin = (side / 2) as isize;
        let mut out = Vec::new();
        for y in 0..rows as isize {
            for x in 0..columns as isize {
                for (kernel, bias) in weight.values.chunks(side * side * map.channels).zip(bias) {
                    let mut sum = f64::from(*bias);
                    for (k, weight) in kernel.iter().enumerate() {
                        let (c, tap) = (k / (side * side), k % (side * side));
                        let (dy, dx) = ((tap / side) as isize - margin, (tap % side) as isize - margin);
                        sum += at(y + dy, x + dx, c) * f64::from(*weight);
                    }
                    out.push(if relu { sum.max(0.0) } else { sum });
                }
            }
        }
        out
    }

    fn weight(output: usize, input: usize, side: usize) -> HostTensor {
        HostTensor {
            values: (0..output * input * side * side).map(|i| value(i + 3)).collect(),
            shape: vec![output, input, side, side],
        }
    }

    #[test]
    fn agrees_with_the_definition() {
        let up = |factor, align_corners| Upsampling { factor, align_corners };
        for (input, output, side, size, first, relu) in [
            (5, 7, 1, [6, 4], up(1, false), true),
            (5, 7, 1, [6, 4], up(2, false), false),
            (5, 7, 3, [6, 4], up(1, false), true),
            (5, 7, 3, [6, 4], up(4, true), false),
            (5, 7, 3, [1, 1], up(1, false), false),
            (16, 32, 3, [6, 4], up(2, false), true),
            (32, 33, 3, [13, 9], up(1, false), false),
            (16, 16, 3, [9, 1], up(3, true), false),
            (18, 40, 3, [2, 39], up(1, true), true),
        ] {
            let map = map(size[0], size[1], input);
            let weight = weight(output, input, side);
            let bias: Vec<f32> = (0..output).map(|i| value(i + 9)).collect();
            let expected = reference(&map, first, &weight, &bias, relu);
            let largest = expected.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
            for kernels in Kernels::all() {
                for precision in [Precision::F32, Precision::Bf16] {
                    let plan = ProductPlan::of(precision, kernels);
                    let layer = PreparedConvolution::pack(&weight, &bias, relu, plan, kernels);
                    let found = layer.forward(&map, first);
                    assert_eq!(
                        [found.rows, found.columns, found.channels],
                        [size[0] * first.factor, size[1] * first.factor, output]
                    );
                    let tolerance = match precision {
                        Precision::F32 => 1e-5,
                        Precision::Bf16 | Precision::Int8 => 1e-2,
                    };
                    assert_eq!(found.values.len(), expected.len());
                    for (i, (found, expected)) in found.values.iter().zip(&expected).enumerate() {
                        assert!(
                            (f64::from(*found) - expected).abs() < tolerance * largest,
                            "{kernels:?} {precision:?} {input} {output} {side} {size:?} {i}: {found} {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_layer_after_a_convolution_sees_the_same_values() {
        let first = Upsampling {
            factor: 2,
            align_corners: false,
        };
        for side in [1, 3] {
            let map = map(9, 13, 18);
            for kernels in Kernels::all() {
                for precision in [Precision::F32, Precision::Bf16] {
                    let plan = ProductPlan::of(precision, kernels);
                    let pack = |output, input, side, relu| {
                        let bias = vec![0.25; output];
                        PreparedConvolution::pack(&weight(output, input, side), &bias, relu, plan, kernels)
                    };
                    let (layer, then) = (pack(40, 18, side, true), pack(7, 40, 1, false));
                    let found = layer.forward_then(&map, first, &then);
                    let expected = then.forward(&layer.forward(&map, first), Upsampling::NONE);
                    assert_eq!([found.rows, found.columns, found.channels], [18, 26, 7]);
                    assert_eq!(found.values, expected.values, "{kernels:?} {precision:?} {side}");
                }
            }
        }
    }

    #[test]
    fn nan_propagates() {
        for (input, output, side) in [(5, 7, 1), (5, 7, 3), (16, 16, 3)] {
            let mut map = map(8, 8, input);
            map.values.fill(f32::NAN);
            for precision in [Precision::F32, Precision::Bf16] {
                let kernels = Kernels::best();
                let plan = ProductPlan::of(precision, kernels);
                let layer =
                    PreparedConvolution::pack(&weight(output, input, side), &vec![0.0; output], true, plan, kernels);
                let found = layer.forward(&map, Upsampling::NONE);
                assert!(
                    found.values.iter().all(|v| v.is_nan()),
                    "{input} channels, {precision:?}"
                );
            }
        }
    }
}
