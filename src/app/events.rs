//! What the window does with the worker's answers.

use egui::Context;

use super::App;
use super::pictures::State;
use crate::engine::{Event, Found, PhotoSource, Segmented};

impl App {
    /// Takes everything that other threads have to say since the last frame.
    pub(super) fn take_news(&mut self, context: &Context) {
        while let Some(event) = self.engine.poll() {
            self.take_event(event);
        }
        match self.windows.training.take_news(context) {
            Some(Ok(text)) => self.toasts.info(text),
            Some(Err(why)) => self.toasts.error(why),
            None => {}
        }
        self.take_uploads();
        self.take_copies();
        if let Some(thumbnails) = &self.thumbnails {
            self.pictures.take_thumbnails(thumbnails, context);
        }
        while let Some(path) = self.file_watch.as_ref().and_then(|watch| watch.poll()) {
            self.take_changed_file(PhotoSource::Path(path));
        }
        while let Some(problem) = self.writer.as_ref().and_then(|writer| writer.poll()) {
            self.toasts.error(problem);
        }
    }

    fn take_event(&mut self, event: Event) {
        match event {
            Event::Device { name, note, gpu_failed } => {
                if let Some(note) = note.as_ref().filter(|_| gpu_failed) {
                    self.toasts.info(format!("Using the CPU: {note}"));
                }
                self.device = Some((name, note));
                if self.model.is_none() && !self.models.is_loading() && self.first_model.is_none() {
                    // The device before could not be used, so the model could not be opened.
                    self.open_session_model();
                }
            }
            Event::ModelsFound(found) => self.windows.models.take(found),
            Event::ModelProgress { number, fraction } => self.take_model_progress(number, fraction),
            Event::Model { number, model } => self.take_model(number, model),
            Event::ModelFailed { number, message } => self.take_model_failure(number, message),
            Event::ModelCancelled { number } => self.end_loading(number),
            Event::OpenModels(open) => self.take_open_models(open),
            Event::Found(Found {
                pictures,
                folder,
                model,
                problems,
            }) => {
                let summary = format!("{} files or folders cannot be opened", problems.len());
                self.toasts.problems(&summary, &problems);
                self.take_found(pictures, folder, model);
            }
            Event::LookProgress { number, progress } => self.take_look_progress(number, progress),
            Event::Inside(inspection) => self.take_inspection(inspection),
            Event::HeadsMeasured { number, figures } => self.take_heads(number, figures),
            Event::LookFailed { number, message } => self.take_look_failure(number, message),
            Event::Photo(photo) => self.take_photo(photo),
            Event::PhotoFailed(message) => self.take_photo_failure(message),
            Event::Progress { generation, progress } => {
                if let Some(running) = self.running.as_mut().filter(|r| r.generation == generation) {
                    running.progress = Some(progress);
                }
            }
            Event::Segmented { generation, result } => self.take_result(generation, result),
            Event::Cancelled { generation } => {
                if self.is_current(generation) {
                    self.forget_run();
                }
            }
            Event::SegmentFailed { generation, message } => {
                if let Some(run) = self.running.take_if(|run| run.generation == generation) {
                    self.note_failure_in_panes(&run.key, &message);
                    let source = &run.key.source;
                    let state = match self.result_key(source).as_ref() == Some(&run.key) {
                        true => State::Failed(message.clone()),
                        // Of another output than the one in use, for a pane.
                        false => self.settled_state(source),
                    };
                    self.pictures.set_state(source, state);
                    self.toasts.error(message);
                }
            }
            Event::Labels { number, labels } => self.take_labels(number, labels),
            Event::Compared { number, comparison } => self.take_comparison(number, comparison),
            Event::BatchPicture { number, index, state } => self.take_batch_picture(number, index, state),
            Event::BatchProgress {
                number,
                progress,
                done,
                failed,
                there,
                ..
            } => {
                if let Some(batch) = self.batch.as_mut().filter(|b| b.number == number) {
                    batch.progress = Some(progress);
                    (batch.done, batch.failed, batch.there) = (done, failed, there);
                }
            }
            Event::BatchEnded {
                number,
                done,
                failed,
                there,
                cancelled,
            } => self.end_batch(number, (done, failed, there), cancelled),
            Event::ExportPlanned { number, files } => self.export.set_planned(number, files),
            Event::Exported { folder, files } => {
                if self.export.is_writing() {
                    self.export.close();
                }
                let text = format!("{} files written to {}", files.len(), folder.display());
                self.toasts.wrote(text, folder);
            }
            Event::ExportFailed(message) => {
                if !self.export.failed(&message) {
                    self.toasts.error(message);
                }
            }
            Event::Drawn { format, rgba } => self.clipboard.copy(format.title(), rgba),
            Event::DrawFailed(message) => self.toasts.error(message),
            Event::DeviceFailed(message) => {
                // The worker goes on with the one before.
                self.settings.device = self.device_before;
                self.toasts.error(message);
            }
            Event::Memory(memory) => self.memory = Some(memory),
        }
    }

    fn take_result(&mut self, generation: u64, result: Segmented) {
        if let Some(run) = self.running.take_if(|run| run.generation == generation) {
            self.keep_result(result, run.key);
        }
    }

    fn take_changed_file(&mut self, source: PhotoSource) {
        if !self.settings.reload_changed_pictures {
            return;
        }
        if self.pictures.wanted() == Some(&source) {
            self.toasts
                .info(format!("{} has changed and is read again", source.name()));
        }
        self.reload(&source);
    }

    /// `NAME - 11 classes - Segscope`: what a task bar shows, and what a script can wait for. NAME is the picture on the
    /// canvas, or the chosen one that cannot be shown.
    pub(super) fn update_title(&mut self, context: &Context) {
        let state = match (&self.document, self.pictures.wanted()) {
            (Some(shown), _) => {
                let source = &shown.photo.source;
                let name = source.name();
                match shown.found() {
                    _ if self.is_busy_with(source) => format!("{name} - segmenting - Segscope"),
                    // Masks that the canvas does not show yet are not said to be there.
                    Some(_) if shown.masks.is_none() && self.gpu.is_some() => format!("{name} - segmenting - Segscope"),
                    Some(found) => format!("{name} - {} classes - Segscope", found.present()),
                    None => format!("{name} - Segscope"),
                }
            }
            (None, Some(wanted)) if self.misses_wanted() => format!("{} - not shown - Segscope", wanted.name()),
            (None, _) => "Segscope".to_owned(),
        };
        if state != self.title {
            self.title.clone_from(&state);
            context.send_viewport_cmd(egui::ViewportCommand::Title(state));
        }
    }
    /// Whether a picture is being read or segmented.
    fn is_busy_with(&self, source: &PhotoSource) -> bool {
        let incoming = self.incoming.as_ref().map(|incoming| &incoming.photo.source);
        self.is_running(source) || incoming == Some(source) || self.opening.as_ref() == Some(source)
    }
}
