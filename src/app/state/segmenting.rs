//! Runs of the network, asked for and stopped.

use super::{AppState, BatchRun, ResultKey, State};
use crate::app::workspaces::News;
use crate::engine::{Asked, Job, OpenPhoto, PhotoSource, Progress, Segmented, Ticket};

/// A segmentation on its way.
pub(in crate::app) struct Running {
    asked: Asked,
    /// What its result will belong to.
    pub(in crate::app) key: ResultKey,
    pub(in crate::app) progress: Option<Progress>,
    /// What runs, such as `Seg-T-Mask/16`.
    pub(in crate::app) title: String,
}

impl AppState {
    /// Segments the newest picture with the output in use, in place of any run before.
    pub(in crate::app) fn segment(&mut self) {
        if !self.workspace.shows_output {
            // What the workspace runs is its own affair; the output in use waits until it is shown again.
            return self.actions.tell(News::RunAgain);
        }
        if self.library.models.is_loading() {
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
    pub(in crate::app) fn run(&mut self, photo: OpenPhoto, key: ResultKey) {
        // Of the picture before, which the worker gives up for this one.
        self.cancel();
        let asked = Asked::new();
        self.actions.job(Job::Segment {
            ticket: asked.ticket(),
            photo,
            model: key.model,
            output: key.output,
            settings: Some(key.settings.clone()),
        });
        self.library.pictures.set_state(&key.source, State::Running);
        let model = self.library.models.with_id(key.model);
        let title = model.map(|model| model.output_title(key.output));
        self.jobs.running = Some(Running {
            asked,
            key,
            progress: None,
            title: title.unwrap_or_default(),
        });
    }

    /// Shows the kept result of the newest picture for the output and settings in use, or makes one.
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
                self.library.pictures.set_state(&key.source, State::of(&result));
                self.show_result(result, key);
            }
            None => self.segment(),
        }
    }

    /// Goes on with the picture that is there, unless it has its result or a run: opening something had stopped that.
    pub(in crate::app) fn resume(&mut self) {
        let Some(document) = self.newest().filter(|_| self.jobs.running.is_none()) else {
            return;
        };
        let key = self.result_key(&document.photo.source);
        if !key.is_some_and(|key| document.has_result_of(&key)) {
            self.recall_or_segment();
        }
    }

    /// Stops the run on request, and says what is shown instead of its result.
    pub(in crate::app) fn cancel_and_say(&mut self) {
        self.library.models.forget_next();
        self.cancel();
        if !self.workspace.shows_output {
            return self.actions.tell(News::Paused);
        }
        let earlier = self.newest().is_some_and(|d| d.result.is_some());
        self.actions.info(if earlier {
            "Cancelled; the masks are those of the run before"
        } else {
            "Cancelled"
        });
    }

    /// Withdraws the run, if there is one; its picture is as before.
    pub(in crate::app) fn cancel(&mut self) {
        if let Some(run) = self.jobs.running.take() {
            let source = &run.key.source;
            let state = self.settled_state(source);
            self.library.pictures.set_state(source, state);
        }
    }

    /// A run goes on.
    pub(in crate::app) fn take_progress(&mut self, ticket: &Ticket, progress: Progress) {
        if let Some(running) = self.jobs.running.as_mut().filter(|run| run.asked.is(ticket)) {
            running.progress = Some(progress);
        }
    }

    /// A run is finished.
    pub(in crate::app) fn take_result(&mut self, ticket: &Ticket, result: Segmented) {
        if let Some(run) = self.jobs.running.take_if(|run| run.asked.is(ticket)) {
            self.keep_result(result, run.key);
        }
    }

    /// A run was stopped by the engine.
    pub(in crate::app) fn take_stop(&mut self, ticket: &Ticket) {
        if self.jobs.running.as_ref().is_some_and(|run| run.asked.is(ticket)) {
            self.cancel();
        }
    }

    /// A run has failed.
    pub(in crate::app) fn take_run_failure(&mut self, ticket: &Ticket, message: String) {
        let Some(run) = self.jobs.running.take_if(|run| run.asked.is(ticket)) else {
            return;
        };
        let source = &run.key.source;
        let state = match self.result_key(source).as_ref() == Some(&run.key) {
            true => State::Failed(message.clone()),
            // Of another output than the one in use, for a pane.
            false => self.settled_state(source),
        };
        self.library.pictures.set_state(source, state);
        self.actions.error(message.clone());
        self.actions.tell(News::RunFailed { key: run.key, message });
    }

    /// Whether the run is about a picture.
    pub(in crate::app) fn is_running(&self, source: &PhotoSource) -> bool {
        self.jobs.running.as_ref().is_some_and(|run| run.key.source == *source)
    }

    /// The state of a picture that is not being segmented.
    pub(super) fn settled_state(&self, source: &PhotoSource) -> State {
        let awaits = |batch: &BatchRun| self.is_in_use(batch) && batch.awaits(source);
        if self.jobs.batch.as_ref().is_some_and(awaits) {
            return State::Waiting;
        }
        let kept = self.result_key(source).and_then(|key| self.library.results.peek(&key));
        kept.map_or(State::Fresh, State::of)
    }

    /// Puts all states right after a change of model or of how it runs.
    pub(in crate::app) fn settle_states(&mut self) {
        let pictures = &self.library.pictures;
        let states: Vec<_> = pictures
            .sources()
            .filter(|source| !self.is_running(source))
            // A file that cannot be read does not become readable by another model.
            .filter(|source| !matches!(pictures.state_of(source), Some(State::Unreadable(_))))
            .map(|source| (source.clone(), self.settled_state(source)))
            .collect();
        for (source, state) in states {
            self.library.pictures.set_state(&source, state);
        }
    }
}
