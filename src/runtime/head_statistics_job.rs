//! Attention distance and entropy of every head in one image.

use super::image::ImageSource;
use crate::attention::{AttentionTrace, HeadStatistics, NetworkPart, uniform_distance};
use crate::model::Output;
use crate::segment::InferenceConfig;

/// An image whose attention heads are to be measured.
#[derive(Clone, Debug)]
pub struct HeadsJob {
    /// The image.
    pub source: ImageSource,
    /// Id of an open model.
    pub model: u64,
    /// One of its outputs.
    pub output: Output,
    /// How the model is run.
    pub settings: InferenceConfig,
}

/// Attention distance and entropy of all heads in one image.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadsOfImage {
    /// Statistics of the encoder.
    pub encoder: HeadStatistics,
    /// Statistics of the mask transformer; empty without one.
    pub decoder: HeadStatistics,
    /// Distance in pixels of a head that attends to all patches equally.
    pub uniform: f64,
}

impl HeadsOfImage {
    /// Measures an attention trace. Calls `keep_going` before each block; `None` as soon as it returns false.
    pub fn of(trace: &AttentionTrace, keep_going: impl Fn() -> bool) -> Option<Self> {
        Some(Self {
            encoder: trace.head_statistics(NetworkPart::Encoder, &keep_going)?,
            decoder: trace.head_statistics(NetworkPart::Decoder, &keep_going)?,
            uniform: uniform_distance(trace.grid, trace.patch),
        })
    }
}
