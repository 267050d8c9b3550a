//! Results of the pictures that were looked at last, up to a number of bytes: going back to one costs nothing.

use crate::engine::{PhotoSource, Segmented};

/// What a result belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ResultKey {
    pub(super) source: PhotoSource,
    /// Number of the model.
    pub(super) model: u64,
    pub(super) multi_scale: bool,
}

/// Results, least recently used first.
#[derive(Default)]
pub(super) struct Results {
    entries: Vec<(ResultKey, Segmented)>,
    most_bytes: usize,
}

impl Results {
    /// Sets the limit, and drops what lies beyond it.
    pub(super) fn set_limit(&mut self, most_bytes: usize) {
        self.most_bytes = most_bytes;
        self.shrink();
    }

    /// A kept result, which counts as used now.
    pub(super) fn get(&mut self, key: &ResultKey) -> Option<&Segmented> {
        let at = self.entries.iter().position(|(k, _)| k == key)?;
        let entry = self.entries.remove(at);
        self.entries.push(entry);
        self.entries.last().map(|(_, result)| result)
    }

    /// How many classes a kept result found; this does not count as using it.
    pub(super) fn present(&self, key: &ResultKey) -> Option<usize> {
        let entry = self.entries.iter().find(|(k, _)| k == key)?;
        Some(entry.1.present())
    }

    /// Keeps a result in place of one before it.
    pub(super) fn put(&mut self, key: ResultKey, result: Segmented) {
        self.entries.retain(|(k, _)| *k != key);
        self.entries.push((key, result));
        self.shrink();
    }

    /// Keeps a result that nobody has looked at yet, as far as there is room beside the others.
    pub(super) fn put_unseen(&mut self, key: ResultKey, result: Segmented) {
        self.entries.retain(|(k, _)| *k != key);
        self.entries.insert(0, (key, result));
        self.shrink();
    }

    /// Forgets everything about a picture, as when its file has changed.
    pub(super) fn forget(&mut self, source: &PhotoSource) {
        self.entries.retain(|(key, _)| key.source != *source);
    }

    /// Bytes of memory that the results take.
    pub(super) fn bytes(&self) -> usize {
        self.entries.iter().map(|(_, result)| result.bytes()).sum()
    }

    /// How many results are kept.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn shrink(&mut self) {
        let mut bytes = self.bytes();
        while bytes > self.most_bytes && !self.entries.is_empty() {
            bytes -= self.entries.remove(0).1.bytes();
        }
    }
}
