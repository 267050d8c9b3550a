//! A cache with a limit in bytes, which drops the least recently used values first.

/// A value whose memory is counted.
pub trait Bytes {
    /// Size in bytes.
    fn bytes(&self) -> usize;
}

/// A cache with a limit in bytes. Lookup is linear, because there are only a few entries.
#[derive(Debug)]
pub struct LruCache<K, V> {
    /// Least recently used first.
    entries: Vec<(K, V)>,
    most_bytes: usize,
    /// Number of newest entries that stay regardless of their size.
    spared: usize,
}

impl<K: PartialEq, V: Bytes> LruCache<K, V> {
    /// An empty cache that holds at most `most_bytes` bytes.
    pub fn new(most_bytes: usize) -> Self {
        Self {
            entries: Vec::new(),
            most_bytes,
            spared: 0,
        }
    }

    /// As [`LruCache::new`], but the most recently used value stays even if it alone exceeds the limit.
    pub fn sparing_the_newest(most_bytes: usize) -> Self {
        Self {
            spared: 1,
            ..Self::new(most_bytes)
        }
    }

    /// The value of `key`; marks it as the most recently used.
    pub fn get(&mut self, key: &K) -> Option<&V> {
        let at = self.entries.iter().position(|(k, _)| k == key)?;
        let entry = self.entries.remove(at);
        self.entries.push(entry);
        self.entries.last().map(|(_, value)| value)
    }

    /// The value of `key`, without marking it as used.
    pub fn peek(&self, key: &K) -> Option<&V> {
        self.entries.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    /// All entries, the most recently used first.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().rev().map(|(key, value)| (key, value))
    }

    /// Adds or replaces the value of `key`, then drops the least recently used values until the limit is met.
    pub fn put(&mut self, key: K, value: V) {
        self.entries.retain(|(k, _)| *k != key);
        self.entries.push((key, value));
        self.shrink();
    }

    /// As [`LruCache::put`] for a value that has not been used yet: it is kept only if it fits beside the others.
    pub fn put_unused(&mut self, key: K, value: V) {
        self.entries.retain(|(k, _)| *k != key);
        self.entries.insert(0, (key, value));
        self.shrink();
    }

    /// Drops all entries for which `keep` returns false.
    pub fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        self.entries.retain(|(key, _)| keep(key));
    }

    /// Sets the limit in bytes, and drops values that exceed it.
    pub fn set_limit(&mut self, most_bytes: usize) {
        self.most_bytes = most_bytes;
        self.shrink();
    }

    /// Whether a value of `bytes` bytes fits into an empty cache.
    pub fn has_room_for(&self, bytes: usize) -> bool {
        bytes <= self.most_bytes
    }

    /// Total size of the cached values in bytes.
    pub fn bytes(&self) -> usize {
        self.entries.iter().map(|(_, value)| value.bytes()).sum()
    }

    /// Number of cached values.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the cache is empty.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    fn shrink(&mut self) {
        let mut bytes = self.bytes();
        while bytes > self.most_bytes && self.entries.len() > self.spared {
            bytes -= self.entries.remove(0).1.bytes();
        }
    }
}
