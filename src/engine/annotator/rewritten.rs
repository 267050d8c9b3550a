//! What a change of many label files has done.

use std::path::PathBuf;

use crate::annotate::Patch;
use crate::annotate::project::StoreError;

/// What a change of all label files has done.
#[derive(Default)]
pub(super) struct Rewritten {
    /// Label files, and what their tiles held.
    pub(super) before: Vec<(PathBuf, Patch)>,
    /// Open images, and what their tiles hold now.
    pub(super) edits: Vec<(PathBuf, Patch)>,
    /// Changed pixels, and label files with at least one.
    pub(super) changed: [u64; 2],
    /// Why a label file could not follow.
    pub(super) failed: Option<StoreError>,
}

impl Rewritten {
    pub(super) fn note(&mut self, labels: PathBuf, before: Patch, pixels: u64) {
        self.changed = [self.changed[0] + pixels, self.changed[1] + 1];
        self.before.push((labels, before));
    }
}
