//! Runs of the network: starting, stopping and taking their results.

use super::{AppState, BatchRun, ResultKey, State};
use crate::app::workspaces::News;
use crate::engine::{Asked, ImageSource, Job, OpenImage, Progress, Segmented, Ticket};

/// A run in progress.
pub(in crate::app) struct Running {
    asked: Asked,
    /// Key of its result.
    pub(in crate::app) key: ResultKey,
    pub(in crate::app) progress: Option<Progress>,
    /// Title of the output, such as `Seg-T-Mask/16`.
    pub(in crate::app) title: String,
}

impl AppState {
    /// Segments the newest image with the output in use, in place of the current run.
    pub(in crate::app) fn segment(&mut self) {
        if !self.workspace.shows_output {
            // The workspace decides what to run; the output in use runs when it is shown again.
            return self.actions.tell(News::RunAgain);
        }
        if self.library.models.is_loading() {
            // The run starts when the model is open.
            return;
        }
        let Some(photo) = self.newest().map(|d| d.photo.clone()) else {
            return;
        };
        let Some(key) = self.result_key(&photo.source) else {
            // The run starts when there is a model.
            return;
        };
        self.run(photo, key);
    }

    /// Segments a photo, in place of the current run.
    pub(in crate::app) fn run(&mut self, photo: OpenImage, key: ResultKey) {
        // The engine drops the current run for this one.
        self.cancel();
        let asked = Asked::new();
        self.actions.job(Job::Segment {
            ticket: asked.ticket(),
            photo,
            model: key.model,
            output: key.output,
            settings: Some(key.settings.clone()),
        });
        self.library.images.set_state(&key.source, State::Running);
        let model = self.library.models.with_id(key.model);
        let title = model.map(|model| model.output_title(key.output));
        self.jobs.running = Some(Running {
            asked,
            key,
            progress: None,
            title: title.unwrap_or_default(),
        });
    }

    /// Shows the cached result of the newest image for the output and settings in use, or segments it.
    pub(in crate::app) fn recall_or_segment(&mut self) {
        if !self.workspace.shows_output {
            return self.actions.tell(News::RunAgain);
        }
        let source = self.newest().map(|d| d.photo.source.clone());
        let key = source.and_then(|source| self.result_key(&source));
        let kept = key.and_then(|key| Some((self.library.results.get(&key)?.clone(), key)));
        match kept {
            Some((result, key)) => {
                self.cancel();
                self.library.images.set_state(&key.source, State::of(&result));
                self.show_result(result, key);
            }
            None => self.segment(),
        }
    }

    /// Shows or computes the result of the newest image, unless it has one or is being segmented. Needed after opening
    /// something, which stops the run.
    pub(in crate::app) fn resume(&mut self) {
        let Some(document) = self.newest().filter(|_| self.jobs.running.is_none()) else {
            return;
        };
        let key = self.result_key(&document.photo.source);
        if !key.is_some_and(|key| document.has_result_of(&key)) {
            self.recall_or_segment();
        }
    }

    /// Stops the run at the user's request, and shows a message about the masks that stay.
    pub(in crate::app) fn cancel_and_say(&mut self) {
        self.library.models.forget_next();
        self.cancel();
        if !self.workspace.shows_output {
            return self.actions.tell(News::Paused);
        }
        let earlier = self.newest().is_some_and(|d| d.result.is_some());
        self.actions.info(if earlier {
            "Cancelled; the masks are from the previous run"
        } else {
            "Cancelled"
        });
    }

    /// Withdraws the run, if there is one, and restores the state of its image.
    pub(in crate::app) fn cancel(&mut self) {
        if let Some(run) = self.jobs.running.take() {
            let source = &run.key.source;
            let state = self.settled_state(source);
            self.library.images.set_state(source, state);
        }
    }

    /// Takes the progress of a run.
    pub(in crate::app) fn take_progress(&mut self, ticket: &Ticket, progress: Progress) {
        if let Some(running) = self.jobs.running.as_mut().filter(|run| run.asked.is(ticket)) {
            running.progress = Some(progress);
        }
    }

    /// Takes the result of a run.
    pub(in crate::app) fn take_result(&mut self, ticket: &Ticket, result: Segmented) {
        if let Some(run) = self.jobs.running.take_if(|run| run.asked.is(ticket)) {
            self.cache_result(result, run.key);
        }
    }

    /// Takes the news that the engine has stopped a run.
    pub(in crate::app) fn take_stop(&mut self, ticket: &Ticket) {
        if self.jobs.running.as_ref().is_some_and(|run| run.asked.is(ticket)) {
            self.cancel();
        }
    }

    /// Takes the failure of a run.
    pub(in crate::app) fn take_run_failure(&mut self, ticket: &Ticket, message: String) {
        let Some(run) = self.jobs.running.take_if(|run| run.asked.is(ticket)) else {
            return;
        };
        let source = &run.key.source;
        let state = match self.result_key(source).as_ref() == Some(&run.key) {
            true => State::Failed(message.clone()),
            // The run is of another output than the one in use, for a pane.
            false => self.settled_state(source),
        };
        self.library.images.set_state(source, state);
        self.actions.error(message.clone());
        self.actions.tell(News::RunFailed { key: run.key, message });
    }

    /// Whether an image is being segmented.
    pub(in crate::app) fn is_running(&self, source: &ImageSource) -> bool {
        self.jobs.running.as_ref().is_some_and(|run| run.key.source == *source)
    }

    /// The state of an image that is not being segmented.
    pub(super) fn settled_state(&self, source: &ImageSource) -> State {
        let awaits = |batch: &BatchRun| self.is_in_use(batch) && batch.awaits(source);
        if self.jobs.batch.as_ref().is_some_and(awaits) {
            return State::Waiting;
        }
        let kept = self.result_key(source).and_then(|key| self.library.results.peek(&key));
        kept.map_or(State::NotSegmented, State::of)
    }

    /// Updates all states after a change of model or inference settings.
    pub(in crate::app) fn settle_states(&mut self) {
        // The rest of a paused run was for another output or other settings.
        self.jobs.paused = None;
        let images = &self.library.images;
        let states: Vec<_> = images
            .sources()
            .filter(|source| !self.is_running(source))
            // Another model does not make a file readable.
            .filter(|source| !matches!(images.state_of(source), Some(State::Unreadable(_))))
            .map(|source| (source.clone(), self.settled_state(source)))
            .collect();
        for (source, state) in states {
            self.library.images.set_state(&source, state);
        }
    }
}
