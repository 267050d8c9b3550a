//! Paths in TOML, which is UTF-8. Paths that are not UTF-8 are left out: a session without one image is better than
//! none.

use std::path::PathBuf;

use serde::{Serialize as _, Serializer};

/// Serializes a path, or nothing if it is not UTF-8.
pub(super) fn optional<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().and_then(|path| path.to_str()).serialize(serializer)
}

/// Serializes those paths of a list that are UTF-8.
pub(super) fn list<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().filter_map(|path| path.to_str()))
}
