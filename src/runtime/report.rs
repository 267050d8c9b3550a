//! An HTML report that compares the panes of the compare workspace.

use std::path::PathBuf;
use std::sync::Arc;

use super::comparison::{Comparison, LabelLayer};
use super::image::OpenImage;
use super::segmented::Segmented;
use crate::export::{self, ExportError, FigureFile, Format, Report, ReportEntry, Subject};
use crate::labels::ClassSet;

/// A report to write.
#[derive(Clone, Debug)]
pub struct ReportExport {
    /// The image.
    pub photo: OpenImage,
    /// Title of the pane that the others are compared with.
    pub reference: String,
    /// The rows.
    pub parts: Vec<ReportPart>,
    /// Target folder.
    pub folder: PathBuf,
}

/// A row of the report.
#[derive(Clone, Debug)]
pub struct ReportPart {
    /// Title of the row.
    pub title: String,
    /// The labels.
    pub labels: LabelLayer,
    /// Class set of the labels.
    pub classes: ClassSet,
    /// How the masks are drawn.
    pub options: export::Options,
    /// The result that the labels belong to; `None` for a file.
    pub result: Option<Segmented>,
    /// Comparison with the reference.
    pub comparison: Option<Arc<Comparison>>,
    /// Comparison with the ground truth.
    pub truth: Option<Arc<Comparison>>,
}

impl ReportExport {
    /// Writes the report and returns its path. Existing reports are kept: the new one gets a number.
    ///
    /// # Errors
    /// When the report cannot be created or written.
    pub(crate) fn write(&self) -> Result<Vec<PathBuf>, ExportError> {
        let photo = &*self.photo.photo;
        let entry = |part: &ReportPart| {
            let subject = Subject {
                photo,
                map: part.labels.map(),
                confidence: part.labels.confidence().unwrap_or_default(),
                classes: &part.classes,
            };
            Ok(ReportEntry {
                title: part.title.clone(),
                run: part.result.as_ref().map(|result| {
                    let times = &result.prediction.timings;
                    result.cost.reported(result.model.precision, times, result.peak_mib)
                }),
                agreement: part.comparison.as_ref().map(|comparison| comparison.agreement),
                mean_iou: part.truth.as_ref().and_then(|truth| truth.mean_iou),
                image: export::image(&subject, &part.options, Format::Overlay)?,
            })
        };
        let entries = self.parts.iter().map(entry).collect::<Result<Vec<_>, ExportError>>()?;
        let report = Report {
            name: &self.photo.source.name(),
            photo,
            reference: &self.reference,
            entries: &entries,
        };
        let stem = format!("{}-compared", self.photo.source.stem());
        let numbered = (2..).map(|number| format!("{stem}-{number}.html"));
        let mut names = std::iter::once(format!("{stem}.html")).chain(numbered);
        let name = names
            .find(|name| !self.folder.join(name).exists())
            .unwrap_or(stem.clone());
        let files = [(name, FigureFile::Text(report.page()?))];
        export::write_figures(&self.folder, &files, false)
    }
}
