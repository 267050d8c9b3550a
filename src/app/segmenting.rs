//! Runs of the network, asked for and stopped.

use super::App;
use super::pictures::State;
use crate::engine::{Job, Progress, Settings};

/// Sizes of the published multi-scale evaluation (rstrudel segm/data/config).
const MULTI_SCALES: [f64; 6] = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75];

/// A segmentation on its way.
pub(super) struct Running {
    pub(super) generation: u64,
    pub(super) progress: Option<Progress>,
}

impl App {
    /// Hands over a job; false, and a message, when the worker has too many.
    pub(super) fn send(&mut self, job: Job) -> bool {
        let sent = self.engine.send(job);
        if let Err(busy) = &sent {
            self.toasts.error(busy.to_string());
        }
        sent.is_ok()
    }

    /// How to run, where it is not as the model says.
    pub(super) fn run_settings(&self) -> Option<Settings> {
        let model = self.model.as_ref().filter(|_| self.multi_scale)?;
        Some(Settings {
            scales: MULTI_SCALES.into(),
            flip: true,
            ..Settings::of(&model.spec.inference)
        })
    }

    /// Segments the newest picture with the model in use, in place of any run before.
    pub(super) fn segment(&mut self) {
        if self.model.is_none() || self.loading_model {
            // It starts when the model comes.
            return;
        }
        let Some(photo) = self.newest().map(|d| d.photo.clone()) else {
            return;
        };
        let generation = self.engine.next_generation();
        self.pictures.set_state(&photo.source, State::Running);
        let job = Job::Segment {
            generation,
            photo,
            settings: self.run_settings(),
        };
        self.running = self.send(job).then_some(Running {
            generation,
            progress: None,
        });
    }

    /// Stops the run, if there is one; its answer will be stale.
    pub(super) fn cancel(&mut self) {
        if self.running.take().is_some() {
            self.engine.next_generation();
            self.settle_state();
        }
    }

    /// Stops the run on request, and says what is shown instead of its result.
    pub(super) fn cancel_and_say(&mut self) {
        self.cancel();
        let earlier = self.newest().is_some_and(|d| d.result.is_some());
        self.toasts.info(if earlier {
            "Cancelled; the masks are those of the run before"
        } else {
            "Cancelled"
        });
    }

    /// A run has ended without a result: its picture is as before.
    pub(super) fn settle_state(&mut self) {
        let state = self.newest().map(|document| {
            let before = document.found().map(|f| f.pixels.iter().filter(|c| **c > 0).count());
            let state = before.map_or(State::Fresh, |classes| State::Done { classes });
            (document.photo.source.clone(), state)
        });
        if let Some((source, state)) = state {
            self.pictures.set_state(&source, state);
        }
    }

    /// Stops the run over all pictures.
    pub(super) fn stop_batch(&mut self) {
        if self.batch.is_some() {
            self.engine.cancel_batch();
        }
    }

    pub(super) fn is_current(&self, generation: u64) -> bool {
        self.running.as_ref().is_some_and(|r| r.generation == generation)
    }
}
