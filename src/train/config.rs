//! How a network is trained: every number of it.

use serde::{Deserialize, Serialize};

use super::augment::Augmentation;
use super::dropping::Dropping;
use super::loss::Averaging;
use super::optimiser::OptimiserSpec;
use super::schedule::PolySchedule;

/// How a network is trained, whatever it is and on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrainConfig {
    /// Pictures that go through the network at once.
    pub batch: usize,
    /// Batches per step, whose gradients and batch statistics are averaged.
    #[serde(default = "one")]
    pub accumulate: usize,
    /// Where random numbers begin.
    pub seed: u64,
    /// Steps from one validation to the next; 0 for none.
    #[serde(default)]
    pub validate_every: usize,
    /// The learning rate of decoders over that of the encoder (10 in mmsegmentation, 1 in rstrudel/segmenter).
    #[serde(default = "whole")]
    pub decoder_rate: f64,
    /// Learning rate of each encoder block over that of the next one; the patch embedding comes before the first.
    #[serde(default = "whole")]
    pub layer_decay: f64,
    /// Largest common norm of all gradients.
    #[serde(default)]
    pub clip: Option<f64>,
    /// How much of the mean of earlier weights remains with each step; the mean is what is scored and kept.
    #[serde(default)]
    pub average: Option<f32>,
    /// What is left out at random.
    #[serde(default)]
    pub dropping: Dropping,
    /// What losses are divided by.
    pub averaging: Averaging,
    /// The optimiser.
    pub optimiser: OptimiserSpec,
    /// The learning rate.
    pub schedule: PolySchedule,
    /// How pictures are changed.
    pub augmentation: Augmentation,
}

fn one() -> usize {
    1
}

fn whole() -> f64 {
    1.0
}

impl TrainConfig {
    /// Checks that every number is possible.
    ///
    /// # Errors
    /// A clause that names the first one that is not.
    pub fn check(&self) -> Result<(), String> {
        let (augmentation, schedule) = (&self.augmentation, &self.schedule);
        let counts = [
            ("batch", self.batch, 1, 1 << 16),
            ("accumulate", self.accumulate, 1, 1 << 16),
            ("iterations", schedule.iterations, 1, usize::MAX),
            ("crop", augmentation.crop, 1, 8192),
            ("short side", augmentation.short_side, 1, 16_384),
        ];
        for (name, value, least, most) in counts {
            if !(least..=most).contains(&value) {
                return Err(format!("{name}: expected {least} or more, found {value}"));
            }
        }
        let [low, high] = augmentation.scales;
        let shares = [
            ("drop path", self.dropping.path, 0.0, 0.99),
            ("dropout", self.dropping.decoder, 0.0, 0.99),
            ("average", f64::from(self.average.unwrap_or(0.0)), 0.0, 0.999_999),
            ("learning rate", schedule.base, 1e-12, 100.0),
            ("last learning rate", schedule.floor, 0.0, 100.0),
            ("power", schedule.power, 0.0, 100.0),
            ("decoder rate", self.decoder_rate, 0.0, 1e6),
            ("layer decay", self.layer_decay, 0.0, 1.0),
            ("clip", self.clip.unwrap_or(1.0), 1e-9, 1e9),
            ("smallest scale", low, 0.01, 100.0),
            ("largest scale", high, low.max(0.01), 100.0),
        ];
        for (name, value, least, most) in shares {
            // A value that is no number is in no range.
            if !(least..=most).contains(&value) {
                return Err(format!("{name}: expected {least} to {most}, found {value}"));
            }
        }
        self.optimiser.check()
    }
}
