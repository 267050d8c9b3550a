//! A page that compares what is on the screen.

use std::path::PathBuf;
use std::sync::Arc;

use super::comparison::{Comparison, Labelling};
use super::job::{OpenPhoto, Segmented};
use crate::export::{self, ExportError, FigureFile, Format, Report, ReportEntry, ReportedRun, Subject};
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
    /// Writes the page and returns its path. An existing page stays, and this fails.
    pub(super) fn write(&self) -> Result<Vec<PathBuf>, ExportError> {
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
                run: part.result.as_ref().map(reported),
                agreement: part.comparison.as_ref().map(|comparison| comparison.agreement),
                mean_iou: part.truth.as_ref().and_then(|truth| truth.confusion.mean_iou()),
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
        let name = format!("{}-compared.html", self.photo.source.stem());
        let files = [(name, FigureFile::Text(report.page()?))];
        export::write_figures(&self.folder, &files, false)
    }
}

fn reported(result: &Segmented) -> ReportedRun {
    let (cost, times) = (&result.cost, &result.prediction.timings);
    ReportedRun {
        patch: cost.patch,
        tokens: cost.tokens,
        windows: cost.windows,
        operations: cost.operations,
        times: [times.encode, times.decode, times.labels],
        peak_mib: result.peak_mib,
    }
}
