//! Opening pictures: what is wanted, what is on its way, and what comes on the canvas when it is ready.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{AppState, Document, Opening, ResultKey, State};
use crate::app::action::Request;
use crate::app::chrome::{Toast, ToastAction};
use crate::app::command::Command;
use crate::app::gpu::{Upload, Uploaded};
use crate::app::workspaces::News;
use crate::engine::{Asked, Found, Job, Labelling, ModelSource, OpenPhoto, PhotoSource, Segmented, Settings, Ticket};
use crate::photo::PhotoRemark;

/// How long a picture that is being read leaves the masks of the one before on the canvas: leafing does not flicker.
const PATIENCE: Duration = Duration::from_millis(300);

impl AppState {
    /// Opens what was named, else what was open the last time, else the sample.
    pub(in crate::app) fn begin(&mut self, named_pictures: Vec<PathBuf>, model: Option<PathBuf>) {
        let named = !named_pictures.is_empty();
        let pictures = match named {
            true => named_pictures,
            false => self.session.pictures.clone(),
        };
        let model = model.map_or_else(|| self.session_model(), ModelSource::Path);
        if pictures.is_empty() {
            self.open_pictures(vec![PhotoSource::Sample]);
            self.open_model(model);
            return;
        }
        self.startup.restoring = !named;
        if self.startup.restoring {
            self.startup.current = self.session.current.clone();
        }
        self.startup.model = Some(model);
        self.find(pictures);
    }

    /// The picture that is being read, where that has gone on for so long that what the canvas shows could be taken for it.
    pub(in crate::app) fn slowly_opening(&self, context: &egui::Context) -> Option<&PhotoSource> {
        let opening = self.desk.opening.as_ref()?;
        let since = opening.since.elapsed();
        if since < PATIENCE {
            context.request_repaint_after(PATIENCE - since);
            return None;
        }
        Some(&opening.source)
    }

    /// Lets the worker sort out what was dropped, chosen or named: pictures, folders, models.
    pub(in crate::app) fn find(&mut self, paths: Vec<PathBuf>) {
        if !paths.is_empty() {
            self.actions.job(Job::Find(paths));
            self.desk.finding = true;
        }
    }

    /// Takes what was found.
    pub(in crate::app) fn take_found(&mut self, found: Found) {
        let Found {
            pictures,
            folder,
            model,
            problems,
        } = found;
        let summary = format!("{} files or folders cannot be opened", problems.len());
        if let Some(toast) = Toast::problems(&summary, &problems) {
            self.actions.toast(toast);
        }
        self.desk.finding = false;
        let restoring = std::mem::take(&mut self.startup.restoring);
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
        let first = self.startup.model.take();
        if let Some(model) = model.map(ModelSource::Path).or(first) {
            self.open_model(model);
        }
    }

    /// Shows other pictures from the first on, and again at the next start.
    pub(in crate::app) fn open_pictures(&mut self, sources: Vec<PhotoSource>) {
        self.session.pictures = sources.iter().filter_map(|s| s.file()).map(Path::to_owned).collect();
        self.startup.current = None;
        self.list_pictures(sources);
    }

    /// Lists pictures and shows the first, or the one that was shown in the last session.
    fn list_pictures(&mut self, sources: Vec<PhotoSource>) {
        if sources.is_empty() {
            return;
        }
        self.stop_batch();
        let pictures = &mut self.library.pictures;
        pictures.set(sources);
        let current = self.startup.current.take();
        let first = current.and_then(|path| pictures.place(&PhotoSource::Path(path)));
        pictures.go_to(first.unwrap_or(0));
        self.actions.request(Request::WatchFiles);
        self.cancel();
        self.show_wanted();
    }

    /// Closes all pictures; the canvas then says how to go on.
    pub(in crate::app) fn close_all(&mut self) {
        self.stop_batch();
        self.cancel();
        self.library.pictures.set(Vec::new());
        self.session.pictures.clear();
        self.session.current = None;
        self.actions.request(Request::WatchFiles);
        self.desk.document = None;
        self.desk.incoming = None;
        (self.canvas.cursor, self.canvas.pin) = (None, None);
    }

    /// Goes to the next listed picture in a direction, 1 or -1, if there is one.
    pub(in crate::app) fn go(&mut self, direction: isize) {
        if let Some(next) = self.library.pictures.neighbour(direction) {
            self.open_picture(next);
        }
    }

    /// Wants one of the open pictures on the canvas.
    pub(in crate::app) fn open_picture(&mut self, index: usize) {
        let Some(source) = self.library.pictures.source(index) else {
            return;
        };
        let is_opening = self.desk.opening.as_ref().is_some_and(|o| o.source == *source);
        let shown = self.newest().is_some_and(|d| d.photo.source == *source) || is_opening;
        if shown && index == self.library.pictures.current() {
            // It is there, or on its way.
            return;
        }
        self.library.pictures.go_to(index);
        self.cancel();
        self.show_wanted();
    }

    /// Shows the wanted picture: at once when its result is kept, else when the worker has read it.
    fn show_wanted(&mut self) {
        let Some(source) = self.library.pictures.wanted().cloned() else {
            return;
        };
        // One that is on its way to the GPU is not wanted any more.
        self.desk.incoming.take_if(|d| d.photo.source != source);
        let key = self.result_key(&source);
        let kept = key.and_then(|key| Some((self.library.results.get(&key)?.clone(), key)));
        if let Some((result, key)) = kept {
            return self.show_result_of_another(result, key);
        }
        let is_shown = self.newest().is_some_and(|d| d.photo.source == source);
        if is_shown && self.desk.incoming.is_none() && !self.desk.must_read {
            // Back to the picture that is still on the canvas.
            return self.resume();
        }
        // One at a time: whoever leafs through a folder wants the last one, not all in between.
        if self.desk.opening.is_none() {
            let asked = Asked::new();
            self.actions.job(Job::OpenPhoto {
                ticket: asked.ticket(),
                source: source.clone(),
            });
            self.desk.opening = Some(Opening {
                asked,
                source,
                since: Instant::now(),
            });
            self.desk.must_read = false;
        }
    }

    /// What a result of the output in use belongs to, for one picture.
    pub(in crate::app) fn result_key(&self, source: &PhotoSource) -> Option<ResultKey> {
        Some(ResultKey {
            source: source.clone(),
            model: self.library.models.used()?.id,
            output: self.library.models.output(),
            settings: self.run_settings()?,
        })
    }

    /// A photo has been read.
    pub(in crate::app) fn take_photo(&mut self, ticket: &Ticket, photo: OpenPhoto) {
        if self.desk.opening.take_if(|opening| opening.asked.is(ticket)).is_none() {
            return;
        }
        if self.desk.must_read || self.library.pictures.wanted() != Some(&photo.source) {
            // Its file has changed while it was read, or another one has been wanted since.
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

    /// The wanted photo cannot be read, or one that is not wanted any more.
    pub(in crate::app) fn take_photo_failure(&mut self, ticket: &Ticket, message: String) {
        let Some(failed) = self.desk.opening.take_if(|opening| opening.asked.is(ticket)) else {
            return;
        };
        if self.desk.must_read {
            return self.show_wanted();
        }
        let state = State::Unreadable(message.clone());
        self.library.pictures.set_state(&failed.source, state);
        if self.library.pictures.wanted() == Some(&failed.source) {
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
        let wanted = self.library.pictures.wanted();
        let shown = &mut self.desk.document;
        if shown.take_if(|shown| Some(&shown.photo.source) != wanted).is_some() {
            (self.canvas.cursor, self.canvas.pin) = (None, None);
        }
    }

    /// Shows a picture together with its kept result.
    fn show_result_of_another(&mut self, result: Segmented, key: ResultKey) {
        let source = result.photo.source.clone();
        self.library.pictures.set_state(&source, State::of(&result));
        self.present(Document::new(result.photo.clone()));
        self.show_result(result, key);
    }

    /// Puts a document on the canvas as soon as it can be drawn; until then the one before stays, so that nothing
    /// flickers.
    fn present(&mut self, document: Document) {
        let photo = &document.photo;
        let shown = self.desk.document.as_ref();
        if shown.is_none_or(|d| d.photo.source != photo.source) {
            self.canvas.pin = None;
        }
        self.actions
            .request(Request::Upload(Upload::Photo(photo.id, photo.photo.clone())));
        self.desk.incoming = Some(document);
        if !self.desk.can_draw {
            self.swap_in();
        }
    }

    /// The incoming document takes the place of the shown one.
    fn swap_in(&mut self) {
        if self.desk.incoming.is_some() {
            self.desk.document = self.desk.incoming.take();
            self.canvas.cursor = None;
        }
    }

    /// The document that requests are about: the one on its way, else the shown one.
    pub(in crate::app) fn newest(&self) -> Option<&Document> {
        self.desk.incoming.as_ref().or(self.desk.document.as_ref())
    }

    /// Both documents.
    pub(super) fn documents(&mut self) -> impl Iterator<Item = &mut Document> {
        let desk = &mut self.desk;
        desk.incoming.iter_mut().chain(desk.document.iter_mut())
    }

    /// The document of a photo, if it is still of interest.
    fn document_of(&mut self, photo: u64) -> Option<&mut Document> {
        self.documents().find(|d| d.photo.id == photo)
    }

    /// Keeps a result that a person waits for, and shows it.
    pub(super) fn keep_result(&mut self, result: Segmented, key: ResultKey) {
        self.library.results.put(key.clone(), result.clone());
        // Also where results are not kept: whoever waits for it shows it.
        self.actions.tell(News::Result {
            result: result.clone(),
            key: key.clone(),
        });
        let source = &result.photo.source;
        if self.result_key(source).as_ref() == Some(&key) {
            self.library.pictures.set_state(source, State::of(&result));
            self.show_result(result, key);
        } else {
            // Of another output than the one in use, for a pane.
            let state = self.settled_state(source);
            self.library.pictures.set_state(source, state);
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
        self.library.results.put_unused(key.clone(), result.clone());
        if !self.is_running(&source) {
            let state = if fits {
                State::of(&result)
            } else {
                self.settled_state(&source)
            };
            self.library.pictures.set_state(&source, state);
        }
        let document = self.document_of(result.photo.id);
        if fits && document.is_some_and(|d| !d.has_result_of(&key)) {
            self.show_result(result, key);
        }
    }

    /// Gives a result to its picture, if that is shown or on its way.
    pub(super) fn show_result(&mut self, mut result: Segmented, key: ResultKey) {
        result.model = self.named(&result.model);
        let asked = Asked::new();
        let ticket = asked.ticket();
        if let Some(document) = self.document_of(result.photo.id) {
            document.set_result(result.clone(), key, asked);
            self.actions.request(Request::Upload(Upload::Labels {
                id: result.photo.id,
                ticket,
                labels: Labelling::from(&result),
            }));
        }
    }

    /// Takes what is on the GPU now.
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
                // Names, classes and export work without it.
                if self.desk.incoming.as_ref().is_some_and(|d| d.photo.id == id) {
                    self.swap_in();
                }
            }
        }
        if self.desk.incoming.as_ref().is_some_and(Document::is_on_gpu) {
            self.swap_in();
        }
    }

    /// A picture's file has changed.
    pub(in crate::app) fn take_changed_file(&mut self, source: &PhotoSource) {
        if !self.settings.reload_changed_pictures {
            return;
        }
        if self.library.pictures.wanted() == Some(source) {
            self.actions
                .info(format!("{} has changed and is read again", source.name()));
        }
        self.reload(source);
    }

    /// Reads a picture again, as when its file has changed.
    pub(in crate::app) fn reload(&mut self, source: &PhotoSource) {
        self.library.results.retain(|key| key.source != *source);
        self.library.pictures.forget(source);
        self.actions.tell(News::PictureChanged(source.clone()));
        if let Some(batch) = &mut self.jobs.batch {
            batch.note_change(source);
        }
        if self.library.pictures.wanted() == Some(source) {
            self.cancel();
            self.desk.must_read = true;
            self.show_wanted();
        }
    }
}
