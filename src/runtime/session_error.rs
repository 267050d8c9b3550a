//! Errors of a session.

use super::device::DeviceError;
use super::precision::PrecisionError;
use crate::checkpoint::CheckpointError;
use crate::segment::{PlanError, SegmentError};

/// An error of a session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Networks cannot compute as chosen.
    #[error(transparent)]
    Precision(#[from] PrecisionError),
    /// The model file cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The file of a model whose weights were dropped for others cannot be read again.
    #[error("the model {title} cannot be read again: {source}")]
    Reopen {
        /// Title of the model.
        title: String,
        /// The problem with the file.
        source: Box<CheckpointError>,
    },
    /// The file of a model whose weights were dropped for others has changed.
    #[error("the file of the model {title} has changed; open the model again: {name}")]
    Changed {
        /// Title of the model.
        title: String,
        /// Name of the file.
        name: String,
    },
    /// A setting is out of bounds.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The run failed or was stopped.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// No model with this id is open.
    #[error("expected an open model, found none; open one first")]
    NoModel,
    /// The model has no such output.
    #[error("expected an output of {0}, found another one; choose a decoder of this model")]
    NoOutput(String),
}

impl SessionError {
    /// Whether the operation was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Segment(SegmentError::Cancelled(_)) | Self::Checkpoint(CheckpointError::Cancelled)
        )
    }
}
