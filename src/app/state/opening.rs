//! Opening images: from the choice of an image, through reading and uploading it, to the canvas.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{AppState, Document, Opening, ResultKey, State};
use crate::app::action::Request;
use crate::app::chrome::{Toast, ToastAction};
use crate::app::command::Command;
use crate::app::gpu::{Upload, Uploaded};
use crate::app::workspaces::News;
use crate::engine::{
    Asked, FoundFiles, ImageSource, InferenceConfig, Job, LabelLayer, ModelSource, OpenImage, Segmented, Ticket,
};
use crate::photo::PhotoRemark;

/// How long the previous image and its masks stay on the canvas while the next one is read, so that paging does not
/// flicker.
const PATIENCE: Duration = Duration::from_millis(300);

impl AppState {
    /// Opens the named images, or else those of the last session, or else the sample.
    pub(in crate::app) fn begin(&mut self, named_images: Vec<PathBuf>, model: Option<PathBuf>) {
        let named = !named_images.is_empty();
        let images = match named {
            true => named_images,
            false => self.session.images.clone(),
        };
        let model = model.map_or_else(|| self.session_model(), ModelSource::Path);
        if images.is_empty() {
            self.open_images(vec![ImageSource::Sample]);
            self.open_model(model);
            return;
        }
        self.startup.restoring = !named;
        self.startup.named = named;
        if self.startup.restoring {
            self.startup.current = self.session.current.clone();
        }
        self.startup.model = Some(model);
        self.find(images);
    }

    /// The image that is being read, once that has taken so long that the previous image could be mistaken for it.
    pub(in crate::app) fn slowly_opening(&self, context: &egui::Context) -> Option<&ImageSource> {
        let opening = self.canvas_content.opening.as_ref()?;
        let since = opening.since.elapsed();
        if since < PATIENCE {
            context.request_repaint_after(PATIENCE - since);
            return None;
        }
        Some(&opening.source)
    }

    /// Asks the engine what the dropped, chosen or named files are: images, folders or models.
    pub(in crate::app) fn find(&mut self, paths: Vec<PathBuf>) {
        if !paths.is_empty() {
            self.actions.job(Job::Find(paths));
            self.canvas_content.finding = true;
        }
    }

    /// Opens the files that the engine has found.
    pub(in crate::app) fn take_found(&mut self, found: FoundFiles) {
        let FoundFiles {
            images,
            folder,
            model,
            problems,
        } = found;
        let summary = format!("{} files or folders cannot be opened", problems.len());
        if let Some(toast) = Toast::problems(&summary, &problems) {
            self.actions.toast(toast);
        }
        self.canvas_content.finding = false;
        let restoring = std::mem::take(&mut self.startup.restoring);
        let named = std::mem::take(&mut self.startup.named);
        if let Some(folder) = folder {
            self.session.remember_image(&folder);
        } else if let [image] = images.as_slice() {
            self.session.remember_image(image);
        }
        if !images.is_empty() {
            let sources = images.into_iter().map(ImageSource::Path).collect();
            if restoring {
                // The session keeps its list: files that are missing now may be back at the next start.
                self.list_images(sources);
            } else if named {
                self.open_images(sources);
            } else {
                self.add_images(sources);
            }
        }
        let first = self.startup.model.take();
        if let Some(model) = model.map(ModelSource::Path).or(first) {
            self.open_model(model);
        }
    }

    /// Opens images in place of the current ones, and stores them in the session.
    pub(in crate::app) fn open_images(&mut self, sources: Vec<ImageSource>) {
        self.session.images = sources.iter().filter_map(|s| s.file()).map(Path::to_owned).collect();
        self.startup.current = None;
        self.list_images(sources);
    }

    /// Lists images, and shows the first one or that of the last session.
    fn list_images(&mut self, sources: Vec<ImageSource>) {
        if sources.is_empty() {
            return;
        }
        self.stop_batch();
        let images = &mut self.library.images;
        images.set(sources);
        let current = self.startup.current.take();
        let first = current.and_then(|path| images.place(&ImageSource::Path(path)));
        images.go_to(first.unwrap_or(0));
        self.keep_paused_in_list();
        self.actions.request(Request::WatchFiles);
        self.cancel();
        self.show_wanted();
    }

    /// Closes all images. The canvas then shows the welcome text.
    pub(in crate::app) fn close_all(&mut self) {
        self.stop_batch();
        self.cancel();
        if self.library.images.len() > 0 {
            self.library.images.note_list();
        }
        self.library.images.set(Vec::new());
        self.keep_paused_in_list();
        self.session.images.clear();
        self.session.current = None;
        self.actions.request(Request::WatchFiles);
        self.canvas_content.document = None;
        self.canvas_content.incoming = None;
        self.canvas.leave_photo();
    }

    /// Shows the next listed image in a direction, 1 or -1, if there is one.
    pub(in crate::app) fn go(&mut self, direction: isize) {
        self.update_listed();
        if let Some(next) = self.library.images.neighbour(direction) {
            self.open_image(next);
        }
    }

    /// Shows one of the open images.
    pub(in crate::app) fn open_image(&mut self, index: usize) {
        let Some(source) = self.library.images.source(index) else {
            return;
        };
        let is_opening = self
            .canvas_content
            .opening
            .as_ref()
            .is_some_and(|o| o.source == *source);
        let shown = self.newest().is_some_and(|d| d.photo.source == *source) || is_opening;
        if shown && index == self.library.images.current() {
            // It is already shown or being opened.
            return;
        }
        self.library.images.go_to(index);
        self.cancel();
        self.show_wanted();
    }

    /// Shows the chosen image: at once if its result is cached, otherwise when the engine has read it.
    pub(super) fn show_wanted(&mut self) {
        let Some(source) = self.library.images.wanted().cloned() else {
            return;
        };
        // Another image that is being uploaded is no longer needed.
        self.canvas_content.incoming.take_if(|d| d.photo.source != source);
        let key = self.result_key(&source);
        let kept = key.and_then(|key| Some((self.library.results.get(&key)?.clone(), key)));
        if let Some((result, key)) = kept {
            return self.show_result_of_another(result, key);
        }
        let is_shown = self.newest().is_some_and(|d| d.photo.source == source);
        if is_shown && self.canvas_content.incoming.is_none() && !self.canvas_content.must_read {
            // Back to the image that is still on the canvas.
            return self.resume();
        }
        // One at a time: when paging quickly, only the last requested image is read, not all in between.
        if self.canvas_content.opening.is_none() {
            let asked = Asked::new();
            self.actions.job(Job::OpenImage {
                ticket: asked.ticket(),
                source: source.clone(),
            });
            self.canvas_content.opening = Some(Opening {
                asked,
                source,
                since: Instant::now(),
            });
            self.canvas_content.must_read = false;
        }
    }

    /// The key of an image's result for the output and settings in use.
    pub(in crate::app) fn result_key(&self, source: &ImageSource) -> Option<ResultKey> {
        Some(ResultKey {
            source: source.clone(),
            model: self.library.models.used()?.id,
            output: self.library.models.output(),
            settings: self.run_settings()?,
        })
    }

    /// Takes a photo that has been read.
    pub(in crate::app) fn take_photo(&mut self, ticket: &Ticket, photo: OpenImage) {
        if self
            .canvas_content
            .opening
            .take_if(|opening| opening.asked.is(ticket))
            .is_none()
        {
            return;
        }
        if self.canvas_content.must_read || self.library.images.wanted() != Some(&photo.source) {
            // Its file has changed while it was read, or another image has been chosen since.
            return self.show_wanted();
        }
        for remark in &photo.photo.remarks {
            let note = Toast::info(format!("{}: {remark}", photo.source.name()));
            self.actions.toast(match remark {
                PhotoRemark::FewBits { .. } => note.with_action(ToastAction::Perform(Command::ToggleStretch)),
                _ => note,
            });
        }
        self.present(Document::new(photo));
        self.segment();
    }

    /// Takes the failure to read a photo, which may no longer be the chosen one.
    pub(in crate::app) fn take_photo_failure(&mut self, ticket: &Ticket, message: String) {
        let Some(failed) = self.canvas_content.opening.take_if(|opening| opening.asked.is(ticket)) else {
            return;
        };
        if self.canvas_content.must_read {
            return self.show_wanted();
        }
        let state = State::Unreadable(message.clone());
        self.library.images.set_state(&failed.source, state);
        if self.library.images.wanted() == Some(&failed.source) {
            // No toast: the canvas shows the message as long as the image is chosen.
            log::error!(target: "segscope", "{message}");
            self.clear_canvas_of_others();
            self.resume();
        } else {
            self.show_wanted();
        }
    }

    /// Clears the canvas if it shows another image than the chosen one, which could be mistaken for that.
    fn clear_canvas_of_others(&mut self) {
        let wanted = self.library.images.wanted();
        let shown = &mut self.canvas_content.document;
        if shown.take_if(|shown| Some(&shown.photo.source) != wanted).is_some() {
            self.canvas.leave_photo();
        }
    }

    /// Shows an image together with its cached result.
    fn show_result_of_another(&mut self, result: Segmented, key: ResultKey) {
        let source = result.photo.source.clone();
        self.library.images.set_state(&source, State::of(&result));
        self.present(Document::new(result.photo.clone()));
        self.show_result(result, key);
    }

    /// Puts a document on the canvas as soon as it can be drawn. Until then the previous one stays, so that nothing
    /// flickers.
    fn present(&mut self, document: Document) {
        let photo = &document.photo;
        let shown = self.canvas_content.document.as_ref();
        if shown.is_none_or(|d| d.photo.source != photo.source) {
            self.canvas.pins.clear();
        }
        self.actions
            .request(Request::Upload(Upload::Photo(photo.id, photo.photo.clone())));
        self.canvas_content.incoming = Some(document);
        if !self.canvas_content.can_draw {
            self.swap_in();
        }
    }

    /// Replaces the shown document by the incoming one.
    fn swap_in(&mut self) {
        if self.canvas_content.incoming.is_some() {
            self.canvas_content.document = self.canvas_content.incoming.take();
            self.canvas.cursor = None;
        }
    }

    /// The document that requests are about: the incoming one, or else the shown one.
    pub(in crate::app) fn newest(&self) -> Option<&Document> {
        self.canvas_content
            .incoming
            .as_ref()
            .or(self.canvas_content.document.as_ref())
    }

    /// The incoming and the shown document.
    pub(super) fn documents(&mut self) -> impl Iterator<Item = &mut Document> {
        let canvas_content = &mut self.canvas_content;
        canvas_content
            .incoming
            .iter_mut()
            .chain(canvas_content.document.iter_mut())
    }

    /// The document of a photo, if it is still shown or incoming.
    fn document_of(&mut self, photo: u64) -> Option<&mut Document> {
        self.documents().find(|d| d.photo.id == photo)
    }

    /// Caches a result that the user waits for, and shows it.
    pub(super) fn cache_result(&mut self, result: Segmented, key: ResultKey) {
        self.library.results.put(key.clone(), result.clone());
        // Sent even if the cache has no room: a workspace that waits for the result shows it.
        self.actions.tell(News::Result {
            result: result.clone(),
            key: key.clone(),
        });
        let source = &result.photo.source;
        if self.result_key(source).as_ref() == Some(&key) {
            self.library.images.set_state(source, State::of(&result));
            self.show_result(result, key);
        } else {
            // It is of another output than the one in use, for a pane.
            let state = self.settled_state(source);
            self.library.images.set_state(source, state);
        }
    }

    /// Caches a result of a run over all images, and shows it if that image is on the canvas without it.
    pub(super) fn cache_batch_result(&mut self, result: Segmented, settings: InferenceConfig) {
        let source = result.photo.source.clone();
        let key = ResultKey {
            source: source.clone(),
            model: result.model.id,
            output: result.output,
            settings,
        };
        let fits = self.result_key(&source).as_ref() == Some(&key);
        self.library.results.put_unused(key.clone(), result.clone());
        if !self.is_running(&source) {
            let state = if fits {
                State::of(&result)
            } else {
                self.settled_state(&source)
            };
            self.library.images.set_state(&source, state);
        }
        let document = self.document_of(result.photo.id);
        if fits && document.is_some_and(|d| !d.has_result_of(&key)) {
            self.show_result(result, key);
        }
    }

    /// Gives a result to its document, if that is shown or incoming.
    pub(super) fn show_result(&mut self, mut result: Segmented, key: ResultKey) {
        result.model = self.named(&result.model);
        let asked = Asked::new();
        let ticket = asked.ticket();
        if let Some(document) = self.document_of(result.photo.id) {
            document.set_result(result.clone(), key, asked);
            self.actions.request(Request::Upload(Upload::Labels {
                id: result.photo.id,
                ticket,
                labels: LabelLayer::from(&result),
            }));
        }
    }

    /// Takes textures that have been uploaded.
    pub(in crate::app) fn take_upload(&mut self, uploaded: Uploaded) {
        match uploaded {
            Uploaded::Photo { id, photo } => {
                if let Some(document) = self.document_of(id) {
                    document.texture = Some(photo);
                }
            }
            Uploaded::Labels { id, ticket, labels } => {
                if let Some(document) = self.document_of(id) {
                    document.set_labels(&ticket, &labels);
                }
                self.actions.tell(News::Uploaded { ticket, labels });
            }
            Uploaded::Failed { id, reason } => {
                self.actions.error(reason);
                self.actions.tell(News::NotUploaded { photo: id });
                // Names, classes and export work without the texture.
                if self.canvas_content.incoming.as_ref().is_some_and(|d| d.photo.id == id) {
                    self.swap_in();
                }
            }
        }
        if self.canvas_content.incoming.as_ref().is_some_and(Document::is_on_gpu) {
            self.swap_in();
        }
    }

    /// Reads an image again whose file has changed, if the settings say so.
    pub(in crate::app) fn take_changed_file(&mut self, source: &ImageSource) {
        if !self.settings.reload_changed_images {
            return;
        }
        if self.library.images.wanted() == Some(source) {
            self.actions
                .info(format!("{} has changed on disk; reloading it", source.name()));
        }
        self.reload(source);
    }

    /// Reads an image again, and drops its results.
    pub(in crate::app) fn reload(&mut self, source: &ImageSource) {
        self.library.results.retain(|key| key.source != *source);
        self.library.images.forget(source);
        self.actions.tell(News::ImageChanged(source.clone()));
        if let Some(batch) = &mut self.jobs.batch {
            batch.note_change(source);
        }
        if self.library.images.wanted() == Some(source) {
            self.cancel();
            self.canvas_content.must_read = true;
            self.show_wanted();
        }
    }
}
