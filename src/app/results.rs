//! Results of the pictures that were looked at last: going back to one costs nothing.

use crate::engine::{Kept, Output, PhotoSource, Segmented, Settings};

/// What a result belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ResultKey {
    pub(super) source: PhotoSource,
    /// Number of the model.
    pub(super) model: u64,
    /// Which output of it.
    pub(super) output: Output,
    /// How it was run.
    pub(super) settings: Settings,
}

/// Results up to a number of bytes.
pub(super) type Results = Kept<ResultKey, Segmented>;
