//! Exports to files or to the clipboard.

use std::path::{Path, PathBuf};

use super::attention_export::FigureExport;
use super::image::ImageSource;
use super::labels_export::LabelsExport;
use super::report::ReportExport;
use super::rgba::Rgba;
use super::segmented::Segmented;
use crate::export::{self, ExportError, Format, PlannedFile};
use crate::photo::Photo;

/// Something that can be written to files.
#[derive(Clone, Debug)]
pub enum Export {
    /// Masks of a result.
    Masks(MaskExport),
    /// Labels that were edited.
    Labels(LabelsExport),
    /// Attention maps.
    Figures(FigureExport),
    /// A comparison.
    Report(ReportExport),
}

impl Export {
    /// The files that [`Export::write`] would write.
    pub(crate) fn plan(&self) -> Vec<PlannedFile> {
        match self {
            Self::Masks(job) => job.plan(),
            Self::Labels(job) => job.plan(),
            Self::Figures(job) => job.plan(),
            Self::Report(job) => job.plan(),
        }
    }

    /// What the files will not hold, or why they cannot be written; `None` if nothing has to be said.
    pub(crate) fn warning(&self) -> Option<String> {
        match self {
            Self::Labels(job) => job.warning(),
            _ => None,
        }
    }

    /// A small image of what is written, whose photos have at most `side` pixels; `None` for masks and labels.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub(crate) fn preview(&self, side: usize) -> Result<Option<Photo>, ExportError> {
        match self {
            Self::Masks(_) | Self::Labels(_) => Ok(None),
            Self::Figures(job) => Ok(Some(job.preview(side))),
            Self::Report(job) => job.preview(side).map(Some),
        }
    }

    /// Writes the files and returns their paths.
    ///
    /// # Errors
    /// When a file exists that may not be overwritten, or cannot be written.
    pub(crate) fn write(&self) -> Result<Vec<PathBuf>, ExportError> {
        match self {
            Self::Masks(job) => job.write(),
            Self::Labels(job) => job.write(),
            Self::Figures(job) => job.write(),
            Self::Report(job) => job.write(),
        }
    }

    /// The image that it belongs to.
    pub fn source(&self) -> &ImageSource {
        match self {
            Self::Masks(job) => &job.result.photo.source,
            Self::Labels(job) => &job.photo.source,
            Self::Figures(job) => &job.traced.request.photo.source,
            Self::Report(job) => &job.photo.source,
        }
    }

    /// The target folder.
    pub fn folder(&self) -> &Path {
        match self {
            Self::Masks(job) => &job.folder,
            Self::Labels(job) => &job.folder,
            Self::Figures(job) => &job.folder,
            Self::Report(job) => &job.folder,
        }
    }
}

/// An export of a result.
#[derive(Clone, Debug)]
pub struct MaskExport {
    /// The result.
    pub result: Segmented,
    /// Formats and appearance.
    pub options: export::Options,
    /// Target folder.
    pub folder: PathBuf,
}

impl MaskExport {
    /// The files that [`MaskExport::write`] would write.
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
