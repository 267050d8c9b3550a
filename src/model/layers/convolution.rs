//! Convolutions over maps `[batch, rows, columns, channels]`.

use burn::module::{Module, Param};
use burn::nn::BatchNorm;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, activation, module};

use crate::model::build::Builder;
use crate::model::operations;
use crate::model::tensor_source::TensorSource;

/// Epsilon of every batch norm: PyTorch's, which all published models keep.
pub(in crate::model) const BATCH_NORM_EPS: f64 = 1e-5;

/// How a map is upsampled before it is convolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) struct Upsampling {
    pub(in crate::model) factor: usize,
    pub(in crate::model) align_corners: bool,
}

impl Upsampling {
    pub(in crate::model) const NONE: Self = Self {
        factor: 1,
        align_corners: false,
    };

    /// Upsamples by half-pixel centres, as everywhere but in the official MLA.
    pub(in crate::model) fn by(factor: usize) -> Self {
        Self {
            factor,
            align_corners: false,
        }
    }

    /// Upsamples `map`.
    pub(in crate::model) fn of(self, map: Tensor<4>) -> Tensor<4> {
        operations::upsampled(map, self.factor, self.align_corners)
    }
}

/// A 1x1 or 3x3 convolution that keeps the size of its map.
#[derive(Module, Debug)]
pub(in crate::model) struct Convolution {
    /// `[side * side * input, output]`: rows of the kernel, its columns, input channels.
    weight: Param<Tensor<2>>,
    after: After,
    #[module(skip)]
    side: usize,
}

/// The operation after a convolution.
#[expect(clippy::large_enum_variant, reason = "there are a few per network")]
#[derive(Module, Debug)]
enum After {
    /// Batch norm, then ReLU.
    Norm(BatchNorm),
    /// A bias.
    Bias(Param<Tensor<1>>),
}

impl Convolution {
    /// Convolution, batch norm and ReLU.
    pub(in crate::model) fn normed<S: TensorSource>(b: &mut Builder<S>, name: &str) -> Result<Self, S::Error> {
        let (weight, side) = b.convolution(&format!("{name}.weight"))?;
        let after = After::Norm(b.batch_norm(&format!("{name}.norm"))?);
        Ok(Self { weight, after, side })
    }

    /// Convolution with a bias: the last one of a head.
    pub(in crate::model) fn biased<S: TensorSource>(b: &mut Builder<S>, name: &str) -> Result<Self, S::Error> {
        let (weight, side) = b.convolution(&format!("{name}.weight"))?;
        let [_, output] = weight.dims();
        let bias = b.param(&format!("{name}.bias"), [output])?;
        Ok(Self {
            weight,
            after: After::Bias(bias),
            side,
        })
    }

    /// Whether each pixel is treated independently, so that interpolation may come before or after.
    pub(in crate::model) fn is_pointwise(&self) -> bool {
        self.side == 1
    }

    /// Upsamples `map`, then convolves it.
    pub(in crate::model) fn forward(&self, map: Tensor<4>, first: Upsampling) -> Tensor<4> {
        let map = first.of(map);
        let [_, _, _, input] = map.dims();
        let [_, output] = self.weight.dims();
        let weight = self.weight.val().reshape([self.side, self.side, input, output]);
        let margin = self.side / 2;
        let options = ConvOptions::new([1, 1], [margin, margin], [1, 1], 1);
        let image = map.permute([0, 3, 1, 2]);
        let image = module::conv2d(image, weight.permute([3, 2, 0, 1]), None, options);
        let image = match &self.after {
            After::Norm(norm) => activation::relu(normed(norm, image)),
            After::Bias(bias) => image + bias.val().reshape([1, output, 1, 1]),
        };
        image.permute([0, 2, 3, 1])
    }
}

/// Batch norm of `image` `[batch, channels, rows, columns]`. With gradients it uses the batch's own statistics and
/// stores them in place of the running ones, for [`crate::model::Network::batch_statistics`].
fn normed(norm: &BatchNorm, image: Tensor<4>) -> Tensor<4> {
    if !image.device().is_autodiff() {
        return norm.forward(image);
    }
    let [batch, _, rows, columns] = image.dims();
    let count = (batch * rows * columns) as f64;
    let of_batch = module::batch_norm_train(image, norm.gamma.val(), norm.beta.val(), norm.epsilon);
    norm.running_mean.update(of_batch.mean.detach());
    // PyTorch normalises by the biased variance and keeps the unbiased one.
    let unbiased = of_batch.variance.detach() * (count / (count - 1.0).max(1.0));
    norm.running_var.update(unbiased);
    of_batch.output
}
