//! An export of a result to files or to the clipboard.

use std::path::PathBuf;

use super::rgba::Rgba;
use super::segmented::Segmented;
use crate::export::{self, ExportError, Format, PlannedFile};

/// An export of a result.
#[derive(Clone, Debug)]
pub struct ExportJob {
    /// The result.
    pub result: Segmented,
    /// Formats and appearance.
    pub options: export::Options,
    /// Target folder.
    pub folder: PathBuf,
}

impl ExportJob {
    /// The files that [`ExportJob::write`] would write.
    pub(crate) fn plan(&self) -> Vec<PlannedFile> {
        let stem = self.result.file_stem(&self.options);
        export::files(&self.result.subject(), &self.options, &self.folder, &stem)
    }

    /// Writes the files and returns their paths.
    ///
    /// # Errors
    /// As [`export::write`].
    pub(crate) fn write(&self) -> Result<Vec<PathBuf>, ExportError> {
        let stem = self.result.file_stem(&self.options);
        export::write(&self.result.subject(), &self.options, &self.folder, &stem)
    }

    /// Draws one format as an image; the folder is ignored.
    ///
    /// # Errors
    /// As [`export::image`].
    pub(crate) fn draw(&self, format: Format) -> Result<Rgba, ExportError> {
        let image = export::image(&self.result.subject(), &self.options, format)?;
        Ok(Rgba::from(&image))
    }
}
