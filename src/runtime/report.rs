//! A page that compares what is on the screen.

use std::path::PathBuf;
use std::sync::Arc;

use super::comparison::{Comparison, Labelling};
use super::picture::OpenPhoto;
use super::segmented::Segmented;
use crate::export::{self, ExportError, FigureFile, Format, Report, ReportEntry, Subject};
use crate::labels::ClassSet;

/// A page to write.
#[derive(Clone, Debug)]
pub struct ReportExport {
    /// The picture.
    pub photo: OpenPhoto,
    /// What the agreement is with.
    pub reference: String,
    /// One row each.
    pub parts: Vec<ReportPart>,
    /// Target folder.
    pub folder: PathBuf,
}

/// A row of the page.
#[derive(Clone, Debug)]
pub struct ReportPart {
    /// What it is.
    pub title: String,
    /// The labels.
    pub labels: Labelling,
    /// Names and colours of their classes.
    pub classes: ClassSet,
    /// How the masks look.
    pub options: export::Options,
    /// The run that made them; `None` for a file.
    pub result: Option<Segmented>,
    /// With the reference.
    pub comparison: Option<Arc<Comparison>>,
    /// With the ground truth.
    pub truth: Option<Arc<Comparison>>,
}

impl ReportExport {
    /// Writes the page and returns its path. Existing pages stay: then this one gets a number.
    ///
    /// # Errors
    /// When the page cannot be made or written.
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
                    result.cost.reported(times, result.peak_mib)
                }),
                agreement: part.comparison.as_ref().map(|comparison| comparison.agreement),
                mean_iou: part.truth.as_ref().and_then(|truth| truth.mean_iou),
                picture: export::picture(&subject, &part.options, Format::Overlay)?,
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
