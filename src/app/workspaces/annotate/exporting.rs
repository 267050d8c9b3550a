//! Export of the labels of the photo.

use std::sync::Arc;

use super::Annotate;
use crate::annotate::UNLABELLED;
use crate::app::action::Action;
use crate::app::workspaces::Ctx;
use crate::engine::{Export, LabelsExport};
use crate::export::Options;

impl Annotate {
    /// Opens the export sheet for the labels of the photo.
    pub(super) fn open_export(&mut self, ctx: &Ctx) {
        self.release(ctx);
        let (Some(sheet), Some(open), Some(document)) = (self.sheet(), self.project(), ctx.document()) else {
            return;
        };
        let unlabelled = open.project.unlabelled;
        let mut map = sheet.map().clone();
        for id in map.ids.iter_mut().filter(|id| **id == UNLABELLED) {
            *id = unlabelled;
        }
        // Unlabelled pixels have no colour, as on the screen.
        let mut hidden = vec![false; usize::from(unlabelled) + 1];
        hidden[usize::from(unlabelled)] = true;
        let export = Export::Labels(LabelsExport {
            photo: document.photo.clone(),
            map: Arc::new(map),
            classes: open.set.clone(),
            options: Options {
                hidden,
                ..Options::default()
            },
            folder: Default::default(),
        });
        ctx.send(Action::Export(Box::new(export)));
    }
}
