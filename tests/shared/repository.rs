//! Paths of files in this repository.

use std::path::{Path, PathBuf};

pub fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
