//! A report that compares the panes of the compare workspace, as a page in HTML and as a figure.

use std::path::PathBuf;
use std::sync::Arc;

use super::comparison::{Comparison, LabelLayer};
use super::image::OpenImage;
use super::segmented::Segmented;
use crate::export::{self, ExportError, FigureFile, FigureFormat, Format, PlannedFile, Report, ReportEntry, Subject};
use crate::labels::ClassSet;
use crate::photo::Photo;

/// A report to write.
#[derive(Clone, Debug)]
pub struct ReportExport {
    /// The image.
    pub photo: OpenImage,
    /// Title of the pane that the others are compared with.
    pub reference: String,
    /// The rows.
    pub parts: Vec<ReportPart>,
    /// Whether the page is written.
    pub page: bool,
    /// The kind of file of the figure; `None` for no figure.
    pub figure: Option<FigureFormat>,
    /// Target folder.
    pub folder: PathBuf,
    /// Replace existing files.
    pub overwrite: bool,
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
    /// The files that [`ReportExport::write`] would write.
    pub(crate) fn plan(&self) -> Vec<PlannedFile> {
        let panes = self.parts.len() as u64 + 1;
        let pixels = (self.photo.photo.width * self.photo.photo.height) as u64;
        let bytes = panes * 2 * pixels.min(PANE_PIXELS);
        let planned = |(name, what): (String, ReportFile)| {
            let path = self.folder.join(name);
            let (description, bytes) = match what {
                ReportFile::Page => ("Page with table and images", bytes * 4 / 3),
                ReportFile::Figure(_) => ("Figure of the panes", bytes),
            };
            PlannedFile::at(path, description, bytes)
        };
        self.names().into_iter().map(planned).collect()
    }

    /// The figure, with panes of at most `side` pixels.
    ///
    /// # Errors
    /// When masks and photo differ in size.
    pub(crate) fn preview(&self, side: usize) -> Result<Photo, ExportError> {
        self.with_report(|report| Ok(report.draw(side)))
    }

    /// Writes the files and returns their paths.
    ///
    /// # Errors
    /// When a file exists that may not be overwritten, or cannot be created or written.
    pub(crate) fn write(&self) -> Result<Vec<PathBuf>, ExportError> {
        let files = self.with_report(|report| {
            let file = |what| {
                Ok(match what {
                    ReportFile::Page => FigureFile::Text(report.page()?),
                    ReportFile::Figure(format) => FigureFile::Figure(report.figure(format)?),
                })
            };
            let files = self.names().into_iter().map(|(name, what)| Ok((name, file(what)?)));
            files.collect::<Result<Vec<_>, ExportError>>()
        })?;
        export::write_figures(&self.folder, &files, self.overwrite)
    }

    fn names(&self) -> Vec<(String, ReportFile)> {
        let stem = format!("{}-compared", self.photo.source.stem());
        let page = self.page.then(|| (format!("{stem}.html"), ReportFile::Page));
        let figure = self
            .figure
            .map(|format| (format!("{stem}.{}", format.extension()), ReportFile::Figure(format)));
        page.into_iter().chain(figure).collect()
    }

    fn with_report<R>(&self, then: impl FnOnce(&Report) -> Result<R, ExportError>) -> Result<R, ExportError> {
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
        then(&Report {
            name: &self.photo.source.name(),
            photo,
            reference: &self.reference,
            entries: &entries,
        })
    }
}

/// What a file of a report holds.
#[derive(Clone, Copy)]
enum ReportFile {
    Page,
    Figure(FigureFormat),
}

/// Largest number of pixels of an image in a report, for its estimated size.
const PANE_PIXELS: u64 = 960 * 720;
