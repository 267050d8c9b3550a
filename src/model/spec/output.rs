//! The outputs of a model.

use serde::{Deserialize, Serialize};

/// A map of class logits that a model can compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Output {
    /// Index of the decoder in [`super::ModelSpec::decoders`].
    pub decoder: usize,
    /// Index of an auxiliary head of that decoder; `None` for its main head.
    pub auxiliary: Option<usize>,
}

impl Output {
    /// The main head of a decoder.
    pub const fn main(decoder: usize) -> Self {
        Self {
            decoder,
            auxiliary: None,
        }
    }
}
