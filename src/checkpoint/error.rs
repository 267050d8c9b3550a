//! What can be wrong with a model file.

use std::path::{Path, PathBuf};

use crate::model::{SpecError, WeightsMismatch};

/// Why a model file could not be opened or written. The path comes last.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be read at all.
    #[error("cannot read the model ({source}): {}", path.display())]
    Read {
        /// What the system says.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// The bundle cannot be written.
    #[error("cannot write the model ({source}): {}", path.display())]
    Write {
        /// What the system says.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// The file is not what it claims to be.
    #[error("this model file cannot be used: {why}: {}", path.display())]
    Damaged {
        /// What was expected and what was found.
        why: String,
        /// The file.
        path: PathBuf,
    },
    /// A tensor that is needed comes out of code that the file wants run.
    #[error("tensors of this model file come out of a call of {name}, which could run anything; it is refused and nothing was run: {}", path.display())]
    Refused {
        /// Full name of what it wants to call.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// There is no decoder in it.
    #[error(
        "this is a {kind} checkpoint: it has no decoder, so it cannot segment; use it as --init for training: {}",
        path.display()
    )]
    Backbone {
        /// Which kind.
        kind: String,
        /// The file.
        path: PathBuf,
    },
    /// Whoever asked for it has stopped it.
    #[error("opening the model was cancelled")]
    Cancelled,
    /// The sizes are impossible.
    #[error("{source}: {}", path.display())]
    Spec {
        /// Which size.
        source: SpecError,
        /// The file.
        path: PathBuf,
    },
    /// Tensors are missing, of another shape, not finite, or in a block that has no place for them.
    #[error("{source}\n  in {}", path.display())]
    Weights {
        /// Every difference.
        source: WeightsMismatch,
        /// The file.
        path: PathBuf,
    },
}

impl CheckpointError {
    pub(super) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read {
            source,
            path: path.into(),
        }
    }

    pub(super) fn damaged(path: &Path, why: String) -> Self {
        // Parsers quote what they stumble over, which can be of any length.
        let why = why.chars().take(600).collect();
        Self::Damaged { why, path: path.into() }
    }
}
