//! What the window looks into: a pass over one photo that kept what is inside.

use std::sync::Arc;

use super::model_info::ModelInfo;
use super::picture::OpenPhoto;
use crate::attention::Inside;
use crate::model::Output;
use crate::segment::{Frame, Region, Settings};

/// What to look into.
#[derive(Clone, Debug)]
pub struct Look {
    /// The photo.
    pub photo: OpenPhoto,
    /// Number of an open model.
    pub model: u64,
    /// One of its outputs: its decoder is looked into too.
    pub output: Output,
    /// How it is run.
    pub settings: Settings,
    /// Which part of the photo.
    pub region: Region,
}

/// Queries, keys and tokens of a pass, and where its patches lie.
#[derive(Debug)]
pub struct Inspection {
    /// What was asked for.
    pub look: Look,
    /// What was run.
    pub model: Arc<ModelInfo>,
    /// Where the patches lie in the photo.
    pub frame: Frame,
    /// What was kept.
    pub inside: Inside,
    /// The mask transformer's class embeddings in a plane, a point per class; empty without one.
    pub class_plane: Vec<[f32; 2]>,
}
