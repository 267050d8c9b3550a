//! Opening pictures and models: what is wanted, what is on its way, and what comes on the canvas when it is ready.

use std::path::PathBuf;

use super::App;
use super::document::Document;
use super::gpu::Uploaded;
use super::pictures::State;
use super::results::ResultKey;
use crate::engine::{Job, ModelSource, OpenPhoto, PhotoSource, Segmented};

impl App {
    /// Lets the worker sort out what was dropped, chosen or named: pictures, folders, models.
    pub(super) fn find(&mut self, paths: Vec<PathBuf>) {
        if !paths.is_empty() && self.send(Job::Find(paths)) {
            self.finding = true;
        }
    }

    /// Takes what was found.
    pub(super) fn take_found(&mut self, pictures: Vec<PathBuf>, folder: Option<PathBuf>, model: Option<PathBuf>) {
        self.finding = false;
        if let Some(folder) = folder {
            self.session.remember_picture(&folder);
        } else if let [picture] = pictures.as_slice() {
            self.session.remember_picture(picture);
        }
        if !pictures.is_empty() {
            self.open_pictures(pictures.into_iter().map(PhotoSource::Path).collect());
        }
        if let Some(model) = model {
            self.open_model(ModelSource::Path(model));
        }
    }

    /// Shows other pictures, from the first on, or from the one that was shown in the last session.
    pub(super) fn open_pictures(&mut self, sources: Vec<PhotoSource>) {
        if sources.is_empty() {
            return;
        }
        self.stop_batch();
        self.pictures.set(sources);
        self.watch_files();
        let first = self
            .restore_current
            .take()
            .and_then(|path| self.pictures.place(&PhotoSource::Path(path)));
        self.open_picture(first.unwrap_or(0));
    }

    /// Closes all pictures; the canvas then says how to go on.
    pub(super) fn close_all(&mut self) {
        self.stop_batch();
        self.cancel();
        self.pictures.set(Vec::new());
        self.watch_files();
        self.document = None;
        self.incoming = None;
        self.pin = None;
    }

    /// Goes `step` pictures on, if there are so many.
    pub(super) fn go(&mut self, step: isize) {
        if let Some(next) = self.pictures.current().checked_add_signed(step) {
            self.open_picture(next);
        }
    }

    /// Wants one of the open pictures on the canvas.
    pub(super) fn open_picture(&mut self, index: usize) {
        if !self.pictures.go_to(index) {
            return;
        }
        self.cancel();
        self.show_wanted();
    }

    /// Shows the wanted picture: at once when its result is kept, else when the worker has read it.
    fn show_wanted(&mut self) {
        let Some(source) = self.pictures.wanted().cloned() else {
            return;
        };
        let kept = self.result_key(&source).and_then(|key| self.results.get(&key).cloned());
        if let Some(result) = kept {
            return self.show_result_of_another(result);
        }
        // One at a time: whoever leafs through a folder wants the last one, not all in between.
        if self.opening.is_none() && self.send(Job::OpenPhoto(source.clone())) {
            self.opening = Some(source);
        }
    }

    pub(super) fn result_key(&self, source: &PhotoSource) -> Option<ResultKey> {
        Some(ResultKey {
            source: source.clone(),
            model: self.model.as_ref()?.id,
            multi_scale: self.multi_scale,
        })
    }

    /// A photo has been read.
    pub(super) fn take_photo(&mut self, photo: OpenPhoto) {
        self.opening = None;
        if self.pictures.wanted() != Some(&photo.source) {
            // Another one has been wanted since.
            return self.show_wanted();
        }
        self.present(Document::new(photo));
        self.segment();
    }

    /// The wanted photo cannot be read, or one that is not wanted any more.
    pub(super) fn take_photo_failure(&mut self, message: String) {
        let failed = self.opening.take();
        if let Some(source) = &failed {
            self.pictures.set_state(source, State::Failed(message.clone()));
        }
        if self.pictures.wanted() == failed.as_ref() {
            self.toasts.error(message);
            self.resume();
        } else {
            self.show_wanted();
        }
    }

    /// Shows a picture together with its kept result.
    fn show_result_of_another(&mut self, result: Segmented) {
        let source = result.photo.source.clone();
        self.pictures.set_state(&source, done(&result));
        let mut document = Document::new(result.photo.clone());
        document.set_result(result.clone());
        let version = document.version;
        self.present(document);
        self.upload_labels(version, &result);
    }

    /// Puts a document on the canvas as soon as it can be drawn; until then the one before stays, so that nothing
    /// flickers.
    fn present(&mut self, document: Document) {
        let photo = &document.photo;
        self.export.suggest_folder(&photo.source);
        if self.document.as_ref().is_none_or(|d| d.photo.source != photo.source) {
            self.pin = None;
        }
        self.uploader.photo(photo.id, photo.photo.clone());
        self.incoming = Some(document);
        if self.gpu.is_none() {
            self.swap_in();
        }
    }

    /// The incoming document takes the place of the shown one.
    pub(super) fn swap_in(&mut self) {
        if self.incoming.is_some() {
            self.document = self.incoming.take();
            self.cursor = None;
        }
    }

    /// The document that requests are about: the one on its way, else the shown one.
    pub(super) fn newest(&self) -> Option<&Document> {
        self.incoming.as_ref().or(self.document.as_ref())
    }

    /// The document of a photo, if it is still of interest.
    pub(super) fn document_of(&mut self, photo: u64) -> Option<&mut Document> {
        let documents = self.incoming.iter_mut().chain(self.document.iter_mut());
        documents.into_iter().find(|d| d.photo.id == photo)
    }

    /// Keeps a result, and shows it when its picture is shown.
    pub(super) fn keep_result(&mut self, result: Segmented) {
        self.pictures.set_state(&result.photo.source, done(&result));
        if let Some(key) = self
            .result_key(&result.photo.source)
            .filter(|k| k.model == result.model.id)
        {
            self.results.put(key, result.clone());
        }
        let id = result.photo.id;
        if let Some(document) = self.document_of(id) {
            document.set_result(result.clone());
            let version = document.version;
            self.upload_labels(version, &result);
        }
    }

    fn upload_labels(&self, version: u64, result: &Segmented) {
        let (prediction, regions) = (result.prediction.clone(), result.regions.clone());
        self.uploader.labels(result.photo.id, version, prediction, regions);
    }

    /// Takes what is on the GPU now.
    pub(super) fn take_uploads(&mut self) {
        while let Some(uploaded) = self.uploader.poll() {
            match uploaded {
                Uploaded::Photo { id, photo } => {
                    if let Some(document) = self.document_of(id) {
                        document.texture = Some(photo);
                    }
                }
                Uploaded::Labels { id, version, labels } => {
                    if let Some(document) = self.document_of(id) {
                        document.set_labels(version, labels);
                    }
                }
                Uploaded::Failed { id, reason } => {
                    self.toasts.error(reason);
                    // Names, classes and export work without it.
                    if self.incoming.as_ref().is_some_and(|d| d.photo.id == id) {
                        self.swap_in();
                    }
                }
            }
        }
        if self.incoming.as_ref().is_some_and(Document::is_on_gpu) {
            self.swap_in();
        }
    }

    /// Opens a model; the one before stays until it is there.
    pub(super) fn open_model(&mut self, source: ModelSource) {
        self.cancel();
        self.loading_model = self.send(Job::LoadModel(source));
    }

    /// Reads the shown picture again, as when its file has changed.
    pub(super) fn reload(&mut self, source: &PhotoSource) {
        self.results.forget(source);
        self.pictures.forget(source);
        if self.pictures.wanted() == Some(source) {
            self.cancel();
            self.show_wanted();
        }
    }

    /// Watches the files of the open pictures.
    pub(super) fn watch_files(&mut self) {
        let files = self.pictures.sources().filter_map(|source| match source {
            PhotoSource::Path(path) => Some(path.clone()),
            PhotoSource::Sample => None,
        });
        let files: Vec<PathBuf> = files.collect();
        if let Some(watch) = &mut self.file_watch {
            watch.watch(&files);
        }
    }

    /// After a failed opening, goes on with what is still there: opening had stopped its run.
    pub(super) fn resume(&mut self) {
        let unfinished = self.newest().is_some_and(|d| d.result.is_none());
        if unfinished && self.running.is_none() {
            self.segment();
        }
    }
}

fn done(result: &Segmented) -> State {
    State::Done {
        classes: result.counts.iter().filter(|count| **count > 0).count(),
    }
}
