//! What jobs and batches work with: one session, what is known of its pictures, and the way to tell the window.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::closing::Closing;
use super::job::Event;
use super::outbox::Outbox;
use super::ticket::Ticket;
use crate::model::Output;
use crate::photo::OpenOptions;
use crate::runtime::opening::{self, OpeningError};
use crate::runtime::{
    HeadsJob, HeadsOfPicture, Look, MemoryWatch, ModelSource, Numbers, OpenModel, OpenPhoto, PhotoSource, Segmented,
    Session, SessionError, Task, peak_memory_mib,
};
use crate::segment::{Region, Settings};

/// A session that tells the window what it does.
pub(super) struct Workbench {
    pub(super) session: Session,
    pub(super) outbox: Outbox,
    /// How pictures are read where there is a choice.
    pub(super) opening: OpenOptions,
    closing: Closing,
    photos: Numbers<(PhotoSource, OpenOptions)>,
    memory: MemoryWatch,
    /// Name and note of the device that the window knows.
    announced: Option<(String, Option<String>)>,
    /// The open models that the window knows.
    announced_models: Vec<OpenModel>,
}

impl Workbench {
    pub(super) fn new(session: Session, outbox: Outbox, opening: OpenOptions, closing: Closing) -> Self {
        Self {
            session,
            outbox,
            opening,
            closing,
            photos: Numbers::default(),
            memory: MemoryWatch::default(),
            announced: None,
            announced_models: Vec::new(),
        }
    }

    /// After a panic in a network its state is unknown: drops everything, and the next run reads its model again.
    pub(super) fn start_over(&mut self) {
        self.session.forget();
        self.announced = None;
    }

    pub(super) fn load_model(&mut self, ticket: Ticket, source: ModelSource) {
        if !self.closing.allows(&ticket) {
            return self.outbox.tell(Event::ModelCancelled { ticket });
        }
        let progress = |fraction| Event::ModelProgress {
            ticket: ticket.clone(),
            fraction,
        };
        // Always told, so that the window shows at once what it waits for.
        self.outbox.tell(progress(0.0));
        let (outbox, closing) = (&self.outbox, &self.closing);
        let mut furthest = 0.0f32;
        let loaded = self.session.load(source, &mut |share| {
            closing.control(&ticket)?;
            furthest = furthest.max(share);
            outbox.tell_progress(progress(furthest));
            ControlFlow::Continue(())
        });
        match loaded {
            Ok(model) => {
                self.announce_device();
                self.announce_models();
                self.outbox.tell(Event::Model { ticket, model });
            }
            // Why a model that nobody waits for cannot be opened is of no interest.
            Err(e) if e.is_cancelled() || !self.closing.allows(&ticket) => {
                self.outbox.tell(Event::ModelCancelled { ticket });
            }
            Err(e) => {
                let message = e.to_string();
                self.outbox.tell(Event::ModelFailed { ticket, message });
            }
        }
    }

    /// Reads a picture and numbers it.
    ///
    /// # Errors
    /// When it cannot be read or would not fit into memory.
    pub(super) fn open_photo(&mut self, source: PhotoSource) -> Result<OpenPhoto, OpeningError> {
        // Before the pixels: a file that changes meanwhile gets another number when it is opened again.
        let files: Vec<PathBuf> = source.file().map(Path::to_owned).into_iter().collect();
        let options = self.opening;
        let id = self.photos.of((source.clone(), options), &files);
        let photo = opening::read(&source, options)?;
        log::info!("opened {}, {} x {}", source.name(), photo.width, photo.height);
        Ok(OpenPhoto {
            id,
            source,
            photo: Arc::new(photo),
        })
    }

    /// Reads a picture for the window, unless it wants another by now.
    pub(super) fn show_photo(&mut self, ticket: Ticket, source: PhotoSource) {
        if !self.closing.allows(&ticket) {
            return self.outbox.tell(Event::PhotoCancelled { ticket });
        }
        let event = match self.open_photo(source) {
            Ok(photo) => Event::Photo { ticket, photo },
            Err(e) => Event::PhotoFailed {
                ticket,
                message: e.to_string(),
            },
        };
        self.outbox.tell(event);
    }

    pub(super) fn segment(
        &mut self,
        ticket: Ticket,
        photo: OpenPhoto,
        (model, output): (u64, Output),
        settings: Option<Settings>,
    ) {
        if !self.closing.allows(&ticket) {
            return self.outbox.tell(Event::Cancelled { ticket });
        }
        let Some(info) = self.session.info(model).cloned() else {
            let message = SessionError::NoModel.to_string();
            return self.outbox.tell(Event::SegmentFailed { ticket, message });
        };
        let settings = settings.unwrap_or_else(|| Settings::of(&info.spec.inference));
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
            // A run that moves from a failing GPU to the CPU starts again; what is shown does not go back.
            furthest = furthest.max(progress.fraction);
            progress.fraction = furthest;
            let ticket = ticket.clone();
            outbox.tell_progress(Event::Progress { ticket, progress });
            ControlFlow::Continue(())
        });
        self.announce_device();
        match done {
            Ok(prediction) => {
                let mut result = Segmented::new(photo, info, output, prediction);
                result.peak_mib = peak_memory_mib();
                log_times(&result);
                self.outbox.tell(Event::Segmented { ticket, result });
            }
            Err(e) if e.is_cancelled() => self.outbox.tell(Event::Cancelled { ticket }),
            Err(e) => {
                let message = e.to_string();
                self.outbox.tell(Event::SegmentFailed { ticket, message });
            }
        }
    }

    pub(super) fn look_inside(&mut self, ticket: Ticket, look: Look) {
        if !self.closing.allows(&ticket) {
            return self.outbox.tell(Event::LookFailed { ticket, message: None });
        }
        let (outbox, closing) = (&self.outbox, &self.closing);
        outbox.begin_run();
        let done = self.session.look_inside(look, &mut |progress| {
            closing.control(&ticket)?;
            let ticket = ticket.clone();
            outbox.tell_progress(Event::LookProgress { ticket, progress });
            ControlFlow::Continue(())
        });
        self.announce_device();
        self.outbox.tell(match done {
            Ok(inspection) => Event::Inside {
                ticket,
                inspection: Arc::new(inspection),
            },
            Err(e) => Event::LookFailed {
                ticket,
                message: (!e.is_cancelled()).then(|| e.to_string()),
            },
        });
    }

    /// Says how far and how sharply heads look; it ends early, without figures, as soon as something is `waiting`.
    pub(super) fn measure_heads(&mut self, ticket: Ticket, job: HeadsJob, waiting: &dyn Fn() -> bool) {
        let closing = self.closing.clone();
        let go_on = || closing.allows(&ticket) && !waiting();
        let figures = match go_on() {
            true => self.heads_of(job, &go_on).map_err(|why| why.to_string()).transpose(),
            false => None,
        };
        self.announce_device();
        self.outbox.tell(Event::HeadsMeasured { ticket, figures });
    }

    /// `None` when it was stopped.
    fn heads_of(
        &mut self,
        job: HeadsJob,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<HeadsOfPicture>, Box<dyn std::error::Error>> {
        let look = Look {
            photo: self.open_photo(job.source)?,
            model: job.model,
            output: job.output,
            settings: job.settings,
            region: Region::Whole,
        };
        let on_progress = &mut |_| match go_on() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        match self.session.look_inside(look, on_progress) {
            Ok(inspection) => Ok(HeadsOfPicture::of(&inspection.inside, go_on)),
            Err(e) if e.is_cancelled() => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Says which models are open, when it is others than before.
    pub(super) fn announce_models(&mut self) {
        let open = self.session.models();
        if open != self.announced_models {
            self.announced_models.clone_from(&open);
            self.outbox.tell(Event::OpenModels(open));
        }
    }

    /// Says which device is in use, when it is another than before.
    pub(super) fn announce_device(&mut self) {
        if let Ok(device) = self.session.device() {
            let (name, note, gpu_failed) = (device.name.clone(), device.note.clone(), device.gpu_failed);
            let known = Some((name.clone(), note.clone()));
            if self.announced != known {
                self.announced = known;
                let why = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
                log::info!("computing on {name}{why}");
                self.outbox.tell(Event::Device { name, note, gpu_failed });
            }
        }
    }

    /// Says which device is in use after it was chosen anew, also when it is the same.
    pub(super) fn announce_chosen_device(&mut self) {
        self.announced = None;
        self.announce_device();
    }

    /// Says how much memory is in use.
    pub(super) fn announce_memory(&self) {
        let used = self.memory.memory_use(self.session.feature_bytes());
        self.outbox.tell_if_room(Event::Memory(used));
    }
}

/// Notes how long a segmentation took.
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
