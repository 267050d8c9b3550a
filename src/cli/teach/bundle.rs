//! Writes the encoder with a taught decoder as a bundle.

use std::path::Path;

use anyhow::Result;

use super::classes::TaughtClasses;
use crate::checkpoint::Checkpoint;
use crate::cli::printing::{self, err};
use crate::runtime::TaughtModel;

/// Writes the bundle with the model that was read.
pub(super) fn save(original: Checkpoint, taught: &TaughtModel, classes: &TaughtClasses, path: &Path) -> Result<()> {
    if !classes.are_contiguous() {
        let ids: Vec<String> = classes.ids.iter().map(u16::to_string).collect();
        let ids = ids.join(", ");
        err!("segscope: note: the classes of the bundle have the ids 0, 1, … instead of {ids} of the strokes");
    }
    taught.save_with(original, path)?;
    let size = std::fs::metadata(path).map_or(0, |about| about.len());
    printing::error_text(format_args!("{}: {:.1} MB\n", path.display(), size as f64 / 1e6));
    Ok(())
}
