//! Why a session could not do something.

use super::device::DeviceError;
use crate::checkpoint::CheckpointError;
use crate::segment::{PlanError, SegmentError};

/// Why a session could not do something.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The model file.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The file of a model that had to make room for others.
    #[error("the model {title} has to be read again, which fails: {source}")]
    Reopen {
        /// Title of the model.
        title: String,
        /// What is wrong with the file.
        source: Box<CheckpointError>,
    },
    /// The file of a model that had to make room for others is another one by now.
    #[error("the model {title} has to be read again, and its file has changed; open it anew: {name}")]
    Changed {
        /// Title of the model.
        title: String,
        /// Name of the file.
        name: String,
    },
    /// The settings.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The run.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// No model of this number is open.
    #[error("expected an open model, found none; open one first")]
    NoModel,
    /// The model has no such decoder or head.
    #[error("expected one of the outputs of {0}, found another; choose a decoder of this model")]
    NoOutput(String),
}

impl SessionError {
    /// Whether it was stopped on request.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Segment(SegmentError::Cancelled(_)) | Self::Checkpoint(CheckpointError::Cancelled)
        )
    }
}
