//! Opens the labels of the photo on the canvas, and keeps those of photos that were annotated before.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Annotate;
use super::sheet::{OpenProject, Saving, Sheet};
use super::tool::PaintOver;
use crate::annotate::UNLABELLED;
use crate::annotate::project::Origin;
use crate::app::action::Request;
use crate::app::gpu::{GpuLabels, Upload};
use crate::app::state::Document;
use crate::app::workspaces::Ctx;
use crate::engine::{AnnotationNews, AnnotationRequest, Asked, ImageSource, OpenedAnnotation, Ticket};

/// Largest number of sheets, and of their pixels, that stay in memory.
const MOST_SHEETS: usize = 16;
const MOST_PIXELS: u64 = 150_000_000;

/// The labels of a photo on their way.
pub(super) struct Opening {
    source: ImageSource,
    image: PathBuf,
    /// Number of the photo, for its textures.
    photo: u64,
    asked: Asked,
    /// What was opened, while its texture is being made.
    opened: Option<OpenedAnnotation>,
    /// What was reported of its file meanwhile.
    saving: Option<Saving>,
}

/// Path of an image for the thread that writes. Labels of the sample go to the folder that its exports go to.
pub(super) fn path_of(source: &ImageSource, ctx: &Ctx) -> PathBuf {
    match source.file() {
        Some(file) => file.to_owned(),
        None => ctx.state.sample_folder.join("street.jpg"),
    }
}

impl Annotate {
    /// Opens the labels of the photo on the canvas, if that has not been done.
    pub(super) fn follow_document(&mut self, ctx: &Ctx) {
        let Some(document) = ctx.document() else { return };
        let source = &document.photo.source;
        if self.current.as_ref() != Some(source) {
            self.release(ctx);
            // A polygon that is not applied waits for its photo.
            let shape = std::mem::take(&mut self.shape);
            if let Some(before) = self
                .current
                .replace(source.clone())
                .filter(|_| !shape.corners.is_empty())
            {
                self.shapes.insert(before, shape);
            }
            self.shape = self.shapes.remove(source).unwrap_or_default();
            self.last_tip = None;
            self.unsure = None;
            self.note = None;
            self.deselect();
            self.tokens.forget();
            self.check_class();
        }
        self.drop_foreign_sheets(ctx);
        let size = [document.photo.photo.width, document.photo.photo.height];
        if let Some(sheet) = self.sheets.get(source)
            && sheet.layer.size() != size
        {
            // The file is another photo now.
            self.drop_sheet(source, ctx);
        }
        let failed = self.failed.as_ref().is_some_and(|(failed, _)| failed == source);
        let is_same = |opening: &Opening| opening.source == *source && opening.photo == document.photo.id;
        let opening = self.opening.as_ref().is_some_and(is_same);
        let usable = ctx.state.library.models.used().is_some();
        if self.sheets.contains_key(source) || failed || opening || !usable {
            return;
        }
        self.open(document, ctx);
    }

    fn open(&mut self, document: &Document, ctx: &Ctx) {
        let Some(model) = ctx.state.library.models.used() else {
            return;
        };
        let photo = &document.photo;
        let asked = Asked::new();
        let image = path_of(&photo.source, ctx);
        // The thread need not keep labels that nobody waits for.
        if let Some(other) = self.opening.take().filter(|other| other.image != image) {
            ctx.request(Request::Annotate(Box::new(AnnotationRequest::Close {
                image: other.image,
            })));
        }
        ctx.request(Request::Annotate(Box::new(AnnotationRequest::Open {
            ticket: asked.ticket(),
            image: image.clone(),
            size: [photo.photo.width, photo.photo.height],
            classes: model.classes.clone(),
            colors: ctx.state.view.colors(&model.classes),
            reader: Box::new(model.truth_reader(&ctx.state.truth)),
        })));
        self.opening = Some(Opening {
            source: photo.source.clone(),
            image,
            photo: photo.id,
            asked,
            opened: None,
            saving: None,
        });
    }

    /// In a folder without a class list, ids mean the classes of the model in use: labels that were opened with another
    /// model are opened again.
    fn drop_foreign_sheets(&mut self, ctx: &Ctx) {
        let Some(model) = ctx.state.library.models.used() else {
            return;
        };
        let foreign = |open: &OpenProject| !open.has_list && !open.set.has_names_of(&model.classes);
        let is_foreign = |sheet: &Sheet| {
            let open = self.projects.get(&sheet.root);
            open.is_some_and(foreign) && sheet.saving == Saving::Saved
        };
        let sources = self.sheets.iter().filter(|(_, sheet)| is_foreign(sheet));
        let sources: Vec<ImageSource> = sources.map(|(source, _)| source.clone()).collect();
        for source in sources {
            self.drop_sheet(&source, ctx);
        }
    }

    /// Chooses another class, if the project of the photo lacks the one that is chosen.
    pub(super) fn check_class(&mut self) {
        let Some(open) = self.project() else { return };
        let (project, list) = (&open.project, &self.settings.over);
        let lost = project.class(self.class).is_none();
        let first = project.listed().next().map_or(0, |class| class.id);
        let known = |id: u16| id == UNLABELLED || project.class(id).is_some();
        let resets = matches!(list, PaintOver::Classes(ids) if !ids.iter().all(known));
        if lost {
            self.class = first;
        }
        if resets {
            self.settings.over = PaintOver::Any;
        }
    }

    /// Opens the labels again, for example after the file has been repaired.
    pub(super) fn open_again(&mut self) {
        self.failed = None;
    }

    /// Handles what the thread that writes reports.
    pub(super) fn take_news(&mut self, news: &AnnotationNews, ctx: &Ctx) {
        match news {
            AnnotationNews::Opened { ticket, labels } => self.take_opened(ticket, labels, ctx),
            AnnotationNews::OpenFailed { ticket, message } => {
                if let Some(opening) = self.opening.take_if(|opening| opening.asked.is(ticket)) {
                    self.failed = Some((opening.source, message.clone()));
                }
            }
            AnnotationNews::Saved {
                image,
                number,
                took,
                original,
                grown,
            } => {
                self.note_saved(image, *number, *took);
                if let Some(original) = original {
                    ctx.actions()
                        .info(format!("The original label file is kept: {}", original.display()));
                }
                if *grown {
                    ctx.actions()
                        .info("The label file has more colours than before: a class needed one");
                }
            }
            AnnotationNews::SaveFailed {
                image,
                message,
                changed,
            } => {
                let failed = Saving::Failed {
                    message: message.clone(),
                    changed: *changed,
                };
                if let Some(sheet) = self.sheet_of(image) {
                    sheet.saving = failed;
                } else if let Some(opening) = self.opening.as_mut().filter(|opening| opening.image == *image) {
                    opening.saving = Some(failed);
                }
            }
            AnnotationNews::Found(found) => self.take_found(found, ctx),
            AnnotationNews::Importing { .. }
            | AnnotationNews::Imported { .. }
            | AnnotationNews::ImportFailed { .. } => {
                self.take_import(news, ctx);
            }
            AnnotationNews::Classes { .. } | AnnotationNews::ClassesFailed { .. } | AnnotationNews::Counted { .. } => {
                self.take_classes(news, ctx);
            }
        }
    }

    /// Notes that a label file holds the edit with this number, and those before it.
    fn note_saved(&mut self, image: &PathBuf, number: u64, took: Duration) {
        let Some(sheet) = self.sheet_of(image) else {
            if let Some(opening) = self.opening.as_mut().filter(|opening| opening.image == *image) {
                opening.saving = Some(Saving::Saved);
            }
            return;
        };
        if sheet.edits == number {
            sheet.saving = Saving::Saved;
            sheet.saved_in = took;
        }
        if !matches!(sheet.origin, Origin::Foreign | Origin::Own) {
            // New label files come with a class list.
            let root = sheet.root.clone();
            if let Some(open) = self.projects.get_mut(&root) {
                open.has_list = true;
            }
        }
    }

    fn take_opened(&mut self, ticket: &Ticket, labels: &OpenedAnnotation, ctx: &Ctx) {
        let Some(opening) = self.opening.as_mut().filter(|opening| opening.asked.is(ticket)) else {
            return;
        };
        for note in &labels.notes {
            ctx.actions().info(note.clone());
        }
        if labels.recovered > 0 {
            let edits = if labels.recovered == 1 { "edit" } else { "edits" };
            ctx.actions().info(format!(
                "{} {edits} that had not been saved came back",
                labels.recovered
            ));
        }
        let map = labels.map.clone();
        opening.opened = Some(labels.clone());
        match ctx.gpu {
            Some(_) => ctx.request(Request::Upload(Upload::Edited {
                id: opening.photo,
                ticket: opening.asked.ticket(),
                map,
            })),
            None => self.finish_opening(None, ctx),
        }
    }

    /// Takes textures that have been made.
    pub(super) fn take_texture(&mut self, ticket: &Ticket, labels: &Arc<GpuLabels>, ctx: &Ctx) {
        if self.opening.as_ref().is_some_and(|opening| opening.asked.is(ticket)) {
            self.finish_opening(Some(labels.clone()), ctx);
        }
    }

    /// Labels whose texture cannot be made are edited without being drawn.
    pub(super) fn do_without_texture(&mut self, photo: u64, ctx: &Ctx) {
        let waits = |opening: &Opening| opening.photo == photo && opening.opened.is_some();
        if self.opening.as_ref().is_some_and(waits) {
            self.finish_opening(None, ctx);
        }
    }

    fn finish_opening(&mut self, texture: Option<Arc<GpuLabels>>, ctx: &Ctx) {
        let Some(opening) = self.opening.take() else { return };
        let Some(opened) = opening.opened else { return };
        let root = opened.root.clone();
        let (project, records) = (opened.project.clone(), opened.records.clone());
        let known = self.projects.remove(&root);
        let mut open = OpenProject::new(project, records);
        open.has_list = opened.has_class_list;
        open.undo = known.is_some_and(|known| known.undo);
        self.projects.insert(root.clone(), open);
        self.tell_states(&root, ctx);
        let mut sheet = Sheet::new(opening.image, opened, texture);
        if let Some(saving) = opening.saving {
            sheet.saving = saving;
        }
        if !self.settings.sized {
            self.settings.size_for(sheet.layer.size());
        }
        self.sheets.insert(opening.source.clone(), sheet);
        self.order.retain(|source| *source != opening.source);
        self.order.push(opening.source);
        self.check_class();
    }

    /// Forgets the sheets that were used longest ago, beyond the memory. All their edits are on disk.
    pub(super) fn forget_old(&mut self, ctx: &Ctx) {
        if let Some(current) = &self.current
            && let Some(place) = self.order.iter().position(|source| source == current)
        {
            let source = self.order.remove(place);
            self.order.push(source);
        }
        let pixels = |annotate: &Self| annotate.sheets.values().map(Sheet::all_pixels).sum::<u64>();
        while self.order.len() > MOST_SHEETS || pixels(self) > MOST_PIXELS {
            // Edits that are not on disk stay in memory.
            let is_saved = |source: &&ImageSource| {
                let sheet = self.sheets.get(*source);
                Some(*source) != self.current.as_ref() && sheet.is_none_or(|sheet| sheet.saving == Saving::Saved)
            };
            let Some(oldest) = self.order.iter().find(is_saved).cloned() else {
                return;
            };
            self.drop_sheet(&oldest, ctx);
        }
    }

    /// Forgets the labels of a photo in the window. The thread that writes saves them.
    pub(super) fn drop_sheet(&mut self, source: &ImageSource, ctx: &Ctx) {
        self.order.retain(|other| other != source);
        if let Some(sheet) = self.sheets.remove(source) {
            ctx.request(Request::Annotate(Box::new(AnnotationRequest::Close {
                image: sheet.image,
            })));
        }
    }

    /// Takes the label file that another program has written, in place of the edits that are not saved.
    pub(super) fn take_theirs(&mut self, ctx: &Ctx) {
        let Some(source) = self.current.clone() else { return };
        self.order.retain(|other| *other != source);
        if let Some(sheet) = self.sheets.remove(&source) {
            ctx.request(Request::Annotate(Box::new(AnnotationRequest::Discard {
                image: sheet.image,
            })));
        }
    }

    /// Writes the label file again, over the one that another program has written if there is one.
    pub(super) fn keep_mine(&mut self, ctx: &Ctx) {
        let Some(sheet) = self.sheet_mut() else { return };
        let over = matches!(sheet.saving, Saving::Failed { changed: true, .. });
        sheet.saving = Saving::Unsaved;
        let image = sheet.image.clone();
        ctx.request(Request::Annotate(Box::new(AnnotationRequest::Save { image, over })));
    }

    fn sheet_of(&mut self, image: &PathBuf) -> Option<&mut Sheet> {
        self.sheets.values_mut().find(|sheet| sheet.image == *image)
    }
}
