//! The comparison as a page.

use std::path::PathBuf;

use super::Compare;
use crate::app::App;
use crate::engine::{Job, ReportExport, ReportPart};
use crate::export;

impl Compare {
    /// Whether there is something to write.
    pub(in crate::app) fn can_export(&self) -> bool {
        self.panes.iter().any(|pane| pane.labelled.is_some())
    }
}

impl App {
    /// Writes the panes and the table into a folder.
    pub(in crate::app) fn export_comparison(&mut self, folder: PathBuf) {
        let Some(photo) = self.document.as_ref().map(|document| document.photo.clone()) else {
            return;
        };
        let compare = &self.compare;
        let panes = compare.panes.iter().enumerate();
        let parts = panes.filter_map(|(place, pane)| {
            let labelled = pane.labelled.as_ref().filter(|labelled| labelled.photo == photo.id)?;
            let classes = self.classes_of(place)?;
            Some(ReportPart {
                title: self.pane_title(pane),
                labels: labelled.labels.clone(),
                classes: classes.clone(),
                options: self.as_seen(classes, export::Options::default()),
                result: labelled.result.clone(),
                comparison: compare.with_reference(pane).cloned(),
                truth: compare.with_truth(pane).cloned(),
            })
        });
        let parts: Vec<ReportPart> = parts.collect();
        let reference = compare.panes.get(compare.reference);
        let reference = reference.map_or_else(String::new, |pane| self.pane_title(pane));
        self.send(Job::ExportReport(ReportExport {
            photo,
            reference,
            parts,
            folder,
        }));
    }
}
