//! The handle that a window holds: jobs in, events out, never a wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::batch::BatchState;
use super::job::{Event, Job};
use super::outbox::{MOST_EVENTS, Outbox, Wake};
use super::signals::Signals;
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
    signals: Arc<Signals>,
    newest_batch: AtomicU64,
    /// Holds one token for each result of a batch that the window has not taken.
    batch_places: Receiver<()>,
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
    pub fn start(settings: EngineSettings, wake: Wake) -> std::io::Result<Self> {
        let (jobs, job_queue) = bounded(MOST_JOBS);
        let (event_queue, events) = bounded(MOST_EVENTS);
        let places = bounded(MOST_BATCH_RESULTS);
        let batch_places = places.1.clone();
        let signals = Arc::new(Signals::default());
        let of_worker = signals.clone();
        let thread = Builder::new()
            .name("segscope worker".into())
            .stack_size(cores::STACK_BYTES)
            .spawn(move || {
                Worker::new(settings, job_queue, Outbox::new(event_queue, wake), of_worker, places).work()
            })?;
        Ok(Self {
            jobs: Some(jobs),
            events,
            signals,
            newest_batch: AtomicU64::new(0),
            batch_places,
            thread: Some(thread),
        })
    }

    /// Hands over a job.
    ///
    /// # Errors
    /// When too many wait already; the job is dropped then.
    pub fn send(&self, job: Job) -> Result<(), Busy> {
        let Some(jobs) = &self.jobs else { return Err(Busy) };
        let batch = match &job {
            Job::SegmentAll(batch) => Some(batch.number),
            _ => None,
        };
        match jobs.try_send(job) {
            Ok(()) => {
                if let Some(number) = batch {
                    self.newest_batch.fetch_max(number, Ordering::Relaxed);
                }
                Ok(())
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Busy),
        }
    }

    /// A new generation; every run of an older one stops at its next block.
    pub fn next_generation(&self) -> u64 {
        self.signals.next_generation()
    }

    /// A number for [`Job::LoadModel`]; every load with an older one stops.
    pub fn next_load(&self) -> u64 {
        self.signals.next_load()
    }

    /// A number for [`Job::LookInside`]; every look with an older one stops.
    pub fn next_look(&self) -> u64 {
        self.signals.next_look()
    }

    /// A number for [`Job::MeasureHeads`]; every measurement with an older one stops.
    pub fn next_measure(&self) -> u64 {
        self.signals.next_measure()
    }

    /// Stops the model that is being read; those that are open stay.
    pub fn cancel_loading(&self) {
        self.signals.next_load();
    }

    /// Stops the batch that was handed over last at its next block; what is done stays done.
    pub fn cancel_batch(&self) {
        self.signals
            .cancel_batches_to(self.newest_batch.load(Ordering::Relaxed));
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
        self.signals.close();
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
