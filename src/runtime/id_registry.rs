//! Ids for files, which stay the same while a file is unchanged.

use std::collections::HashMap;
use std::hash::Hash;
use std::path::PathBuf;
use std::time::SystemTime;

/// Assigns an id to each source, and a new one when its file has changed.
///
/// Reopening an unchanged file gives the same id, so its cached features are found again.
#[derive(Debug)]
pub(crate) struct IdRegistry<S>(HashMap<(S, Vec<Option<Version>>), u64>);

/// Length and modification time of a file: the time alone is not enough, because copying can preserve it.
type Version = (u64, SystemTime);

impl<S> Default for IdRegistry<S> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<S: Hash + Eq> IdRegistry<S> {
    /// The id of `source`, whose content is in `files`; built-in sources have no files.
    ///
    /// A missing file that is created later also changes the id.
    pub(crate) fn of(&mut self, source: S, files: &[PathBuf]) -> u64 {
        let version = |file: &PathBuf| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.len(), metadata.modified().ok()?))
        };
        let version = files.iter().map(version).collect();
        let next = self.0.len() as u64 + 1;
        *self.0.entry((source, version)).or_insert(next)
    }
}
