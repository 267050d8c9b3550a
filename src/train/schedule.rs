//! The learning rate over the iterations.

use serde::{Deserialize, Serialize};

/// Polynomial decay to a floor: `(base - floor) * (1 - t / T)^power + floor`.
///
/// rstrudel/segmenter (`segm/optim/scheduler.py`) and mmsegmentation (`PolyLrUpdaterHook`) publish the same formula,
/// with a power of 0.9 and a floor of 1e-5 or 1e-4.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
        let left = 1.0 - (iteration as f64 / self.iterations.max(1) as f64).min(1.0);
        (self.base - self.floor) * left.powf(self.power) + self.floor
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
    }
}
