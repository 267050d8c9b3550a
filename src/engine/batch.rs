//! A batch: many images to segment while no other job waits.

use std::path::PathBuf;

use crate::export;
use crate::model::Output;
use crate::runtime::{ImageSource, Segmented};
use crate::segment::InferenceConfig;

/// Images to segment with the same model and settings.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The images, in the order of processing.
    pub images: Vec<ImageSource>,
    /// Id of an open model.
    pub model: u64,
    /// One of its outputs.
    pub output: Output,
    /// Inference settings; `None` for the model's own.
    pub settings: Option<InferenceConfig>,
    /// Key of a class set that replaces the model's own, see
    /// [`ModelInfo::with_set`](crate::runtime::ModelInfo::with_set).
    pub class_set: Option<String>,
    /// Export options and folder for the files of each result; without them, nothing is written.
    pub write: Option<(export::Options, PathBuf)>,
}

/// The state of an image in a batch.
#[derive(Clone, Debug)]
pub enum BatchState {
    /// The image is being segmented, with breaks for other jobs.
    Running,
    /// The image is segmented and its files are written.
    Done {
        /// The result.
        result: Segmented,
        /// Paths of the written files.
        files: Vec<PathBuf>,
    },
    /// The image was skipped because all of its files exist.
    Skipped,
    /// The image could not be read, segmented or exported. The text says what happened and what to do.
    Failed(String),
}
