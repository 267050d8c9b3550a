//! Number of multiplications of a head, and sizes of its maps.

use super::super::family::Inputs;
use super::spec::SetrPupHead;

impl SetrPupHead {
    pub(super) fn products(&self, inputs: &Inputs, cells: f64) -> f64 {
        let (mut pixels, mut channels, mut sum) = (cells, inputs.width() as f64, 0.0);
        for stage in &self.stages {
            sum += pixels * (stage.kernel * stage.kernel) as f64 * channels * stage.channels as f64;
            channels = stage.channels as f64;
            pixels *= (stage.up * stage.up) as f64;
        }
        sum + pixels * channels * inputs.classes as f64
    }

    /// Logits per cell and side, for cells of `stride` pixels.
    pub(super) fn logits_per_cell(&self, stride: usize, left_out: bool) -> usize {
        match self.stages.last() {
            Some(last) if left_out && self.up() == stride => self.up() / last.up,
            Some(_) | None => self.up(),
        }
    }

    /// Values per cell of its largest map.
    pub(super) fn largest_map(&self) -> usize {
        let mut side = 1;
        let maps = self.stages.iter().map(|stage| {
            side *= stage.up;
            side * side * stage.channels
        });
        maps.max().unwrap_or(0)
    }
}
