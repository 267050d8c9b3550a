//! Drop path and dropout: what a network leaves out at random while it learns.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor, TensorData};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::model::{Probe, Stage};

/// How much is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dropping {
    /// Chance that the last block of the encoder adds nothing to a picture's tokens; it grows from 0 at the first block
    /// (stochastic depth, arXiv 1603.09382; rstrudel segm/model/vit.py: 0.1).
    pub path: f64,
    /// Chance that a value which a block of the mask transformer adds is left out (rstrudel segm/model/decoder.py: 0.1,
    /// which also drops attention weights and hidden values; here only what the two halves of a block put out).
    pub decoder: f64,
}

impl Dropping {
    /// Nothing.
    pub const NONE: Self = Self {
        path: 0.0,
        decoder: 0.0,
    };

    fn is_none(self) -> bool {
        self == Self::NONE
    }
}

/// Leaves out what [`Dropping`] says, with random numbers of its own for each picture: what is left out does not depend
/// on how a batch is divided.
pub(super) struct Dropper<'a> {
    dropping: Dropping,
    depth: usize,
    rngs: Vec<Rng>,
    device: &'a Device,
}

impl<'a> Dropper<'a> {
    /// For an encoder of so many blocks and one generator per picture.
    pub(super) fn new(dropping: Dropping, depth: usize, rngs: Vec<Rng>, device: &'a Device) -> Self {
        Self {
            dropping,
            depth,
            rngs,
            device,
        }
    }

    fn chance(&self, stage: Stage) -> f64 {
        match stage {
            Stage::Encoder(block) => self.dropping.path * block as f64 / (self.depth.max(2) - 1) as f64,
            Stage::Decoder(_) => self.dropping.decoder,
        }
    }
}

impl Probe for Dropper<'_> {
    fn block(&mut self, _stage: Stage, _tokens: &Tensor<3>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn changes_residuals(&self) -> bool {
        !self.dropping.is_none()
    }

    fn residual(&mut self, stage: Stage, update: Tensor<3>) -> Tensor<3> {
        let chance = self.chance(stage);
        if chance <= 0.0 {
            return update;
        }
        let [pictures, tokens, dim] = update.dims();
        // The encoder drops a picture's whole update, the decoder single values.
        let shape = match stage {
            Stage::Encoder(_) => [pictures, 1, 1],
            Stage::Decoder(_) => [pictures, tokens, dim],
        };
        let kept = 1.0 / (1.0 - chance) as f32;
        let each = shape[1] * shape[2];
        let factors = self.rngs.iter_mut().flat_map(|rng| {
            let factor = |_| if rng.f64() < chance { 0.0 } else { kept };
            (0..each).map(factor).collect::<Vec<f32>>()
        });
        let factors: Vec<f32> = factors.collect();
        update * Tensor::<3>::from_data(TensorData::new(factors, shape), self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_keeps_its_mean() {
        let device = Device::flex();
        let dropping = Dropping {
            path: 0.5,
            decoder: 0.25,
        };
        let rngs = (0..400).map(Rng::with_seed).collect();
        let mut dropper = Dropper::new(dropping, 3, rngs, &device);
        let ones = || Tensor::<3>::ones([400, 4, 5], &device);
        let mut values = |stage| {
            let update = dropper.residual(stage, ones());
            update.into_data().try_into_vec::<f32>().expect("values")
        };
        assert!(
            values(Stage::Encoder(0)).iter().all(|v| *v == 1.0),
            "the first block is whole"
        );
        let last = values(Stage::Encoder(2));
        assert!(last.chunks(20).all(|picture| picture.iter().all(|v| *v == picture[0])));
        let decoder = values(Stage::Decoder(0));
        for (what, values, kept) in [("path", last, 2.0f32), ("decoder", decoder, 4.0 / 3.0)] {
            assert!(values.iter().all(|v| *v == 0.0 || (*v - kept).abs() < 1e-6), "{what}");
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            assert!((mean - 1.0).abs() < 0.15, "{what}: {mean}");
        }
    }
}
