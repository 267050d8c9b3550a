//! The published ways of training, and the one that needs the fewest steps.

use serde::{Deserialize, Serialize};

use super::augment::Augmentation;
use super::config::TrainConfig;
use super::dropping::Dropping;
use super::loss::Averaging;
use super::optimiser::OptimiserSpec;
use super::schedule::PolySchedule;

/// Where a configuration begins; everything in it can be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recipe {
    /// That of rstrudel/segmenter (segm/train.py and segm/config.yml): SGD with Nesterov's momentum, no weight decay,
    /// rate 0.001 to 0.00001, drop path and dropout 0.1, the mean over labelled pixels.
    Segmenter,
    /// That of SETR (mmseg configs/setr/*.py): SGD with plain momentum, no weight decay, rate 0.001 to 0.0001, ten times
    /// that for heads, the mean over all pixels. The configurations for Cityscapes begin with 0.01 (MLA with 0.002), and
    /// those of Naive with 0.01 everywhere.
    Setr,
    /// AdamW with clipped gradients, for few pictures and few steps; not published with either.
    #[default]
    AdamW,
}

impl Recipe {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AdamW, Self::Segmenter, Self::Setr];

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Segmenter => "Segmenter",
            Self::Setr => "SETR",
            Self::AdamW => "AdamW",
        }
    }

    /// Whether auxiliary heads of SETR belong to it.
    pub fn has_auxiliary(self) -> bool {
        self == Self::Setr
    }

    /// The configuration for so many steps, with crops and pictures of these sizes.
    pub fn config(self, iterations: usize, crop: usize, short_side: usize) -> TrainConfig {
        let sgd = |nesterov| OptimiserSpec::Sgd {
            momentum: 0.9,
            nesterov,
            weight_decay: 0.0,
        };
        let adamw = OptimiserSpec::AdamW {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
        };
        let (optimiser, base, floor) = match self {
            Self::Segmenter => (sgd(true), 1e-3, 1e-5),
            Self::Setr => (sgd(false), 1e-3, 1e-4),
            Self::AdamW => (adamw, 3e-4, 3e-6),
        };
        TrainConfig {
            batch: 8,
            accumulate: 1,
            seed: 1,
            validate_every: 100,
            decoder_rate: match self {
                Self::Segmenter => 1.0,
                Self::Setr => 10.0,
                Self::AdamW => 2.0,
            },
            layer_decay: 1.0,
            clip: (self == Self::AdamW).then_some(1.0),
            average: None,
            dropping: match self {
                Self::Segmenter => Dropping {
                    path: 0.1,
                    decoder: 0.1,
                },
                Self::Setr | Self::AdamW => Dropping::NONE,
            },
            averaging: match self {
                Self::Setr => Averaging::All,
                Self::Segmenter | Self::AdamW => Averaging::Labelled,
            },
            optimiser,
            schedule: PolySchedule {
                base,
                floor,
                power: 0.9,
                iterations,
            },
            augmentation: Augmentation::published(crop, short_side),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_numbers() {
        let segmenter = Recipe::Segmenter.config(160_000, 512, 512);
        assert_eq!((segmenter.schedule.base, segmenter.schedule.floor), (1e-3, 1e-5));
        assert_eq!((segmenter.decoder_rate, segmenter.clip), (1.0, None));
        assert!(matches!(
            segmenter.optimiser,
            OptimiserSpec::Sgd {
                nesterov: true,
                weight_decay: 0.0,
                ..
            }
        ));
        let setr = Recipe::Setr.config(80_000, 768, 768);
        assert_eq!((setr.schedule.floor, setr.decoder_rate), (1e-4, 10.0));
        assert_eq!((setr.averaging, setr.dropping), (Averaging::All, Dropping::NONE));
        assert!(matches!(setr.optimiser, OptimiserSpec::Sgd { nesterov: false, .. }));
    }
}
