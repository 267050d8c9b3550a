//! Encoder features that are worth keeping: a change of decoder costs only the decoder.

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

/// Features of the photos that were used last, up to a number of bytes.
#[derive(Debug)]
pub(super) struct FeatureCache {
    /// Most recently used last.
    entries: Vec<(FeatureKey, EncodedPhoto)>,
    most_bytes: usize,
}

impl FeatureCache {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            entries: Vec::new(),
            most_bytes,
        }
    }

    /// Features under `key`, which count as used now.
    pub(super) fn get(&mut self, key: &FeatureKey) -> Option<&EncodedPhoto> {
        let at = self.entries.iter().position(|(k, _)| k == key)?;
        let entry = self.entries.remove(at);
        self.entries.push(entry);
        self.entries.last().map(|(_, encoded)| encoded)
    }

    /// Keeps features, and drops the least recently used beyond the limit.
    pub(super) fn put(&mut self, key: FeatureKey, encoded: EncodedPhoto) {
        self.entries.retain(|(k, _)| *k != key);
        self.entries.push((key, encoded));
        self.drop_beyond_limit();
    }

    /// Sets the limit in bytes, and drops what is beyond it now.
    pub(super) fn set_limit(&mut self, most_bytes: usize) {
        self.most_bytes = most_bytes;
        self.drop_beyond_limit();
    }

    fn drop_beyond_limit(&mut self) {
        let mut bytes = self.bytes();
        while bytes > self.most_bytes && !self.entries.is_empty() {
            bytes -= self.entries.remove(0).1.bytes();
        }
    }

    /// Bytes of everything that is kept.
    pub(super) fn bytes(&self) -> usize {
        self.entries.iter().map(|(_, e)| e.bytes()).sum()
    }

    /// Whether so many bytes could be kept at all.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        bytes <= self.most_bytes
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}
