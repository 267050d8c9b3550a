//! The learning-rate schedule.

use serde::{Deserialize, Serialize};

/// Polynomial decay of the learning rate to a minimum: `(lr - min_lr) * (1 - t / T)^power + min_lr`.
///
/// rstrudel/segmenter (`segm/optim/scheduler.py`) and mmsegmentation (`PolyLrUpdaterHook`) publish the same formula,
/// with a power of 0.9 and a minimum of 1e-5 or 1e-4.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolySchedule {
    /// The learning rate of the first iteration.
    pub lr: f64,
    /// The minimum learning rate, that of the last iteration.
    #[serde(rename = "min-lr")]
    pub min_lr: f64,
    /// Exponent of the decay.
    pub power: f64,
    /// Number of iterations.
    pub iterations: usize,
}

impl PolySchedule {
    /// The learning rate of an iteration, counted from 0; the minimum beyond the last one.
    pub fn at(&self, iteration: usize) -> f64 {
        self.scaled_at(iteration, 1.0)
    }

    /// The learning rate of parameters whose initial learning rate is `factor` times that of the others; the minimum is
    /// the same for all, as in mmcv's `PolyLrUpdaterHook`, which treats each parameter group separately.
    pub fn scaled_at(&self, iteration: usize, factor: f64) -> f64 {
        let left = 1.0 - (iteration as f64 / self.iterations.max(1) as f64).min(1.0);
        let base = self.lr * factor;
        let floor = self.min_lr.min(base);
        (base - floor) * left.powf(self.power) + floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_formula() {
        let schedule = PolySchedule {
            lr: 1e-3,
            min_lr: 1e-5,
            power: 0.9,
            iterations: 160_000,
        };
        assert_eq!(schedule.at(0), 1e-3);
        let half = (1e-3 - 1e-5) * 0.5f64.powf(0.9) + 1e-5;
        assert!((schedule.at(80_000) - half).abs() < 1e-15);
        assert_eq!(schedule.at(160_000), 1e-5);
        assert_eq!(schedule.at(200_000), 1e-5);
        // Ten times the initial learning rate, and the same minimum.
        assert_eq!(schedule.scaled_at(0, 10.0), 1e-2);
        assert_eq!(schedule.scaled_at(160_000, 10.0), 1e-5);
        // The minimum is never above the initial learning rate.
        assert_eq!(schedule.scaled_at(160_000, 1e-3), 1e-6);
    }
}
