//! What a run costs, whatever machine it runs on.

use crate::export::ReportedRun;
use crate::model::{ModelSpec, Output};
use crate::segment::{Prediction, Timings};

/// What a run costs, whatever machine it runs on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Tokens that attend to each other in the encoder: the patches of one window of the first pass, and the class
    /// token.
    pub tokens: usize,
    /// Windows of all passes.
    pub windows: usize,
    /// Floating-point operations of all windows, see [`ModelSpec::operations`].
    pub operations: f64,
}

impl Cost {
    /// With what a run took on this machine, for a page: its times, and the most memory of the process in MiB.
    pub fn reported(&self, times: &Timings, peak_mib: Option<u64>) -> ReportedRun {
        ReportedRun {
            patch: self.patch,
            tokens: self.tokens,
            windows: self.windows,
            operations: self.operations,
            times: [times.encode, times.decode, times.labels],
            peak_mib,
        }
    }

    /// Of a run that has ended in `prediction`.
    pub fn of(spec: &ModelSpec, output: Output, prediction: &Prediction) -> Self {
        let patch = spec.encoder.patch;
        let grid = |window: [usize; 2]| window.map(|side| side.div_ceil(patch));
        let fields = &prediction.fields;
        let tokens = fields.first().map_or(0, |field| {
            let [columns, rows] = grid(field.window);
            columns * rows + spec.encoder.extra_tokens()
        });
        let operations = fields.iter().map(|field| {
            let [columns, rows] = grid(field.window);
            field.windows.len() as f64 * spec.operations(output, [rows, columns])
        });
        Self {
            patch,
            tokens,
            windows: fields.iter().map(|field| field.windows.len()).sum(),
            operations: operations.sum(),
        }
    }
}
