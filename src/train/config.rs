//! The training configuration.

use serde::{Deserialize, Serialize};

use super::augment::Augmentation;
use super::loss::LossReduction;
use super::optimiser::OptimiserSpec;
use super::precision::TrainPrecision;
use super::schedule::PolySchedule;

/// How a network is trained, independent of the network and its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrainConfig {
    /// Images per batch.
    pub batch_size: usize,
    /// Batches per step, whose gradients and batch statistics are averaged.
    #[serde(default = "one")]
    pub accumulate: usize,
    /// Random seed.
    pub seed: u64,
    /// Steps between validations; 0 disables validation.
    #[serde(default)]
    pub validate_every: usize,
    /// Learning rate of the decoders relative to that of the encoder (10 in mmsegmentation, 1 in rstrudel/segmenter).
    #[serde(default = "whole")]
    pub decoder_lr_multiplier: f64,
    /// Learning rate of each encoder block relative to that of the next one; the patch embedding counts as the block
    /// before the first.
    #[serde(default = "whole")]
    pub layer_decay: f64,
    /// Maximum norm of all gradients together.
    #[serde(default)]
    pub clip_norm: Option<f64>,
    /// Decay of the exponential moving average (EMA) of the weights; the EMA is scored and saved.
    #[serde(default)]
    pub ema_decay: Option<f32>,
    /// Probability that the last block of the encoder adds nothing to the tokens of an image; it grows from 0 at the
    /// first block (stochastic depth, arXiv 1603.09382; rstrudel segm/model/vit.py: 0.1).
    #[serde(default)]
    pub drop_path: f64,
    /// Probability that a value added by a block of the mask transformer is dropped (rstrudel segm/model/decoder.py:
    /// 0.1).
    #[serde(default)]
    pub dropout: f64,
    /// Precision of the products.
    #[serde(default, skip_serializing_if = "TrainPrecision::is_usual")]
    pub precision: TrainPrecision,
    /// What losses are divided by.
    pub loss_reduction: LossReduction,
    /// The optimiser.
    pub optimiser: OptimiserSpec,
    /// The learning-rate schedule.
    pub schedule: PolySchedule,
    /// The augmentation of the images.
    pub augmentation: Augmentation,
}

fn one() -> usize {
    1
}

fn whole() -> f64 {
    1.0
}

impl TrainConfig {
    /// Checks that every number is in its range.
    ///
    /// # Errors
    /// A clause that names the first number that is not.
    pub fn check(&self) -> Result<(), String> {
        let (augmentation, schedule) = (&self.augmentation, &self.schedule);
        let counts = [
            ("batch-size", self.batch_size, 1, 1 << 16),
            ("accumulate", self.accumulate, 1, 1 << 16),
            ("iterations", schedule.iterations, 1, usize::MAX),
            ("crop", augmentation.crop, 1, 8192),
            ("short-side", augmentation.short_side, 1, 16_384),
        ];
        for (name, value, least, most) in counts {
            if !(least..=most).contains(&value) {
                return Err(format!("{name}: expected {least} or more, found {value}"));
            }
        }
        let [low, high] = augmentation.scales;
        let shares = [
            ("drop-path", self.drop_path, 0.0, 0.99),
            ("dropout", self.dropout, 0.0, 0.99),
            ("ema-decay", f64::from(self.ema_decay.unwrap_or(0.0)), 0.0, 0.999_999),
            ("lr", schedule.lr, 1e-12, 100.0),
            ("min-lr", schedule.min_lr, 0.0, 100.0),
            ("power", schedule.power, 0.0, 100.0),
            ("decoder-lr-multiplier", self.decoder_lr_multiplier, 0.0, 1e6),
            ("layer-decay", self.layer_decay, 0.0, 1.0),
            ("clip-norm", self.clip_norm.unwrap_or(1.0), 1e-9, 1e9),
            ("scales, smallest", low, 0.01, 100.0),
            ("scales, largest", high, low.max(0.01), 100.0),
        ];
        for (name, value, least, most) in shares {
            // NaN is in no range.
            if !(least..=most).contains(&value) {
                return Err(format!("{name}: expected {least} to {most}, found {value}"));
            }
        }
        self.optimiser.check()
    }
}
