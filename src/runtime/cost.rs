//! What a run costs, whatever machine it runs on.

use crate::export::ReportedRun;
use crate::model::{ModelSpec, Output};
use crate::segment::{Prediction, Timings};

/// What a run costs, whatever machine it runs on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Side of a patch in pixels, where the encoder has patches.
    pub patch: Option<usize>,
    /// Tokens that attend to each other in the encoder: the patches of one window of the first pass, and the class
    /// token.
    pub tokens: Option<usize>,
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
