//! The cost of a run, independent of the machine.

use crate::export::ReportedRun;
use crate::model::{ModelSpec, Output, Precision};
use crate::segment::{Prediction, Timings};

/// The cost of a run, independent of the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Patch size in pixels; `None` if the encoder has no patches.
    pub patch: Option<usize>,
    /// Number of tokens that attend to each other in the encoder: the patches of one window of the first pass, and the
    /// class token.
    pub tokens: Option<usize>,
    /// Number of windows of all passes.
    pub windows: usize,
    /// Floating-point operations of all windows, see [`ModelSpec::operations`].
    pub operations: f64,
}

impl Cost {
    /// Adds for a report how it was computed and what was measured: precision, times, and the peak memory of the process
    /// in MiB.
    pub fn reported(&self, precision: Precision, times: &Timings, peak_mib: Option<u64>) -> ReportedRun {
        ReportedRun {
            patch: self.patch,
            tokens: self.tokens,
            windows: self.windows,
            operations: self.operations,
            precision: precision.key(),
            times: [times.encode, times.decode, times.labels],
            peak_mib,
        }
    }

    /// The cost of the run that produced `prediction`.
    pub fn of(spec: &ModelSpec, output: Output, prediction: &Prediction) -> Self {
        let fields = &prediction.fields;
        let attention = spec.encoder.attention();
        let tokens = attention.zip(fields.first());
        let operations = fields
            .iter()
            .map(|field| field.windows.len() as f64 * spec.operations(output, field.window));
        Self {
            patch: attention.map(|attention| attention.patch),
            tokens: tokens.map(|(attention, field)| attention.patches(field.window) + attention.extra),
            windows: fields.iter().map(|field| field.windows.len()).sum(),
            operations: operations.sum(),
        }
    }
}
