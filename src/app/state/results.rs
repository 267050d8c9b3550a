//! The cache of recent results: going back to an image costs nothing.

use crate::engine::{ImageSource, InferenceConfig, LruCache, Output, Segmented};

/// The key of a result: the image, and what it was segmented with.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) struct ResultKey {
    pub(in crate::app) source: ImageSource,
    /// Number of the model.
    pub(in crate::app) model: u64,
    /// The model's output.
    pub(in crate::app) output: Output,
    /// Inference settings of the run.
    pub(in crate::app) settings: InferenceConfig,
}

/// Cached results, limited by their bytes.
pub(in crate::app) type Results = LruCache<ResultKey, Segmented>;
