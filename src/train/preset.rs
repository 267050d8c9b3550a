//! Presets: the published training configurations, and one that needs few steps.

use serde::{Deserialize, Serialize};

use super::augment::Augmentation;
use super::config::TrainConfig;
use super::loss::LossReduction;
use super::optimiser::OptimiserSpec;
use super::precision::TrainPrecision;
use super::schedule::PolySchedule;

/// A named set of initial values for a configuration, each of which can be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The configuration of rstrudel/segmenter (segm/train.py and segm/config.yml): SGD with Nesterov momentum, no
    /// weight decay, learning rate 0.001 to 0.00001, drop path and dropout 0.1, mean loss over labelled pixels.
    Segmenter,
    /// The configuration of SETR (mmseg configs/setr/*.py): SGD with plain momentum, no weight decay, learning rate
    /// 0.001 to 0.0001, ten times that for heads, mean loss over all pixels. The configurations for Cityscapes start at
    /// 0.01 (MLA at 0.002), and those of Naive at 0.01 everywhere.
    Setr,
    /// AdamW with clipped gradients, for few images and few steps; not published with either.
    #[default]
    AdamW,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 3] = [Self::AdamW, Self::Segmenter, Self::Setr];

    /// Name shown to the user.
    pub fn title(self) -> &'static str {
        match self {
            Self::Segmenter => "Segmenter",
            Self::Setr => "SETR",
            Self::AdamW => "AdamW",
        }
    }

    /// Whether the preset trains SETR's auxiliary heads.
    pub fn has_auxiliary(self) -> bool {
        self == Self::Setr
    }

    /// The configuration for this number of steps, with a crop and a short side in pixels.
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
        let (optimiser, lr, min_lr) = match self {
            Self::Segmenter => (sgd(true), 1e-3, 1e-5),
            Self::Setr => (sgd(false), 1e-3, 1e-4),
            Self::AdamW => (adamw, 3e-4, 3e-6),
        };
        let dropped = if self == Self::Segmenter { 0.1 } else { 0.0 };
        TrainConfig {
            batch_size: 8,
            accumulate: 1,
            seed: 1,
            validate_every: 100,
            decoder_lr_multiplier: match self {
                Self::Segmenter => 1.0,
                Self::Setr => 10.0,
                Self::AdamW => 2.0,
            },
            layer_decay: 1.0,
            clip_norm: (self == Self::AdamW).then_some(1.0),
            ema_decay: None,
            drop_path: dropped,
            dropout: dropped,
            precision: TrainPrecision::F32,
            loss_reduction: match self {
                Self::Setr => LossReduction::All,
                Self::Segmenter | Self::AdamW => LossReduction::Labelled,
            },
            optimiser,
            schedule: PolySchedule {
                lr,
                min_lr,
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
        let segmenter = Preset::Segmenter.config(160_000, 512, 512);
        assert_eq!((segmenter.schedule.lr, segmenter.schedule.min_lr), (1e-3, 1e-5));
        assert_eq!((segmenter.decoder_lr_multiplier, segmenter.clip_norm), (1.0, None));
        assert!(matches!(
            segmenter.optimiser,
            OptimiserSpec::Sgd {
                nesterov: true,
                weight_decay: 0.0,
                ..
            }
        ));
        let setr = Preset::Setr.config(80_000, 768, 768);
        assert_eq!((setr.schedule.min_lr, setr.decoder_lr_multiplier), (1e-4, 10.0));
        assert_eq!(
            (setr.loss_reduction, setr.drop_path, setr.dropout),
            (LossReduction::All, 0.0, 0.0)
        );
        assert!(matches!(setr.optimiser, OptimiserSpec::Sgd { nesterov: false, .. }));
    }
}
