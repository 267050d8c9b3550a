//! Many pictures to segment while nobody asks for anything else.

use std::path::PathBuf;

use crate::export;
use crate::model::Output;
use crate::runtime::{PhotoSource, Segmented};
use crate::segment::Settings;

/// Pictures to segment, all in one way.
#[derive(Clone, Debug)]
pub struct Batch {
    /// In this order.
    pub pictures: Vec<PhotoSource>,
    /// Number of an open model.
    pub model: u64,
    /// One of its outputs.
    pub output: Output,
    /// `None` for the model's own.
    pub settings: Option<Settings>,
    /// Key of a class set in place of the model's own, see [`ModelInfo::with_set`](crate::runtime::ModelInfo::with_set).
    pub class_set: Option<String>,
    /// Files to write of each result, and the folder for them; nothing is written without.
    pub write: Option<(export::Options, PathBuf)>,
}

/// How far a picture of a batch is.
#[derive(Clone, Debug)]
pub enum BatchState {
    /// It is being segmented, with breaks for other jobs.
    Running,
    /// It is segmented, and its files are written.
    Done {
        /// Everything about it.
        result: Segmented,
        /// Files that were written.
        files: Vec<PathBuf>,
    },
    /// All files that were wanted of it are there already. They stay, and it is not segmented again.
    AlreadyThere,
    /// It could not be read, segmented or written: what happened and what to do.
    Failed(String),
}
