//! Export of the comparison as a page and as a figure.

use super::Compare;
use super::pane::{Content, Pane};
use crate::app::action::Action;
use crate::app::workspaces::Ctx;
use crate::engine::{Export, ReportExport, ReportPart};
use crate::export;

impl Compare {
    /// Whether there are panes to export, and all their labels and comparisons are finished.
    pub(super) fn can_export(&self) -> bool {
        let has_labels = |pane: &Pane| pane.labelled.is_some() || pane.failed.is_some();
        let shows_labels = |pane: &&Pane| pane.content != Content::Photo;
        let mut panes = self.panes.iter().filter(shows_labels).peekable();
        panes.peek().is_some() && panes.all(has_labels) && !self.comparisons.are_waiting()
    }

    /// Opens the export sheet for the panes and the table.
    pub(super) fn open_export(&self, ctx: &Ctx) {
        let Some(photo) = ctx.document().map(|document| document.photo.clone()) else {
            return;
        };
        let parts = self.panes.iter().filter_map(|pane| {
            let labelled = pane.labelled.as_ref().filter(|labelled| labelled.photo == photo.id)?;
            let classes = pane.classes()?;
            let mut options = ctx.as_seen(classes, export::Options::default());
            // Ids without a class have no colour, as on the screen.
            options.hidden.resize(usize::from(u16::MAX) + 1, true);
            Some(ReportPart {
                title: self.pane_title(pane, ctx),
                labels: labelled.labels.clone(),
                classes: classes.clone(),
                options,
                result: labelled.result.clone(),
                comparison: self.with_reference(pane).cloned(),
                truth: self.with_truth(pane).cloned(),
            })
        });
        let parts: Vec<ReportPart> = parts.collect();
        let reference = self.panes.get(self.reference);
        let reference = reference.map_or_else(String::new, |pane| self.pane_title(pane, ctx));
        let export = Export::Report(ReportExport {
            photo,
            reference,
            parts,
            page: true,
            figure: None,
            folder: Default::default(),
            overwrite: false,
        });
        ctx.actions().send(Action::Export(Box::new(export)));
    }
}
