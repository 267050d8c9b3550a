//! Number of multiplications of SETR MLA, and sizes of its maps.

use super::super::family::Inputs;
use super::spec::SetrMlaSpec;

impl SetrMlaSpec {
    /// Number of multiplications of the main head, or of an auxiliary one.
    pub(super) fn products_over(&self, is_auxiliary: bool, inputs: &Inputs, cells: f64) -> f64 {
        let (dim, classes) = (inputs.width() as f64, inputs.classes as f64);
        let (channels, inner) = (self.channels as f64, self.head_channels as f64);
        let paths = self.taps.len() as f64;
        let neck = paths * cells * (dim * channels + 9.0 * channels * channels);
        if is_auxiliary {
            return neck + cells * channels * classes;
        }
        let refine = paths * cells * 9.0 * (channels * inner + inner * inner);
        let pixels = cells * (self.up * self.up) as f64;
        let kernel = (self.classifier_kernel * self.classifier_kernel) as f64;
        neck + refine + pixels * kernel * paths * inner * classes
    }

    /// Values per cell of the largest map.
    pub(super) fn largest(&self) -> usize {
        self.taps.len() * self.channels.max(self.head_channels * self.up * self.up)
    }
}
