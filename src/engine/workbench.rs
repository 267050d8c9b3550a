//! What jobs and batches share: the session, the ids of its images, and the outbox to the window.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::closing::Closing;
use super::job::Event;
use super::outbox::Outbox;
use super::ticket::Ticket;
use crate::model::Output;
use crate::photo::{OpenOptions, Photo};
use crate::runtime::opening::{self, OpeningError};
use crate::runtime::{
    HeadsJob, HeadsOfImage, IdRegistry, ImageSource, MemoryWatch, ModelSource, OpenImage, OpenModel, Segmented,
    Session, SessionError, Task, TraceRequest, peak_memory_mib,
};
use crate::segment::{InferenceConfig, Region};

/// A session that reports to the window.
pub(super) struct Workbench {
    pub(super) session: Session,
    pub(super) outbox: Outbox,
    /// Options for reading images.
    pub(super) opening: OpenOptions,
    closing: Closing,
    photos: IdRegistry<(ImageSource, OpenOptions)>,
    memory: MemoryWatch,
    /// Name and note of the device as last reported to the window.
    announced: Option<(String, Option<String>)>,
    /// The open models as last reported to the window.
    announced_models: Vec<OpenModel>,
    /// The model whose encoder was used for teaching last, by its id.
    teaching: Option<(ModelSource, u64)>,
}

impl Workbench {
    pub(super) fn new(session: Session, outbox: Outbox, opening: OpenOptions, closing: Closing) -> Self {
        Self {
            session,
            outbox,
            opening,
            closing,
            photos: IdRegistry::default(),
            memory: MemoryWatch::default(),
            announced: None,
            announced_models: Vec::new(),
            teaching: None,
        }
    }

    /// Drops everything after a panic in a network, whose state is then unknown; the next run reads its model again.
    pub(super) fn start_over(&mut self) {
        self.session.forget();
        self.announced = None;
        self.teaching = None;
    }

    pub(super) fn load_model(&mut self, ticket: Ticket, source: ModelSource) {
        if !self.closing.allows(&ticket) {
            return self.outbox.send(Event::ModelCancelled { ticket });
        }
        let progress = |fraction| Event::ModelProgress {
            ticket: ticket.clone(),
            fraction,
        };
        // Always sent, so that the window immediately shows what it waits for.
        self.outbox.send(progress(0.0));
        let (outbox, closing) = (&self.outbox, &self.closing);
        let mut furthest = 0.0f32;
        let loaded = self.session.load(source, &mut |share| {
            closing.control(&ticket)?;
            furthest = furthest.max(share);
            outbox.send_progress(progress(furthest));
            ControlFlow::Continue(())
        });
        match loaded {
            Ok(model) => {
                self.announce_device();
                self.announce_models();
                self.outbox.send(Event::Model { ticket, model });
            }
            // The error of a model that is no longer wanted is not reported.
            Err(e) if e.is_cancelled() || !self.closing.allows(&ticket) => {
                self.outbox.send(Event::ModelCancelled { ticket });
            }
            Err(e) => {
                let message = e.to_string();
                self.outbox.send(Event::ModelFailed { ticket, message });
            }
        }
    }

    /// Reads an image and assigns its id.
    ///
    /// # Errors
    /// When it cannot be read or would not fit into memory.
    pub(super) fn open_photo(&mut self, source: ImageSource) -> Result<OpenImage, OpeningError> {
        // Before the pixels are read: if the file changes meanwhile, it gets another id when it is opened again.
        let id = self.id_of(&source);
        let photo = opening::read(&source, self.opening)?;
        Ok(opened(id, source, photo))
    }

    /// The id of an image as its file is now, and as images are read now.
    pub(super) fn id_of(&mut self, source: &ImageSource) -> u64 {
        let files: Vec<PathBuf> = source.file().map(Path::to_owned).into_iter().collect();
        self.photos.of((source.clone(), self.opening), &files)
    }

    /// Assigns the id of an image; what is returned reads it on any thread, unless it needs so much memory that no other
    /// should be there.
    pub(super) fn reading_beside_another(
        &mut self,
        source: ImageSource,
    ) -> impl FnOnce() -> Result<Option<OpenImage>, OpeningError> + Send + use<> {
        let (id, options) = (self.id_of(&source), self.opening);
        move || {
            let photo = opening::read_beside_another(&source, options)?;
            Ok(photo.map(|photo| opened(id, source, photo)))
        }
    }

    /// Reads an image for the window, unless the request was withdrawn.
    pub(super) fn show_photo(&mut self, ticket: Ticket, source: ImageSource) {
        if !self.closing.allows(&ticket) {
            return self.outbox.send(Event::PhotoCancelled { ticket });
        }
        let event = match self.open_photo(source) {
            Ok(photo) => Event::Photo { ticket, photo },
            Err(e) => Event::PhotoFailed {
                ticket,
                message: e.to_string(),
            },
        };
        self.outbox.send(event);
    }

    pub(super) fn segment(
        &mut self,
        ticket: Ticket,
        photo: OpenImage,
        (model, output): (u64, Output),
        settings: Option<InferenceConfig>,
    ) {
        if !self.closing.allows(&ticket) {
            return self.outbox.send(Event::Cancelled { ticket });
        }
        let Some(info) = self.session.info(model).cloned() else {
            let message = SessionError::NoModel.to_string();
            return self.outbox.send(Event::SegmentFailed { ticket, message });
        };
        let settings = settings.unwrap_or_else(|| InferenceConfig::of(&info.spec.inference));
        let task = Task {
            model,
            output,
            photo: &photo.photo,
            photo_id: photo.id,
            settings: &settings,
        };
        let (outbox, closing) = (&self.outbox, &self.closing);
        outbox.begin_run();
        self.memory.begin();
        let mut furthest = 0.0f32;
        let done = self.session.segment(&task, &mut |mut progress| {
            closing.control(&ticket)?;
            // A run that falls back from a failing GPU to the CPU starts again; the shown progress must not decrease.
            furthest = furthest.max(progress.fraction);
            progress.fraction = furthest;
            let ticket = ticket.clone();
            outbox.send_progress(Event::Progress { ticket, progress });
            ControlFlow::Continue(())
        });
        self.announce_device();
        match done {
            Ok(prediction) => {
                let mut result = Segmented::new(photo, info, output, prediction);
                result.peak_mib = peak_memory_mib();
                log_times(&result);
                self.outbox.send(Event::Segmented { ticket, result });
            }
            Err(e) if e.is_cancelled() => self.outbox.send(Event::Cancelled { ticket }),
            Err(e) => {
                let message = e.to_string();
                self.outbox.send(Event::SegmentFailed { ticket, message });
            }
        }
    }

    pub(super) fn trace_attention(&mut self, ticket: Ticket, request: TraceRequest) {
        if !self.closing.allows(&ticket) {
            return self.outbox.send(Event::TraceFailed { ticket, message: None });
        }
        let (outbox, closing) = (&self.outbox, &self.closing);
        outbox.begin_run();
        let done = self.session.trace_attention(request, &mut |progress| {
            closing.control(&ticket)?;
            let ticket = ticket.clone();
            outbox.send_progress(Event::TraceProgress { ticket, progress });
            ControlFlow::Continue(())
        });
        self.announce_device();
        self.outbox.send(match done {
            Ok(traced) => Event::Traced {
                ticket,
                traced: Arc::new(traced),
            },
            Err(e) => Event::TraceFailed {
                ticket,
                message: (!e.is_cancelled()).then(|| e.to_string()),
            },
        });
    }

    /// Runs an encoder over a whole image. The model stays open, but is not among those of the window.
    pub(super) fn encode_for_teaching(
        &mut self,
        ticket: Ticket,
        photo: &OpenImage,
        encoder: ModelSource,
        short_side: usize,
    ) {
        let closing = self.closing.clone();
        let keep_going = || closing.control(&ticket);
        let known = self.teaching.as_ref().filter(|(source, _)| *source == encoder);
        let model = match known {
            Some((_, id)) => Ok(*id),
            None => self
                .session
                .load(encoder.clone(), &mut |_| keep_going())
                .map(|model| model.id),
        };
        let tokens = model.and_then(|id| {
            self.teaching = Some((encoder, id));
            self.session
                .teaching_tokens(id, &photo.photo, short_side, &mut |_| keep_going())
        });
        let outcome = tokens.map(Arc::new).map_err(|why| why.to_string());
        self.outbox.send(Event::TeachingTokens { ticket, outcome });
    }

    /// Reports attention distance and entropy of all heads; stops early, without figures, as soon as `waiting` is true.
    pub(super) fn measure_heads(&mut self, ticket: Ticket, job: HeadsJob, waiting: &dyn Fn() -> bool) {
        let closing = self.closing.clone();
        let keep_going = || closing.allows(&ticket) && !waiting();
        let figures = match keep_going() {
            true => self
                .heads_of(job, &keep_going)
                .map_err(|why| why.to_string())
                .transpose(),
            false => None,
        };
        self.announce_device();
        self.outbox.send(Event::HeadsMeasured { ticket, figures });
    }

    /// Measures the heads; `None` if it was stopped.
    fn heads_of(
        &mut self,
        job: HeadsJob,
        keep_going: &dyn Fn() -> bool,
    ) -> Result<Option<HeadsOfImage>, Box<dyn std::error::Error>> {
        let request = TraceRequest {
            photo: self.open_photo(job.source)?,
            model: job.model,
            output: job.output,
            settings: job.settings,
            region: Region::Whole,
        };
        let on_progress = &mut |_| match keep_going() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        match self.session.trace_attention(request, on_progress) {
            Ok(traced) => Ok(HeadsOfImage::of(&traced.trace, keep_going)),
            Err(e) if e.is_cancelled() => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Reports the open models if they have changed.
    pub(super) fn announce_models(&mut self) {
        let open = self.session.models();
        if open != self.announced_models {
            self.announced_models.clone_from(&open);
            self.outbox.send(Event::OpenModels(open));
        }
    }

    /// Reports the device in use if it has changed.
    pub(super) fn announce_device(&mut self) {
        if let Ok(device) = self.session.device() {
            let (name, note, gpu_failed) = (device.name.clone(), device.note.clone(), device.gpu_failed);
            let known = Some((name.clone(), note.clone()));
            if self.announced != known {
                self.announced = known;
                let why = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
                log::info!("computing on {name}{why}");
                self.outbox.send(Event::Device { name, note, gpu_failed });
            }
        }
    }

    /// Reports the device in use after the user has chosen one, even if it is the same.
    pub(super) fn announce_chosen_device(&mut self) {
        self.announced = None;
        self.announce_device();
    }

    /// Reports the memory in use.
    pub(super) fn announce_memory(&self) {
        let used = self.memory.memory_use(self.session.feature_bytes());
        self.outbox.send_if_room(Event::Memory(used));
    }
}

fn opened(id: u64, source: ImageSource, photo: Photo) -> OpenImage {
    log::info!("opened {}, {} x {}", source.name(), photo.width, photo.height);
    OpenImage {
        id,
        source,
        photo: Arc::new(photo),
    }
}

/// Logs how long a segmentation took.
pub(super) fn log_times(result: &Segmented) {
    let times = result.prediction.timings;
    log::info!(
        "segmented {} in {:.2} s (encoder {:.2} s, decoder {:.2} s, labels {:.2} s)",
        result.photo.source.name(),
        times.total().as_secs_f32(),
        times.encode.as_secs_f32(),
        times.decode.as_secs_f32(),
        times.labels.as_secs_f32()
    );
}
