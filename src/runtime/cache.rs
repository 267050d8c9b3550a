//! Encoder features that are worth keeping: a change of decoder costs only the decoder.

use super::kept::{Bytes, Kept};
use crate::segment::{EncodedPhoto, Settings};

/// What features belong to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FeatureKey {
    /// Number of the photo, given when it was opened.
    pub(super) photo: u64,
    /// Number of the model, given when it was loaded.
    pub(super) model: u64,
    pub(super) settings: Settings,
}

/// Features of the photos that were used last.
pub(super) type FeatureCache = Kept<FeatureKey, EncodedPhoto>;

impl Bytes for EncodedPhoto {
    fn bytes(&self) -> usize {
        Self::bytes(self)
    }
}
