//! Results of the pictures that were looked at last: going back to one costs nothing.

use crate::engine::{Kept, Output, PhotoSource, Segmented, Settings};

/// What a result belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) struct ResultKey {
    pub(in crate::app) source: PhotoSource,
    /// Number of the model.
    pub(in crate::app) model: u64,
    /// Which output of it.
    pub(in crate::app) output: Output,
    /// How it was run.
    pub(in crate::app) settings: Settings,
}

/// Results up to a number of bytes.
pub(in crate::app) type Results = Kept<ResultKey, Segmented>;
