//! The handle that a window holds: jobs in, events out, never a wait.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::batch::BatchState;
use super::closing::Closing;
use super::job::{Event, Job};
use super::new_settings::NewSettings;
use super::outbox::{MOST_EVENTS, Outbox};
use super::wake::Wake;
use super::worker::Worker;
use crate::runtime::{EngineSettings, cores};

/// Jobs that may wait; one person does not ask for more at once.
const MOST_JOBS: usize = 16;

/// Results of a batch that may be under way or wait for the window: one of each. They hold whole photos.
const MOST_BATCH_RESULTS: usize = 2;

/// The worker thread, and the channels to and from it.
#[derive(Debug)]
pub struct Engine {
    jobs: Option<Sender<Job>>,
    events: Receiver<Event>,
    new_settings: Arc<NewSettings>,
    closing: Closing,
    /// Holds one token for each result of a batch that the window has not taken.
    batch_places: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

/// Too many jobs wait already; the one that found no room comes back.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected room for another job, found {} that wait; hand it over again when an event has come",
    MOST_JOBS
)]
pub struct Busy(pub Box<Job>);

impl Engine {
    /// Starts the worker.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(settings: EngineSettings, wake: Wake) -> std::io::Result<Self> {
        let (jobs, job_queue) = bounded(MOST_JOBS);
        let (event_queue, events) = bounded(MOST_EVENTS);
        let places = bounded(MOST_BATCH_RESULTS);
        let batch_places = places.1.clone();
        let new_settings = Arc::new(NewSettings::new());
        let closing = Closing::default();
        let of_worker = (new_settings.clone(), closing.clone());
        let thread = Builder::new()
            .name("segscope worker".into())
            .stack_size(cores::STACK_BYTES)
            .spawn(move || {
                let (new_settings, closing) = of_worker;
                let outbox = Outbox::new(event_queue, wake);
                Worker::new(settings, new_settings, job_queue, outbox, closing, places).work();
            })?;
        Ok(Self {
            jobs: Some(jobs),
            events,
            new_settings,
            closing,
            batch_places,
            thread: Some(thread),
        })
    }

    /// Computes in another way from now on: another device, other threads, other limits. However many jobs wait, this is
    /// never lost, and it holds for all of them; of several changes in a row only the last may be seen.
    ///
    /// A device that changes is answered by [`Event::Device`]; or by [`Event::DeviceFailed`], and everything goes on as
    /// before.
    pub fn configure(&self, settings: EngineSettings) {
        self.new_settings.put(settings);
    }

    /// Hands over a job.
    ///
    /// # Errors
    /// When too many wait already; the job comes back then.
    pub fn send(&self, job: Job) -> Result<(), Busy> {
        let Some(jobs) = &self.jobs else {
            return Err(Busy(Box::new(job)));
        };
        jobs.try_send(job)
            .map_err(|refused| Busy(Box::new(refused.into_inner())))
    }

    /// The next event, if there is one.
    pub fn poll(&self) -> Option<Event> {
        let event = self.events.try_recv().ok()?;
        let state = match &event {
            Event::BatchPicture { state, .. } => Some(state),
            _ => None,
        };
        if matches!(state, Some(BatchState::Done { .. })) {
            // Its place is free for the next one.
            self.batch_places.try_recv().ok();
        }
        Some(event)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.closing.close();
        self.jobs = None;
        // Nobody reads events any more: make room until the worker has seen that there are no more jobs.
        if let Some(thread) = self.thread.take() {
            while !thread.is_finished() {
                self.events.recv_timeout(Duration::from_millis(20)).ok();
            }
            thread.join().ok();
        }
    }
}
