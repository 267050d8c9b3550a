//! What is worth keeping, up to a number of bytes: the least recently used goes first.

/// Something whose memory is counted.
pub trait Bytes {
    /// Bytes that it holds.
    fn bytes(&self) -> usize;
}

/// Values under keys, least recently used first. A key is compared with all others, for there are few.
#[derive(Debug)]
pub struct Kept<K, V> {
    entries: Vec<(K, V)>,
    most_bytes: usize,
    /// Entries, counted from the newest, that stay whatever they take.
    spared: usize,
}

impl<K: PartialEq, V: Bytes> Kept<K, V> {
    /// Keeps nothing yet, and at most so many bytes.
    pub fn new(most_bytes: usize) -> Self {
        Self {
            entries: Vec::new(),
            most_bytes,
            spared: 0,
        }
    }

    /// The same, but the value that was used last stays even when it takes more by itself.
    pub fn sparing_the_newest(most_bytes: usize) -> Self {
        Self {
            spared: 1,
            ..Self::new(most_bytes)
        }
    }

    /// The value under `key`, which counts as used now.
    pub fn get(&mut self, key: &K) -> Option<&V> {
        let at = self.entries.iter().position(|(k, _)| k == key)?;
        let entry = self.entries.remove(at);
        self.entries.push(entry);
        self.entries.last().map(|(_, value)| value)
    }

    /// The value under `key`; this does not count as using it.
    pub fn peek(&self, key: &K) -> Option<&V> {
        self.entries.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    /// Keeps a value in place of the one before it, and drops the least recently used beyond the limit.
    pub fn put(&mut self, key: K, value: V) {
        self.entries.retain(|(k, _)| *k != key);
        self.entries.push((key, value));
        self.shrink();
    }

    /// The same for a value that nobody has used yet: it is kept as far as there is room beside the others.
    pub fn put_unused(&mut self, key: K, value: V) {
        self.entries.retain(|(k, _)| *k != key);
        self.entries.insert(0, (key, value));
        self.shrink();
    }

    /// Drops what `keep` says no to.
    pub fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        self.entries.retain(|(key, _)| keep(key));
    }

    /// Sets the limit in bytes, and drops what is beyond it now.
    pub fn set_limit(&mut self, most_bytes: usize) {
        self.most_bytes = most_bytes;
        self.shrink();
    }

    /// Whether so many bytes could be kept at all.
    pub fn has_room_for(&self, bytes: usize) -> bool {
        bytes <= self.most_bytes
    }

    /// Bytes of everything that is kept.
    pub fn bytes(&self) -> usize {
        self.entries.iter().map(|(_, value)| value.bytes()).sum()
    }

    /// How many values are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is kept.
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
