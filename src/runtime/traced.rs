//! A traced image: one pass whose queries, keys and tokens were recorded.

use std::sync::Arc;

use super::image::OpenImage;
use super::model_info::ModelInfo;
use crate::attention::AttentionTrace;
use crate::model::Output;
use crate::segment::{Frame, InferenceConfig, Region};

/// A request for an attention trace.
#[derive(Clone, Debug)]
pub struct TraceRequest {
    /// The image.
    pub photo: OpenImage,
    /// Id of an open model.
    pub model: u64,
    /// One of its outputs; its decoder is traced too.
    pub output: Output,
    /// How the model is run.
    pub settings: InferenceConfig,
    /// The part of the image that is traced.
    pub region: Region,
}

/// Queries, keys and tokens of a pass, with the position of its patches.
#[derive(Debug)]
pub struct TracedImage {
    /// The request.
    pub request: TraceRequest,
    /// The model that was run.
    pub model: Arc<ModelInfo>,
    /// The area that the patches cover in the image.
    pub frame: Frame,
    /// The recorded queries, keys and tokens.
    pub trace: AttentionTrace,
    /// The mask transformer's class embeddings projected onto a plane, one point per class; empty without a mask
    /// transformer.
    pub class_plane: Vec<[f32; 2]>,
}
