//! The worker thread and the handle to it.

use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::device::DeviceChoice;
use super::job::{Event, ExportJob, Job, OpenPhoto, PhotoSource, Segmented};
use super::numbers::Numbers;
use super::session::Session;
use crate::export::{self, Subject};
use crate::photo::Photo;
use crate::segment::Settings;

/// Jobs that may wait; one person does not ask for more at once.
const MOST_JOBS: usize = 16;

/// Events that may wait for the window. Progress is dropped beyond this, nothing else is.
const MOST_EVENTS: usize = 256;

/// The sample picture inside the program (see `NOTICE.md`).
const SAMPLE: &[u8] = include_bytes!("../../assets/samples/street.jpg");

/// Called from the worker after each event, so that the window looks.
pub type Wake = Box<dyn Fn() + Send>;

/// The handle that a window holds: jobs in, events out, never a wait.
#[derive(Debug)]
pub struct Engine {
    jobs: Option<Sender<Job>>,
    events: Receiver<Event>,
    /// The newest generation that was asked for; a run with a smaller one stops.
    wanted: Arc<AtomicU64>,
    /// Set when the window is gone: jobs that still wait are dropped.
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Too many jobs wait already.
#[derive(Debug, thiserror::Error)]
#[error("the program is still busy with earlier requests; try again in a moment")]
pub struct Busy;

impl Engine {
    /// Starts the worker.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(choice: DeviceChoice, wake: Wake) -> std::io::Result<Self> {
        let (jobs, job_queue) = bounded(MOST_JOBS);
        let (event_queue, events) = bounded(MOST_EVENTS);
        let wanted = Arc::new(AtomicU64::new(0));
        let closing = Arc::new(AtomicBool::new(false));
        let mut worker = Worker {
            session: Session::new(choice),
            events: event_queue,
            wake,
            wanted: wanted.clone(),
            closing: closing.clone(),
            photos: Numbers::default(),
            announced: None,
        };
        let thread = Builder::new()
            .name("segscope worker".into())
            // Readers of nested files recurse.
            .stack_size(16 << 20)
            .spawn(move || worker.work(&job_queue))?;
        Ok(Self {
            jobs: Some(jobs),
            events,
            wanted,
            closing,
            thread: Some(thread),
        })
    }

    /// Hands over a job.
    ///
    /// # Errors
    /// When too many wait already; the job is dropped then.
    pub fn send(&self, job: Job) -> Result<(), Busy> {
        let Some(jobs) = &self.jobs else { return Err(Busy) };
        match jobs.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Busy),
        }
    }

    /// A new generation; every run of an older one stops at its next block.
    pub fn next_generation(&self) -> u64 {
        self.wanted.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The next event, if there is one.
    pub fn poll(&self) -> Option<Event> {
        self.events.try_recv().ok()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.next_generation();
        self.closing.store(true, Ordering::Relaxed);
        self.jobs = None;
        // Nobody reads events any more: make room until the worker has seen that there are no more jobs.
        if let Some(thread) = self.thread.take() {
            while !thread.is_finished() {
                self.events.recv_timeout(std::time::Duration::from_millis(20)).ok();
            }
            thread.join().ok();
        }
    }
}

struct Worker {
    session: Session,
    events: Sender<Event>,
    wake: Wake,
    wanted: Arc<AtomicU64>,
    closing: Arc<AtomicBool>,
    photos: Numbers<PhotoSource>,
    announced: Option<String>,
}

impl Worker {
    fn work(&mut self, jobs: &Receiver<Job>) {
        for job in jobs {
            if self.closing.load(Ordering::Relaxed) {
                return;
            }
            let failed = failure_event(&job);
            let uses_network = matches!(job, Job::LoadModel(_) | Job::Segment { .. });
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.run(job))) {
                let why = panic_text(&*panic);
                let note = if uses_network { self.start_over() } else { String::new() };
                self.tell(failed(format!("something went wrong inside the program: {why}{note}")));
            }
        }
    }

    /// After a panic in a network its state is unknown: drops everything and opens the model again.
    fn start_over(&mut self) -> String {
        let source = self.session.model().map(|m| m.source.clone());
        self.session.forget();
        self.announced = None;
        let Some(source) = source else { return String::new() };
        match catch_unwind(AssertUnwindSafe(|| self.session.load(source))) {
            Ok(Ok(_)) => String::new(),
            Ok(Err(e)) => format!("; the model could not be opened again ({e})"),
            Err(_) => "; the model could not be opened again".into(),
        }
    }

    fn run(&mut self, job: Job) {
        match job {
            Job::LoadModel(source) => match self.session.load(source) {
                Ok(info) => {
                    self.announce_device();
                    self.tell(Event::Model(info));
                }
                Err(e) => self.tell(Event::ModelFailed(e.to_string())),
            },
            Job::OpenPhoto(source) => self.open_photo(source),
            Job::Segment {
                generation,
                photo,
                settings,
            } => self.segment(generation, photo, settings),
            Job::PlanExport { number, job } => {
                let planned = export::files(
                    &subject(&job),
                    &job.options,
                    &job.folder,
                    &job.result.photo.source.stem(),
                );
                self.tell(Event::ExportPlanned { number, files: planned });
            }
            Job::Export(job) => {
                let stem = job.result.photo.source.stem();
                match export::write(&subject(&job), &job.options, &job.folder, &stem) {
                    Ok(files) => self.tell(Event::Exported {
                        folder: job.folder,
                        files,
                    }),
                    Err(e) => self.tell(Event::ExportFailed(e.to_string())),
                }
            }
        }
    }

    fn open_photo(&mut self, source: PhotoSource) {
        let photo = match &source {
            PhotoSource::Sample => Photo::from_bytes(SAMPLE),
            PhotoSource::Path(path) => Photo::open(path),
        };
        match photo {
            Ok(photo) => {
                let file = match &source {
                    PhotoSource::Sample => None,
                    PhotoSource::Path(path) => Some(path.as_path()),
                };
                let id = self.photos.of(source.clone(), file);
                self.tell(Event::Photo(OpenPhoto {
                    id,
                    source,
                    photo: Arc::new(photo),
                }));
            }
            Err(e) => self.tell(Event::PhotoFailed(e.to_string())),
        }
    }

    fn segment(&mut self, generation: u64, photo: OpenPhoto, settings: Option<Settings>) {
        let wanted = self.wanted.clone();
        let stale = move || wanted.load(Ordering::Relaxed) != generation;
        if stale() {
            return self.tell(Event::Cancelled { generation });
        }
        let Some(model) = self.session.model().cloned() else {
            let message = "expected an open model, found none; open one first".into();
            return self.tell(Event::SegmentFailed { generation, message });
        };
        let settings = settings.unwrap_or_else(|| Settings::of(&model.spec.inference));
        let (events, wake) = (self.events.clone(), &self.wake);
        let done = self
            .session
            .segment(&photo.photo, photo.id, &settings, &mut |progress| {
                if stale() {
                    return ControlFlow::Break(());
                }
                // Progress that the window has no room for is out of date anyway.
                if events.len() < MOST_EVENTS / 2 && events.try_send(Event::Progress { generation, progress }).is_ok() {
                    wake();
                }
                ControlFlow::Continue(())
            });
        self.announce_device();
        match done {
            Ok(prediction) => {
                let counts = prediction.labels.map.counts(model.classes.len()).into();
                let result = Segmented {
                    photo,
                    model,
                    prediction: Arc::new(prediction),
                    counts,
                };
                self.tell(Event::Segmented { generation, result });
            }
            Err(e) if e.is_cancelled() => self.tell(Event::Cancelled { generation }),
            Err(e) => self.tell(Event::SegmentFailed {
                generation,
                message: e.to_string(),
            }),
        }
    }

    /// Says which device is in use, when it is another than before.
    fn announce_device(&mut self) {
        if let Ok(device) = self.session.device() {
            let (name, note, gpu_failed) = (device.name.clone(), device.note.clone(), device.gpu_failed);
            if self.announced.as_ref() != Some(&name) {
                self.announced = Some(name.clone());
                self.tell(Event::Device { name, note, gpu_failed });
            }
        }
    }

    fn tell(&self, event: Event) {
        // A window that is gone needs no answer.
        self.events.send(event).ok();
        (self.wake)();
    }
}

fn subject(job: &ExportJob) -> Subject<'_> {
    let labels = &job.result.prediction.labels;
    Subject {
        photo: &job.result.photo.photo,
        map: &labels.map,
        confidence: &labels.confidence,
        classes: &job.result.model.classes,
    }
}

/// How to say that a job failed.
fn failure_event(job: &Job) -> Box<dyn FnOnce(String) -> Event> {
    match job {
        Job::LoadModel(_) => Box::new(Event::ModelFailed),
        Job::OpenPhoto(_) => Box::new(Event::PhotoFailed),
        Job::Segment { generation, .. } => {
            let generation = *generation;
            Box::new(move |message| Event::SegmentFailed { generation, message })
        }
        Job::PlanExport { .. } | Job::Export(_) => Box::new(Event::ExportFailed),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no details".into())
}
