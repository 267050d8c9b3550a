//! A cache for encoder features, so that a change of decoder runs only the decoder.

use super::lru_cache::{Bytes, LruCache};
use crate::segment::{EncodedPhoto, InferenceConfig};

/// The key of cached features.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FeatureKey {
    /// Id of the image, assigned when it was opened.
    pub(super) photo: u64,
    /// Id of the model, assigned when it was loaded.
    pub(super) model: u64,
    pub(super) settings: InferenceConfig,
}

/// Features of the most recently used images.
pub(super) type FeatureCache = LruCache<FeatureKey, EncodedPhoto>;

impl Bytes for EncodedPhoto {
    fn bytes(&self) -> usize {
        Self::bytes(self)
    }
}
