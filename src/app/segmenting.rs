//! Runs of the network, asked for and stopped.

use super::App;
use super::pictures::{BatchRun, State};
use super::results::ResultKey;
use super::workspace::Workspace;
use crate::engine::{Job, OpenPhoto, PhotoSource, Progress};

/// A segmentation on its way.
pub(super) struct Running {
    pub(super) generation: u64,
    /// What its result will belong to.
    pub(super) key: ResultKey,
    pub(super) progress: Option<Progress>,
    /// What runs, such as `Seg-T-Mask/16`.
    pub(super) title: String,
}

impl App {
    /// Hands over a job; false, and a message, when the worker has too many.
    pub(super) fn send(&mut self, job: Job) -> bool {
        if !matches!(job, Job::MeasureHeads(_)) {
            self.interrupt_averaging();
        }
        let sent = self.engine.send(job);
        if let Err(busy) = &sent {
            self.toasts.error(busy.to_string());
        }
        sent.is_ok()
    }

    /// Segments the newest picture with the model in use, in place of any run before.
    pub(super) fn segment(&mut self) {
        if self.workspace == Workspace::Compare {
            // Runs of all panes; that of the output in use waits until it is shown again.
            return self.compare.go_on();
        }
        if self.models.is_loading() {
            // It starts when the model comes.
            return;
        }
        let Some(photo) = self.newest().map(|d| d.photo.clone()) else {
            return;
        };
        let Some(key) = self.result_key(&photo.source) else {
            // It starts when there is a model.
            return;
        };
        self.run(photo, key);
    }

    /// Segments a photo, in place of any run before.
    pub(super) fn run(&mut self, photo: OpenPhoto, key: ResultKey) {
        // Of the picture before, which the worker gives up for this one.
        self.forget_run();
        let generation = self.engine.next_generation();
        let job = Job::Segment {
            generation,
            photo,
            model: key.model,
            output: key.output,
            settings: Some(key.settings.clone()),
        };
        if self.send(job) {
            self.pictures.set_state(&key.source, State::Running);
            let title = self.model_with(key.model).map(|model| model.output_title(key.output));
            self.running = Some(Running {
                generation,
                key,
                progress: None,
                title: title.unwrap_or_default(),
            });
        }
    }

    /// Shows the kept result of the newest picture for the model and settings in use, or makes one.
    pub(super) fn recall_or_segment(&mut self) {
        if self.workspace == Workspace::Compare {
            return self.compare.go_on();
        }
        let source = self.newest().map(|d| d.photo.source.clone());
        let key = source.and_then(|source| self.result_key(&source));
        match key.and_then(|key| Some((key.clone(), self.results.get(&key)?.clone()))) {
            Some((key, result)) => {
                self.cancel();
                self.pictures.set_state(&key.source, super::open::done(&result));
                self.show_result(result, key);
            }
            None => self.segment(),
        }
    }

    /// Stops the run, if there is one; its answer will be stale.
    pub(super) fn cancel(&mut self) {
        if self.running.is_some() {
            self.engine.next_generation();
            self.forget_run();
        }
    }

    /// Stops the run on request, and says what is shown instead of its result.
    pub(super) fn cancel_and_say(&mut self) {
        self.forget_next_models();
        self.cancel();
        if self.workspace == Workspace::Compare {
            return self.compare.pause();
        }
        let earlier = self.newest().is_some_and(|d| d.result.is_some());
        self.toasts.info(if earlier {
            "Cancelled; the masks are those of the run before"
        } else {
            "Cancelled"
        });
    }

    /// Ends the run, as far as this thread is concerned; its picture is as before.
    pub(super) fn forget_run(&mut self) {
        if let Some(run) = self.running.take() {
            let source = &run.key.source;
            self.pictures.set_state(source, self.settled_state(source));
        }
    }

    /// Whether the run is about a picture.
    pub(super) fn is_running(&self, source: &PhotoSource) -> bool {
        self.running.as_ref().is_some_and(|run| run.key.source == *source)
    }

    /// The state of a picture that is not being segmented.
    pub(super) fn settled_state(&self, source: &PhotoSource) -> State {
        let awaits = |batch: &BatchRun| self.is_in_use(batch) && batch.awaits(source);
        if self.batch.as_ref().is_some_and(awaits) {
            return State::Waiting;
        }
        let kept = self.result_key(source).and_then(|key| self.results.peek(&key));
        kept.map_or(State::Fresh, super::open::done)
    }

    /// Puts all states right after a change of model or of how it runs.
    pub(super) fn settle_states(&mut self) {
        let states: Vec<_> = self
            .pictures
            .sources()
            .filter(|source| !self.is_running(source))
            // A file that cannot be read does not become readable by another model.
            .filter(|source| !matches!(self.pictures.state_of(source), Some(State::Unreadable(_))))
            .map(|source| (source.clone(), self.settled_state(source)))
            .collect();
        for (source, state) in states {
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
