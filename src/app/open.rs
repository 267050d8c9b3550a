//! Opening pictures and models: what is wanted, what is on its way, and what comes on the canvas when it is ready.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::App;
use super::command::Command;
use super::document::Document;
use super::gpu::Uploaded;
use super::pictures::State;
use super::results::ResultKey;
use super::toast::{Toast, ToastAction};
use crate::engine::{Job, Labelling, ModelSource, OpenPhoto, PhotoSource, Segmented, Settings};
use crate::photo::PhotoRemark;

/// How long a picture that is being read leaves the masks of the one before on the canvas: leafing does not flicker.
const PATIENCE: Duration = Duration::from_millis(300);

impl App {
    /// The picture that is being read, where that has gone on for so long that what the canvas shows could be taken for it.
    pub(super) fn slowly_opening(&self, context: &egui::Context) -> Option<&PhotoSource> {
        let source = self.opening.as_ref()?;
        let since = self.opening_since.elapsed();
        if since < PATIENCE {
            context.request_repaint_after(PATIENCE - since);
            return None;
        }
        Some(source)
    }

    /// Lets the worker sort out what was dropped, chosen or named: pictures, folders, models.
    pub(super) fn find(&mut self, paths: Vec<PathBuf>) {
        if !paths.is_empty() && self.send(Job::Find(paths)) {
            self.finding = true;
        }
    }

    /// Takes what was found.
    pub(super) fn take_found(&mut self, pictures: Vec<PathBuf>, folder: Option<PathBuf>, model: Option<PathBuf>) {
        self.finding = false;
        let restoring = std::mem::take(&mut self.restoring);
        if let Some(folder) = folder {
            self.session.remember_picture(&folder);
        } else if let [picture] = pictures.as_slice() {
            self.session.remember_picture(picture);
        }
        if !pictures.is_empty() {
            let sources = pictures.into_iter().map(PhotoSource::Path).collect();
            if restoring {
                // What is missing now may be there again the next time: the session keeps its list.
                self.list_pictures(sources);
            } else {
                self.open_pictures(sources);
            }
        }
        let first = self.first_model.take();
        if let Some(model) = model.map(ModelSource::Path).or(first) {
            self.open_model(model);
        }
    }

    /// Shows other pictures from the first on, and again at the next start.
    pub(super) fn open_pictures(&mut self, sources: Vec<PhotoSource>) {
        self.session.pictures = sources.iter().filter_map(|s| s.file()).map(Path::to_owned).collect();
        self.restore_current = None;
        self.list_pictures(sources);
    }

    /// Lists pictures and shows the first, or the one that was shown in the last session.
    fn list_pictures(&mut self, sources: Vec<PhotoSource>) {
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
        self.pictures.go_to(first.unwrap_or(0));
        self.cancel();
        self.show_wanted();
    }

    /// Closes all pictures; the canvas then says how to go on.
    pub(super) fn close_all(&mut self) {
        self.stop_batch();
        self.stop_looking();
        self.cancel();
        self.pictures.set(Vec::new());
        self.session.pictures.clear();
        self.session.current = None;
        self.watch_files();
        self.compare.free();
        self.document = None;
        self.incoming = None;
        self.pin = None;
    }

    /// Goes to the next listed picture in a direction, 1 or -1, if there is one.
    pub(super) fn go(&mut self, direction: isize) {
        if let Some(next) = self.pictures.neighbour(direction) {
            self.open_picture(next);
        }
    }

    /// Wants one of the open pictures on the canvas.
    pub(super) fn open_picture(&mut self, index: usize) {
        let Some(source) = self.pictures.source(index) else {
            return;
        };
        let shown = self.newest().is_some_and(|d| d.photo.source == *source) || self.opening.as_ref() == Some(source);
        if shown && index == self.pictures.current() {
            // It is there, or on its way.
            return;
        }
        self.pictures.go_to(index);
        self.stop_looking();
        self.cancel();
        self.show_wanted();
    }

    /// Shows the wanted picture: at once when its result is kept, else when the worker has read it.
    fn show_wanted(&mut self) {
        let Some(source) = self.pictures.wanted().cloned() else {
            return;
        };
        // One that is on its way to the GPU is not wanted any more.
        self.incoming.take_if(|d| d.photo.source != source);
        let key = self.result_key(&source);
        if let Some((key, result)) = key.and_then(|key| Some((key.clone(), self.results.get(&key)?.clone()))) {
            return self.show_result_of_another(result, key);
        }
        if self.newest().is_some_and(|d| d.photo.source == source) && self.incoming.is_none() && !self.must_read {
            // Back to the picture that is still on the canvas.
            return self.resume();
        }
        // One at a time: whoever leafs through a folder wants the last one, not all in between.
        if self.opening.is_none() && self.send(Job::OpenPhoto(source.clone())) {
            self.opening = Some(source);
            self.opening_since = Instant::now();
            self.must_read = false;
        }
    }

    pub(super) fn result_key(&self, source: &PhotoSource) -> Option<ResultKey> {
        Some(ResultKey {
            source: source.clone(),
            model: self.model.as_ref()?.id,
            output: self.models.output(),
            settings: self.run_settings()?,
        })
    }

    /// A photo has been read.
    pub(super) fn take_photo(&mut self, photo: OpenPhoto) {
        self.opening = None;
        if self.must_read || self.pictures.wanted() != Some(&photo.source) {
            // Its file has changed while it was read, or another one has been wanted since.
            return self.show_wanted();
        }
        for remark in &photo.photo.remarks {
            let note = Toast::info(format!("{}: {remark}", photo.source.name()));
            self.toasts.push(match remark {
                PhotoRemark::FewBits { .. } => note.with_action(ToastAction::Perform(Command::ToggleStretch)),
                _ => note,
            });
        }
        self.present(Document::new(photo));
        self.segment();
    }

    /// The wanted photo cannot be read, or one that is not wanted any more.
    pub(super) fn take_photo_failure(&mut self, message: String) {
        let failed = self.opening.take();
        if self.must_read {
            return self.show_wanted();
        }
        if let Some(source) = &failed {
            self.pictures.set_state(source, State::Unreadable(message.clone()));
        }
        if self.pictures.wanted() == failed.as_ref() {
            // Not a passing message: the canvas says it as long as the picture is chosen.
            log::error!(target: "segscope", "{message}");
            self.clear_canvas_of_others();
            self.resume();
        } else {
            self.show_wanted();
        }
    }

    /// Takes a picture off the canvas that is not the wanted one: it would be taken for that.
    fn clear_canvas_of_others(&mut self) {
        let wanted = self.pictures.wanted();
        let other = self.document.take_if(|shown| Some(&shown.photo.source) != wanted);
        if other.is_some() {
            self.compare.free();
            (self.cursor, self.pin) = (None, None);
        }
    }

    /// Shows a picture together with its kept result.
    fn show_result_of_another(&mut self, result: Segmented, key: ResultKey) {
        let source = result.photo.source.clone();
        self.pictures.set_state(&source, done(&result));
        self.present(Document::new(result.photo.clone()));
        self.show_result(result, key);
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

    /// Keeps a result that a person waits for, and shows it.
    pub(super) fn keep_result(&mut self, result: Segmented, key: ResultKey) {
        self.results.put(key.clone(), result.clone());
        self.show_run_in_panes(&result, &key);
        let source = &result.photo.source;
        if self.result_key(source).as_ref() == Some(&key) {
            self.pictures.set_state(source, done(&result));
            self.show_result(result, key);
        } else {
            // Of another output than the one in use, for a pane.
            self.pictures.set_state(source, self.settled_state(source));
        }
    }

    /// Keeps a result of a run over all pictures, and shows it where a person sees that picture without it.
    pub(super) fn keep_unseen(&mut self, result: Segmented, settings: Settings) {
        let source = result.photo.source.clone();
        let key = ResultKey {
            source: source.clone(),
            model: result.model.id,
            output: result.output,
            settings,
        };
        let fits = self.result_key(&source).as_ref() == Some(&key);
        self.results.put_unused(key.clone(), result.clone());
        if !self.is_running(&source) {
            let state = if fits {
                done(&result)
            } else {
                self.settled_state(&source)
            };
            self.pictures.set_state(&source, state);
        }
        if fits
            && self
                .document_of(result.photo.id)
                .is_some_and(|d| !d.has_result_of(&key))
        {
            self.show_result(result, key);
        }
    }

    /// Gives a result to its picture, if that is shown or on its way.
    pub(super) fn show_result(&mut self, mut result: Segmented, key: ResultKey) {
        result.model = self.named(&result.model);
        self.versions += 1;
        let version = self.versions;
        if let Some(document) = self.document_of(result.photo.id) {
            document.set_result(result.clone(), key, version);
            self.upload_labels(version, &result);
        }
    }

    fn upload_labels(&self, version: u64, result: &Segmented) {
        self.uploader.labels(result.photo.id, version, Labelling::from(result));
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
                    self.take_pane_texture(version, &labels);
                    self.evaluate.take_texture(version, &labels);
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

    /// Reads a picture again, as when its file has changed.
    pub(super) fn reload(&mut self, source: &PhotoSource) {
        self.results.retain(|key| key.source != *source);
        self.evaluate.forget(source);
        self.pictures.forget(source);
        if let Some(batch) = &mut self.batch {
            batch.note_change(source);
        }
        if self.pictures.wanted() == Some(source) {
            self.cancel();
            self.must_read = true;
            self.show_wanted();
        }
    }

    /// Watches the files of the open pictures.
    pub(super) fn watch_files(&mut self) {
        let files = self.pictures.sources().filter_map(PhotoSource::file);
        let files: Vec<PathBuf> = files.map(Path::to_owned).collect();
        if let Some(watch) = &mut self.file_watch {
            watch.watch(&files);
        }
    }

    /// After a failed opening, goes on with what is still there: opening had stopped its run.
    pub(super) fn resume(&mut self) {
        let Some(document) = self.newest().filter(|_| self.running.is_none()) else {
            return;
        };
        let key = self.result_key(&document.photo.source);
        if !key.is_some_and(|key| document.has_result_of(&key)) {
            self.recall_or_segment();
        }
    }
}

/// The state of a picture with this result.
pub(super) fn done(result: &Segmented) -> State {
    State::Done {
        classes: result.present(),
    }
}
