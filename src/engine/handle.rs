//! The window's handle of the engine: sends jobs and receives events without waiting.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::batch::BatchState;
use super::closing::Closing;
use super::job::{Event, Job};
use super::new_settings::NewSettings;
use super::outbox::{MAX_EVENTS, Outbox};
use super::wake::Wake;
use super::worker::Worker;
use crate::runtime::{EngineSettings, cores};

/// Maximum number of waiting jobs; a single user does not request more at once.
const MAX_JOBS: usize = 16;

/// Maximum number of batch results in progress or waiting for the window: one of each, because a result contains the
/// whole image.
const MAX_BATCH_RESULTS: usize = 2;

/// The worker thread, and the channels to and from it.
#[derive(Debug)]
pub struct Engine {
    jobs: Option<Sender<Job>>,
    events: Receiver<Event>,
    new_settings: Arc<NewSettings>,
    closing: Closing,
    /// Holds one token for each batch result that the window has not taken yet.
    batch_places: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

/// Too many jobs wait; contains the refused job.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected room for another job, found {} waiting; send it again after the next event",
    MAX_JOBS
)]
pub struct Busy(pub Box<Job>);

impl Engine {
    /// Starts the worker.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start(settings: EngineSettings, wake: Wake) -> std::io::Result<Self> {
        let (jobs, job_queue) = bounded(MAX_JOBS);
        let (event_queue, events) = bounded(MAX_EVENTS);
        let places = bounded(MAX_BATCH_RESULTS);
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

    /// Changes the settings: device, precision, threads and limits.
    ///
    /// The change is never lost, even if many jobs wait, and applies to all waiting jobs. Of several changes in a row,
    /// only the last may take effect.
    ///
    /// A change of device or precision is answered by [`Event::Device`], or by [`Event::DeviceFailed`] if the previous
    /// ones stay in use.
    pub fn configure(&self, settings: EngineSettings) {
        self.new_settings.put(settings);
    }

    /// Sends a job to the worker.
    ///
    /// # Errors
    /// When too many jobs wait; the error contains the job.
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
            Event::BatchImage { state, .. } => Some(state),
            _ => None,
        };
        if matches!(state, Some(BatchState::Done { .. })) {
            // This frees its place for the next result.
            self.batch_places.try_recv().ok();
        }
        Some(event)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.closing.close();
        self.jobs = None;
        // Events are no longer read: empty the channel until the worker has noticed the end of the jobs.
        if let Some(thread) = self.thread.take() {
            while !thread.is_finished() {
                self.events.recv_timeout(Duration::from_millis(20)).ok();
            }
            thread.join().ok();
        }
    }
}
