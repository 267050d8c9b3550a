//! Windows, strides and sizes that are usual for a data set.

use crate::model::{InferenceSpec, WindowRules};

/// Whose rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// rstrudel/segmenter.
    Segmenter,
    /// mmsegmentation's Segmenter.
    MmsegSegmenter,
    /// SETR, official and mmsegmentation's.
    Setr,
}

/// Stand-in until the table by data set comes in.
pub fn proposed(_system: System, _data_set: &str, patch: usize, crop: usize) -> InferenceSpec {
    InferenceSpec {
        window: crop,
        stride: crop.saturating_sub(32).max(patch),
        short_side: Some(crop),
        rules: WindowRules::Enlarge,
    }
}
