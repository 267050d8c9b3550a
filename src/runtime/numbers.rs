//! Numbers for files that stay the same while a file is unchanged.

use std::collections::HashMap;
use std::hash::Hash;
use std::path::PathBuf;
use std::time::SystemTime;

/// Gives each source a number, and a new one after its file has changed; features kept under it are found again.
#[derive(Debug)]
pub(crate) struct Numbers<S>(HashMap<(S, Vec<Option<Version>>), u64>);

/// Length and time of a file: one copied over another may keep the time.
type Version = (u64, SystemTime);

impl<S> Default for Numbers<S> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<S: Hash + Eq> Numbers<S> {
    /// The number of `source`, whose content is in `files`; none for what is inside the program. A file that is not
    /// there, and comes, changes the number too.
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
