//! The learning rate over the iterations.

use serde::{Deserialize, Serialize};

/// Polynomial decay to a floor: `(base - floor) * (1 - t / T)^power + floor`.
///
/// rstrudel/segmenter (`segm/optim/scheduler.py`) and mmsegmentation (`PolyLrUpdaterHook`) publish the same formula,
/// with a power of 0.9 and a floor of 1e-5 or 1e-4.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolySchedule {
    /// The learning rate of the first iteration.
    pub base: f64,
    /// That of the last one.
    pub floor: f64,
    /// How the way between bends.
    pub power: f64,
    /// Number of iterations.
    pub iterations: usize,
}

impl PolySchedule {
    /// The learning rate of an iteration, from 0; the floor beyond the last one.
    pub fn at(&self, iteration: usize) -> f64 {
        self.scaled_at(iteration, 1.0)
    }

    /// That of parameters whose first rate is `factor` times the others'; the floor is the same for all, as in mmcv's
    /// `PolyLrUpdaterHook`, which goes by parameter group.
    pub fn scaled_at(&self, iteration: usize, factor: f64) -> f64 {
        let left = 1.0 - (iteration as f64 / self.iterations.max(1) as f64).min(1.0);
        let base = self.base * factor;
        let floor = self.floor.min(base);
        (base - floor) * left.powf(self.power) + floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_formula() {
        let schedule = PolySchedule {
            base: 1e-3,
            floor: 1e-5,
            power: 0.9,
            iterations: 160_000,
        };
        assert_eq!(schedule.at(0), 1e-3);
        let half = (1e-3 - 1e-5) * 0.5f64.powf(0.9) + 1e-5;
        assert!((schedule.at(80_000) - half).abs() < 1e-15);
        assert_eq!(schedule.at(160_000), 1e-5);
        assert_eq!(schedule.at(200_000), 1e-5);
        // Ten times the rate to begin with, and the same floor.
        assert_eq!(schedule.scaled_at(0, 10.0), 1e-2);
        assert_eq!(schedule.scaled_at(160_000, 10.0), 1e-5);
        // A floor is never above the first rate.
        assert_eq!(schedule.scaled_at(160_000, 1e-3), 1e-6);
    }
}
