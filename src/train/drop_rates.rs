//! Drop path and dropout: the values that a network drops at random in training.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor, TensorData};
use fastrand::Rng;

use crate::model::{Kept, Probe, Stage};

/// The probabilities of drop path and dropout.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DropRates {
    /// Probability that the last block of the encoder adds nothing to an image's tokens; it grows from 0 at the first
    /// block (stochastic depth, arXiv 1603.09382; rstrudel segm/model/vit.py: 0.1).
    pub path: f64,
    /// Probability that a value added by a block of the mask transformer is dropped (rstrudel segm/model/decoder.py:
    /// 0.1, which also drops attention weights and hidden values; here only the outputs of the two halves of a block).
    pub decoder: f64,
}

impl DropRates {
    /// Neither drop path nor dropout.
    pub const NONE: Self = Self {
        path: 0.0,
        decoder: 0.0,
    };

    fn is_none(self) -> bool {
        self == Self::NONE
    }
}

/// Drops values by [`DropRates`], with separate random numbers for each image, so that the dropped values do not depend
/// on how a batch is divided.
pub(super) struct Dropper<'a> {
    drop_rates: DropRates,
    depth: usize,
    rngs: Vec<Rng>,
    device: &'a Device,
}

impl<'a> Dropper<'a> {
    /// For an encoder of `depth` blocks, with one generator per image.
    pub(super) fn new(drop_rates: DropRates, depth: usize, rngs: Vec<Rng>, device: &'a Device) -> Self {
        Self {
            drop_rates,
            depth,
            rngs,
            device,
        }
    }

    /// What is kept of the next values that the block `stage` would add to `tokens` tokens of width `dim` of image
    /// `image`.
    pub(super) fn kept(&mut self, stage: Stage, image: usize, tokens: usize, dim: usize) -> Kept {
        let chance = self.chance(stage);
        if chance <= 0.0 {
            return Kept::All;
        }
        let rng = &mut self.rngs[image];
        let kept = 1.0 / (1.0 - chance) as f32;
        let mut factor = || if rng.f64() < chance { 0.0 } else { kept };
        match stage {
            // The encoder drops an image's whole update, the decoder single values.
            Stage::Encoder(_) => Kept::Scaled(factor()),
            Stage::Decoder(_) => Kept::Each((0..tokens * dim).map(|_| factor()).collect()),
        }
    }

    fn chance(&self, stage: Stage) -> f64 {
        match stage {
            Stage::Encoder(block) => self.drop_rates.path * block as f64 / (self.depth.max(2) - 1) as f64,
            Stage::Decoder(_) => self.drop_rates.decoder,
        }
    }
}

impl Probe for Dropper<'_> {
    fn block(&mut self, _stage: Stage) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn changes_residuals(&self) -> bool {
        !self.drop_rates.is_none()
    }

    fn residual(&mut self, stage: Stage, update: Tensor<3>) -> Tensor<3> {
        let [images, tokens, dim] = update.dims();
        let mut factors = Vec::new();
        let mut shape = [images, 1, 1];
        for image in 0..images {
            match self.kept(stage, image, tokens, dim) {
                Kept::All => return update,
                Kept::Scaled(factor) => factors.push(factor),
                Kept::Each(each) => {
                    shape = [images, tokens, dim];
                    factors.extend(each);
                }
            }
        }
        update * Tensor::<3>::from_data(TensorData::new(factors, shape), self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_preserves_the_mean() {
        let device = Device::flex();
        let drop_rates = DropRates {
            path: 0.5,
            decoder: 0.25,
        };
        let rngs = (0..400).map(Rng::with_seed).collect();
        let mut dropper = Dropper::new(drop_rates, 3, rngs, &device);
        let ones = || Tensor::<3>::ones([400, 4, 5], &device);
        let mut values = |stage| {
            let update = dropper.residual(stage, ones());
            update.into_data().try_into_vec::<f32>().expect("values")
        };
        assert!(
            values(Stage::Encoder(0)).iter().all(|v| *v == 1.0),
            "the first block drops nothing"
        );
        let last = values(Stage::Encoder(2));
        assert!(last.chunks(20).all(|image| image.iter().all(|v| *v == image[0])));
        let decoder = values(Stage::Decoder(0));
        for (what, values, kept) in [("path", last, 2.0f32), ("decoder", decoder, 4.0 / 3.0)] {
            assert!(values.iter().all(|v| *v == 0.0 || (*v - kept).abs() < 1e-6), "{what}");
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            assert!((mean - 1.0).abs() < 0.15, "{what}: {mean}");
        }
    }
}
