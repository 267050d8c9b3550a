//! Export of the labels of the photo. They are checked first, by the thread that has them.

use std::path::Path;
use std::sync::Arc;

use super::Annotate;
use super::accepting::{ids_by_name, result_of};
use super::sheet::{OpenProject, Sheet};
use crate::annotate::project::{ImageRecord, ImageState, ProjectClass};
use crate::annotate::{Checks, UNLABELLED};
use crate::app::action::{Action, Request};
use crate::app::workspaces::Ctx;
use crate::engine::{AnnotationRequest, Export, Find, LabelsExport, LabelsOrigin};
use crate::export::Options;
use crate::interchange::{LabelClass, below_images};

impl Annotate {
    /// Asks for what should be looked at; the export sheet opens with the answer.
    pub(super) fn begin_export(&mut self, ctx: &Ctx) {
        self.release(ctx);
        let (Some(sheet), Some(open)) = (self.sheet(), self.project()) else {
            return;
        };
        let predicted = result_of(ctx).map(|result| {
            let ids = ids_by_name(&result.model.classes, &open.project);
            (result.prediction.clone(), ids)
        });
        ctx.request(Request::Annotate(Box::new(AnnotationRequest::Find(Find::Checks {
            image: sheet.image.clone(),
            ids: open.project.listed().map(|class| class.id).collect(),
            predicted,
            number: sheet.edits,
        }))));
    }

    /// Opens the export sheet, if the photo and its labels are still those that were checked.
    pub(super) fn take_checks(&mut self, image: &Path, number: u64, checks: &Checks, ctx: &Ctx) {
        let is_now = |sheet: &Sheet| sheet.image == image && sheet.edits == number;
        if self.sheet().is_some_and(is_now) {
            self.open_export(checks, ctx);
        }
    }

    fn open_export(&mut self, checks: &Checks, ctx: &Ctx) {
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
            findings: checks.findings(),
            map: Arc::new(map),
            classes: open.set.clone(),
            options: Options {
                hidden,
                ..Options::default()
            },
            folder: Default::default(),
            origin: origin_of(sheet, open),
            exchange: None,
        });
        ctx.send(Action::Export(Box::new(export)));
    }
}

/// What the project knows of the labels.
fn origin_of(sheet: &Sheet, open: &OpenProject) -> LabelsOrigin {
    let name = |path: &str| below_images(path).to_owned();
    // The record of the open photo is ahead of that of the project.
    let others = open.records.values().filter(|record| record.path != sheet.record.path);
    let records: Vec<&ImageRecord> = others.chain([&sheet.record]).collect();
    let is_labelled = |record: &&&ImageRecord| !matches!(record.state, ImageState::New | ImageState::Skipped);
    let is_done = |record: &&&ImageRecord| record.state == ImageState::Done;
    let class = |class: &ProjectClass| LabelClass {
        id: class.id,
        name: class.name.clone(),
        color: class.color,
    };
    LabelsOrigin {
        classes: open.project.listed().map(class).collect(),
        image: name(&sheet.record.path),
        root: open.has_list.then(|| sheet.root.clone()),
        done: records
            .iter()
            .filter(is_done)
            .map(|record| name(&record.path))
            .collect(),
        labelled: records.iter().filter(is_labelled).count(),
    }
}
