//! What the window does with the worker's answers.

use egui::Context;

use super::App;
use super::document::Document;
use crate::engine::{Event, OpenPhoto, Segmented};

impl App {
    pub(super) fn take_event(&mut self, event: Event, context: &Context) {
        match event {
            Event::Device { name, note, gpu_failed } => {
                if let Some(note) = note.as_ref().filter(|_| gpu_failed) {
                    self.toasts.info(format!("Using the CPU: {note}"));
                }
                self.device = Some((name, note));
            }
            Event::Model(model) => {
                self.loading_model = false;
                self.classes.reset(&model.classes);
                self.model = Some(model);
                if let Some(document) = &mut self.document {
                    // Masks of another model's classes would be drawn in wrong colours.
                    document.result = None;
                }
                self.segment();
            }
            Event::ModelFailed(message) => {
                self.loading_model = false;
                self.toasts.error(message);
                self.resume();
            }
            Event::Photo(photo) => self.show_photo(photo, context),
            Event::PhotoFailed(message) => {
                self.opening = false;
                self.toasts.error(message);
                self.resume();
            }
            Event::Progress { generation, progress } => {
                if let Some(running) = self.running.as_mut().filter(|r| r.generation == generation) {
                    running.progress = Some(progress);
                }
            }
            Event::Segmented { generation, result } => {
                if self.is_current(generation) {
                    self.running = None;
                    self.show_result(result);
                }
            }
            Event::Cancelled { generation } => {
                if self.is_current(generation) {
                    self.running = None;
                }
            }
            Event::SegmentFailed { generation, message } => {
                if self.is_current(generation) {
                    self.running = None;
                    self.toasts.error(message);
                }
            }
            Event::ExportPlanned { number, files } => self.export.set_planned(number, files),
            Event::Exported { folder, files } => {
                if self.export.is_writing() {
                    self.export.close();
                }
                self.toasts
                    .info(format!("{} files written to {}", files.len(), folder.display()));
            }
            Event::ExportFailed(message) => {
                if !self.export.failed(&message) {
                    self.toasts.error(message);
                }
            }
        }
    }

    fn is_current(&self, generation: u64) -> bool {
        self.running.as_ref().is_some_and(|r| r.generation == generation)
    }

    /// After a failed opening, goes on with what is still there: opening had stopped its run.
    fn resume(&mut self) {
        let unfinished = self.document.as_ref().is_some_and(|d| d.result.is_none());
        if unfinished && self.running.is_none() {
            self.segment();
        }
    }

    fn show_photo(&mut self, photo: OpenPhoto, context: &Context) {
        if let Err(e) = self.textures.make(&photo, context) {
            self.toasts.error(format!("the picture cannot be shown ({e})"));
        }
        self.opening = false;
        let version = self.document.as_ref().map_or(0, |d| d.version);
        self.export.suggest_folder(&photo.source);
        self.document = Some(Document {
            photo,
            texture: None,
            result: None,
            version,
        });
        self.view.fit = true;
        self.segment();
    }

    fn show_result(&mut self, result: Segmented) {
        if let Some(document) = &mut self.document
            && document.photo.id == result.photo.id
        {
            document.version += 1;
            document.result = Some(result);
        }
    }

    /// `NAME - 11 classes - Segscope`: what a task bar shows, and what a script can wait for.
    pub(super) fn update_title(&mut self, context: &Context) {
        let state = match (&self.document, &self.running) {
            (None, _) => "Segscope".to_owned(),
            (Some(d), Some(_)) => format!("{} - segmenting - Segscope", d.photo.source.name()),
            (Some(d), None) => match &d.result {
                Some(r) => {
                    let present = r.counts.iter().filter(|c| **c > 0).count();
                    format!("{} - {present} classes - Segscope", d.photo.source.name())
                }
                None => format!("{} - Segscope", d.photo.source.name()),
            },
        };
        if state != self.title {
            self.title.clone_from(&state);
            context.send_viewport_cmd(egui::ViewportCommand::Title(state));
        }
    }
}
