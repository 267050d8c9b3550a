//! The worker thread: takes jobs one after another, and goes on with a batch while none waits.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, RecvError, Sender, TryRecvError, select};
use rayon::ThreadPool;

use super::batch::RunningBatch;
use super::failure::{failure_event, panic_sentence};
use super::job::{Event, Job};
use super::outbox::Outbox;
use super::signals::Signals;
use crate::catalogue;
use crate::model::Output;
use crate::photo::OpenOptions;
use crate::runtime::opening::{self, OpeningError};
use crate::runtime::{
    Comparison, EngineSettings, HeadsJob, HeadsOfPicture, Labelling, Look, MemoryWatch, ModelSource, Numbers,
    OpenModel, OpenPhoto, PhotoSource, Segmented, Session, SessionError, Task, cores, find, peak_memory_mib,
    read_labels,
};
use crate::segment::{Region, Settings};

/// Everything that the worker thread owns.
pub(super) struct Worker {
    pub(super) session: Session,
    settings: EngineSettings,
    cores: Option<Arc<ThreadPool>>,
    pub(super) jobs: Receiver<Job>,
    pub(super) outbox: Outbox,
    pub(super) signals: Arc<Signals>,
    /// Both ends of the channel that holds a token for each batch result under way or not taken yet.
    pub(super) places: (Sender<()>, Receiver<()>),
    pub(super) batch: Option<RunningBatch>,
    photos: Numbers<(PhotoSource, OpenOptions)>,
    memory: MemoryWatch,
    /// Name and note of the device that the window knows.
    announced: Option<(String, Option<String>)>,
    /// The open models that the window knows.
    announced_models: Vec<OpenModel>,
}

impl Worker {
    pub(super) fn new(
        settings: EngineSettings,
        jobs: Receiver<Job>,
        outbox: Outbox,
        signals: Arc<Signals>,
        places: (Sender<()>, Receiver<()>),
    ) -> Self {
        let mut session = Session::new(settings.device);
        session.limit_features(settings.feature_bytes);
        session.limit_models(settings.model_bytes);
        Self {
            session,
            cores: cores::pool(settings.threads),
            settings,
            jobs,
            outbox,
            signals,
            places,
            batch: None,
            photos: Numbers::default(),
            memory: MemoryWatch::default(),
            announced: None,
            announced_models: Vec::new(),
        }
    }

    /// Works until the window is gone.
    pub(super) fn work(&mut self) {
        while let Ok(job) = self.next_job() {
            if self.signals.is_closing() {
                return;
            }
            match job {
                Some(job) => self.handle(job),
                None => self.advance_batch(),
            }
            self.announce_models();
            let used = self.memory.memory_use(self.session.feature_bytes());
            self.outbox.tell_if_room(Event::Memory(used));
        }
    }

    /// Waits for a job; `None` when there is none and the batch may go on.
    fn next_job(&mut self) -> Result<Option<Job>, RecvError> {
        let Some(batch) = &mut self.batch else {
            return self.jobs.recv().map(Some);
        };
        match self.jobs.try_recv() {
            Ok(job) => return Ok(Some(job)),
            Err(TryRecvError::Disconnected) => return Err(RecvError),
            Err(TryRecvError::Empty) if batch.has_place => return Ok(None),
            Err(TryRecvError::Empty) => {}
        }
        select! {
            recv(self.jobs) -> job => job.map(Some),
            send(self.places.0, ()) -> sent => {
                batch.has_place = sent.is_ok();
                Ok(None)
            }
        }
    }

    fn handle(&mut self, job: Job) {
        let failed = failure_event(&job);
        let uses_network = matches!(
            job,
            Job::LoadModel { .. } | Job::Segment { .. } | Job::LookInside(_) | Job::MeasureHeads(_) | Job::Configure(_)
        );
        let done = catch_unwind(AssertUnwindSafe(|| match job {
            // Not on the threads that it may replace.
            Job::Configure(settings) => self.configure(settings),
            job => self.on_cores(|worker| worker.run(job)),
        }));
        if let Err(panic) = done {
            if uses_network {
                self.start_over();
            }
            self.outbox.tell(failed(panic_sentence(&*panic)));
        }
    }

    /// Does something on the threads that were asked for.
    ///
    /// With a GPU it stays on this thread: burn gives each thread a queue of its own on a GPU, and memory of its own
    /// with it.
    pub(super) fn on_cores<R: Send>(&mut self, work: impl FnOnce(&mut Self) -> R + Send) -> R {
        match self.cores.clone() {
            Some(pool) if self.session.is_on_cpu() => pool.install(|| work(self)),
            _ => work(self),
        }
    }

    /// After a panic in a network its state is unknown: drops everything, and the next run reads its model again.
    pub(super) fn start_over(&mut self) {
        self.session.forget();
        self.announced = None;
    }

    fn run(&mut self, job: Job) {
        match job {
            Job::Configure(settings) => self.configure(settings),
            Job::LoadModel { number, source } => self.load_model(number, source),
            Job::CloseModel(id) => {
                self.end_batch_with(id);
                self.session.close(id);
            }
            Job::Find(paths) => self.outbox.tell(Event::Found(find(paths))),
            Job::ScanModels(folder) => {
                let found = catalogue::present(&folder, catalogue::released());
                self.outbox.tell(Event::ModelsFound(Arc::new(found)));
            }
            Job::OpenPhoto(source) => match self.open_photo(source) {
                Ok(photo) => self.outbox.tell(Event::Photo(photo)),
                Err(e) => self.tell_failure(Event::PhotoFailed, e.to_string()),
            },
            Job::Segment {
                generation,
                photo,
                model,
                output,
                settings,
            } => self.segment(generation, photo, (model, output), settings),
            Job::LookInside(look) => self.look_inside(look),
            Job::MeasureHeads(job) => self.measure_heads(job),
            Job::ReadLabels(job) => {
                let labels = read_labels(&job).map(Labelling::plain);
                self.outbox.tell(Event::Labels {
                    number: job.number,
                    labels: labels.map_err(|why| why.to_string()),
                });
            }
            Job::Compare(job) => self.outbox.tell(Event::Compared {
                number: job.number,
                comparison: Comparison::of(&job).map(Arc::new),
            }),
            Job::SegmentAll(batch) => self.begin_batch(batch),
            Job::PlanExport { number, job } => {
                let files = job.plan();
                self.outbox.tell(Event::ExportPlanned { number, files });
            }
            Job::Export(job) => match job.write() {
                Ok(files) => self.outbox.tell(Event::Exported {
                    folder: job.folder,
                    files,
                }),
                Err(e) => self.tell_failure(Event::ExportFailed, e.to_string()),
            },
            Job::ExportFigures(job) => match job.write() {
                Ok(files) => self.outbox.tell(Event::Exported {
                    folder: job.folder,
                    files,
                }),
                Err(e) => self.tell_failure(Event::ExportFailed, e.to_string()),
            },
            Job::ExportReport(job) => match job.write() {
                Ok(files) => self.outbox.tell(Event::Exported {
                    folder: job.folder,
                    files,
                }),
                Err(e) => self.tell_failure(Event::ExportFailed, e.to_string()),
            },
            Job::Draw { format, job } => match job.draw(format) {
                Ok(rgba) => self.outbox.tell(Event::Drawn { format, rgba }),
                Err(e) => self.tell_failure(Event::DrawFailed, e.to_string()),
            },
        }
    }

    fn tell_failure(&self, event: impl FnOnce(String) -> Event, why: String) {
        // Not logged here: whoever shows it to a person does.
        self.outbox.tell(event(why));
    }

    fn configure(&mut self, settings: EngineSettings) {
        let EngineSettings {
            device,
            threads,
            feature_bytes,
            model_bytes,
            opening,
        } = settings;
        self.settings.opening = opening;
        self.session.limit_features(feature_bytes);
        self.session.limit_models(model_bytes);
        self.settings.feature_bytes = feature_bytes;
        self.settings.model_bytes = model_bytes;
        if threads != self.settings.threads {
            self.cores = cores::pool(threads);
            self.settings.threads = threads;
        }
        if device == self.settings.device {
            return;
        }
        match self.session.change_device(device) {
            Ok(()) => {
                self.settings.device = device;
                self.announced = None;
                self.announce_device();
            }
            Err(e) => self.tell_failure(Event::DeviceFailed, e.to_string()),
        }
    }

    fn load_model(&mut self, number: u64, source: ModelSource) {
        let signals = self.signals.clone();
        let is_stale = || signals.is_load_stale(number);
        if is_stale() {
            return self.outbox.tell(Event::ModelCancelled { number });
        }
        // Always told, so that the window shows at once what it waits for.
        self.outbox.tell(Event::ModelProgress { number, fraction: 0.0 });
        let outbox = &self.outbox;
        let mut furthest = 0.0f32;
        let loaded = self.session.load(source, &mut |share| {
            if is_stale() {
                return ControlFlow::Break(());
            }
            furthest = furthest.max(share);
            let fraction = furthest;
            outbox.tell_progress(Event::ModelProgress { number, fraction });
            ControlFlow::Continue(())
        });
        match loaded {
            Ok(model) => {
                self.announce_device();
                self.announce_models();
                self.outbox.tell(Event::Model { number, model });
            }
            // Why a model that nobody waits for cannot be opened is of no interest.
            Err(e) if e.is_cancelled() || is_stale() => self.outbox.tell(Event::ModelCancelled { number }),
            Err(e) => self.tell_failure(|message| Event::ModelFailed { number, message }, e.to_string()),
        }
    }

    /// Reads a picture and numbers it.
    pub(super) fn open_photo(&mut self, source: PhotoSource) -> Result<OpenPhoto, OpeningError> {
        // Before the pixels: a file that changes meanwhile gets another number when it is opened again.
        let files: Vec<PathBuf> = source.file().map(Path::to_owned).into_iter().collect();
        let options = self.settings.opening;
        let id = self.photos.of((source.clone(), options), &files);
        let photo = opening::read(&source, options)?;
        log::info!("opened {}, {} x {}", source.name(), photo.width, photo.height);
        Ok(OpenPhoto {
            id,
            source,
            photo: Arc::new(photo),
        })
    }

    fn segment(&mut self, generation: u64, photo: OpenPhoto, by: (u64, Output), settings: Option<Settings>) {
        if self.signals.is_stale(generation) {
            return self.outbox.tell(Event::Cancelled { generation });
        }
        let failed = |message| Event::SegmentFailed { generation, message };
        let (model, output) = by;
        let Some(info) = self.session.info(model).cloned() else {
            return self.tell_failure(failed, SessionError::NoModel.to_string());
        };
        let settings = settings.unwrap_or_else(|| Settings::of(&info.spec.inference));
        let task = Task {
            model,
            output,
            photo: &photo.photo,
            photo_id: photo.id,
            settings: &settings,
        };
        let (outbox, signals) = (&self.outbox, &self.signals);
        outbox.begin_run();
        self.memory.begin();
        let mut furthest = 0.0f32;
        let done = self.session.segment(&task, &mut |mut progress| {
            if signals.is_stale(generation) {
                return ControlFlow::Break(());
            }
            // A run that moves from a failing GPU to the CPU starts again; what is shown does not go back.
            furthest = furthest.max(progress.fraction);
            progress.fraction = furthest;
            outbox.tell_progress(Event::Progress { generation, progress });
            ControlFlow::Continue(())
        });
        self.announce_device();
        match done {
            Ok(prediction) => {
                let mut result = Segmented::new(photo, info, output, prediction);
                result.peak_mib = peak_memory_mib();
                log_times(&result);
                self.outbox.tell(Event::Segmented { generation, result });
            }
            Err(e) if e.is_cancelled() => self.outbox.tell(Event::Cancelled { generation }),
            Err(e) => self.tell_failure(failed, e.to_string()),
        }
    }

    fn look_inside(&mut self, look: Look) {
        let number = look.number;
        let (outbox, signals) = (&self.outbox, &self.signals);
        outbox.begin_run();
        let done = self.session.look_inside(look, &mut |progress| {
            if signals.is_look_stale(number) {
                return ControlFlow::Break(());
            }
            outbox.tell_progress(Event::LookProgress { number, progress });
            ControlFlow::Continue(())
        });
        self.announce_device();
        match done {
            Ok(inspection) => self.outbox.tell(Event::Inside(Arc::new(inspection))),
            Err(e) if e.is_cancelled() => self.outbox.tell(Event::LookFailed { number, message: None }),
            Err(e) => {
                let failed = |message| {
                    let message = Some(message);
                    Event::LookFailed { number, message }
                };
                self.tell_failure(failed, e.to_string());
            }
        }
    }

    fn measure_heads(&mut self, job: HeadsJob) {
        let number = job.number;
        let figures = self.heads_of(job).map_err(|why| why.to_string()).transpose();
        self.announce_device();
        let figures = figures.filter(|_| !self.signals.is_measure_stale(number));
        self.outbox.tell(Event::HeadsMeasured { number, figures });
    }

    /// `None` when it was stopped.
    fn heads_of(&mut self, job: HeadsJob) -> Result<Option<HeadsOfPicture>, Box<dyn std::error::Error>> {
        let look = Look {
            number: job.number,
            photo: self.open_photo(job.source)?,
            model: job.model,
            output: job.output,
            settings: job.settings,
            region: Region::Whole,
        };
        let signals = &self.signals;
        let inspection = self
            .session
            .look_inside(look, &mut |_| match signals.is_measure_stale(job.number) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            })?;
        let go_on = || !self.signals.is_measure_stale(job.number);
        Ok(HeadsOfPicture::of(&inspection.inside, go_on))
    }

    /// Says which models are open, when it is others than before.
    fn announce_models(&mut self) {
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
