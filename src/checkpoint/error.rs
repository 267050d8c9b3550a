//! Errors when opening or writing model files.

use std::path::{Path, PathBuf};

use crate::model::{SpecError, WeightsMismatch};

/// Why a model file could not be opened or written. The path comes last in each message.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be read at all.
    #[error("cannot read the model ({source}): {}", path.display())]
    Read {
        /// The error of the operating system.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// The bundle cannot be written.
    #[error("cannot write the model ({source}): {}", path.display())]
    Write {
        /// The error of the operating system.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged or is not a supported model.
    #[error("this model file cannot be used: {why}: {}", path.display())]
    Damaged {
        /// What was expected and what was found.
        why: String,
        /// The file.
        path: PathBuf,
    },
    /// A needed tensor is the result of code that the file asks to run.
    #[error(
        "tensors of this model file are made by calling {name}, which could run any code; the call is refused and \
         nothing was run: {}",
        path.display()
    )]
    Refused {
        /// Full name of the callable.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// The file has no decoder.
    #[error(
        "this is a {kind} checkpoint: it has no decoder, so it cannot segment; use it as --init for training: {}",
        path.display()
    )]
    Backbone {
        /// The kind of checkpoint.
        kind: String,
        /// The file.
        path: PathBuf,
    },
    /// The caller cancelled it.
    #[error("opening the model was cancelled")]
    Cancelled,
    /// The sizes are impossible.
    #[error("{source}: {}", path.display())]
    Spec {
        /// The impossible size.
        source: SpecError,
        /// The file.
        path: PathBuf,
    },
    /// Tensors are missing, have another shape, are not finite, or are unknown inside a block.
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
        // Parsers quote the text that they fail on, which can be of any length.
        let why = why.chars().take(600).collect();
        Self::Damaged { why, path: path.into() }
    }
}
