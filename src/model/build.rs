//! Builds burn parameters on a device from named host tensors.

use burn::module::{Param, ParamId, RunningState};
use burn::nn::{BatchNorm, BatchNormConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};

use super::layers::BATCH_NORM_EPS;
use super::named_gradients::{Layout, ParameterNames};
use super::tensor_source::TensorSource;
use super::weights::HostTensor;

/// Takes tensors from a [`TensorSource`] one at a time, so that a large model is never in memory twice.
pub(super) struct Builder<'a, S> {
    tensors: &'a mut S,
    device: &'a Device,
    /// The stored tensor of each parameter.
    pub(super) names: ParameterNames,
}

impl<'a, S: TensorSource> Builder<'a, S> {
    pub(super) fn new(tensors: &'a mut S, device: &'a Device) -> Self {
        Self {
            tensors,
            device,
            names: ParameterNames::default(),
        }
    }

    /// A parameter of shape `shape` from the values of a stored tensor, which `turn` puts into their new order.
    fn named<const D: usize>(
        &mut self,
        name: String,
        tensor: HostTensor,
        layout: Layout,
        shape: [usize; D],
        turn: impl FnOnce(Vec<f32>) -> Vec<f32>,
    ) -> Param<Tensor<D>> {
        let made = param(turn(tensor.values), shape, self.device);
        self.names.add(made.id, name, tensor.shape, layout);
        made
    }

    /// A tensor as stored, in the shape `shape` (same number of values).
    pub(super) fn param<const D: usize>(
        &mut self,
        name: &str,
        shape: [usize; D],
    ) -> Result<Param<Tensor<D>>, S::Error> {
        let tensor = self.tensors.take(name)?;
        Ok(self.named(name.into(), tensor, Layout::AsStored, shape, |values| values))
    }

    /// `name.weight` `[out, in]` and `name.bias` `[out]` as a burn linear layer, whose weight is `[in, out]`.
    /// A convolution weight `[out, c, h, w]` is taken as `[out, c * h * w]`.
    pub(super) fn linear(&mut self, name: &str) -> Result<Linear, S::Error> {
        let weight = self.tensors.take(&format!("{name}.weight"))?;
        let bias = self.tensors.take(&format!("{name}.bias"))?;
        let output = weight.shape.first().copied().unwrap_or(0);
        let input = weight.shape.iter().skip(1).product();
        let mut linear = LinearConfig::new(input, output).init(self.device);
        let turn = |values: Vec<f32>| transposed(&values, output, input);
        linear.weight = self.named(
            format!("{name}.weight"),
            weight,
            Layout::Transposed,
            [input, output],
            turn,
        );
        linear.bias = Some(
            self.named(format!("{name}.bias"), bias, Layout::AsStored, [output], |values| {
                values
            }),
        );
        Ok(linear)
    }

    /// A convolution's weight `[out, in, side, side]` as `[side * side * in, out]`, with its side.
    pub(super) fn convolution(&mut self, name: &str) -> Result<(Param<Tensor<2>>, usize), S::Error> {
        let tensor = self.tensors.take(name)?;
        let [output, input, side] = [0, 1, 2].map(|axis| tensor.shape.get(axis).copied().unwrap_or(1));
        // [out, in, taps] to [taps, in, out].
        let taps = side * side;
        let turn = |values: Vec<f32>| {
            let mut turned = vec![0.0; values.len()];
            for (i, kernel) in values.chunks_exact(taps).enumerate() {
                let (o, c) = (i / input, i % input);
                for (tap, value) in kernel.iter().enumerate() {
                    turned[(tap * input + c) * output + o] = *value;
                }
            }
            turned
        };
        let weight = self.named(name.into(), tensor, Layout::Taps, [taps * input, output], turn);
        Ok((weight, side))
    }

    /// Batch norm with the stored running statistics.
    pub(super) fn batch_norm(&mut self, name: &str) -> Result<BatchNorm, S::Error> {
        let [gamma, beta, mean, variance] = ["weight", "bias", "mean", "variance"].map(|part| format!("{name}.{part}"));
        let factors = self.tensors.take(&gamma)?;
        let channels = factors.values.len();
        let mut norm = BatchNormConfig::new(channels)
            .with_epsilon(BATCH_NORM_EPS)
            .init(self.device);
        norm.gamma = self.named(gamma, factors, Layout::AsStored, [channels], |values| values);
        norm.beta = self.param(&beta, [channels])?;
        norm.running_mean = self.statistic(mean, channels)?;
        norm.running_var = self.statistic(variance, channels)?;
        Ok(norm)
    }

    fn statistic(&mut self, name: String, channels: usize) -> Result<RunningState<Tensor<1>>, S::Error> {
        let HostTensor { shape, values } = self.tensors.take(&name)?;
        let id = ParamId::new();
        self.names.add(id, name, shape, Layout::Statistic);
        let values = Tensor::from_data(TensorData::new(values, [channels]), self.device);
        Ok(RunningState::with_id(id, values))
    }

    pub(super) fn layer_norm(&mut self, name: &str, eps: f64) -> Result<LayerNorm, S::Error> {
        let [gamma, beta] = ["weight", "bias"].map(|part| format!("{name}.{part}"));
        let factors = self.tensors.take(&gamma)?;
        let dim = factors.values.len();
        let mut norm = LayerNormConfig::new(dim).with_epsilon(eps).init(self.device);
        norm.gamma = self.named(gamma, factors, Layout::AsStored, [dim], |values| values);
        norm.beta = Some(self.param(&beta, [dim])?);
        Ok(norm)
    }
}

fn param<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::from_data(TensorData::new(values, shape), device)
}

/// `[rows, columns]` to `[columns, rows]`, in blocks that stay in the cache.
pub(super) fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    const BLOCK: usize = 32;
    let mut out = vec![0.0; values.len()];
    for r0 in (0..rows).step_by(BLOCK) {
        for c0 in (0..columns).step_by(BLOCK) {
            for r in r0..(r0 + BLOCK).min(rows) {
                for c in c0..(c0 + BLOCK).min(columns) {
                    out[c * rows + r] = values[r * columns + c];
                }
            }
        }
    }
    out
}
