//! A run over all pictures: what it works on, and how far it is.

use std::collections::HashSet;
use std::path::PathBuf;

use super::{AppState, ResultKey, State};
use crate::app::chrome::Toast;
use crate::app::workspaces::News;
use crate::engine::{Asked, Batch, BatchState, Job, Output, PhotoSource, Progress, Settings, Ticket};
use crate::export::Options;

/// A run over all pictures.
pub(in crate::app) struct BatchRun {
    asked: Asked,
    /// Number of its model.
    pub(in crate::app) model: u64,
    pub(in crate::app) output: Output,
    /// What it works on.
    pub(in crate::app) sources: Vec<PhotoSource>,
    /// How it was asked to run.
    settings: Settings,
    /// Pictures whose files have changed since it began; what comes of them may be out of date.
    changed: HashSet<PhotoSource>,
    pub(in crate::app) progress: Option<Progress>,
    pub(in crate::app) done: usize,
    pub(in crate::app) failed: usize,
    /// Pictures whose files were there already.
    pub(in crate::app) there: usize,
    /// Where files are written, if they are.
    folder: Option<PathBuf>,
    /// The results are scored.
    pub(in crate::app) for_scores: bool,
}

impl BatchRun {
    /// Notes that a picture's file has changed.
    pub(in crate::app) fn note_change(&mut self, source: &PhotoSource) {
        self.changed.insert(source.clone());
    }

    /// Whether a picture waits for its turn.
    pub(in crate::app) fn awaits(&self, source: &PhotoSource) -> bool {
        let turn = self.done + self.failed + self.there;
        self.sources.iter().skip(turn).any(|waiting| waiting == source)
    }
}

impl AppState {
    /// Stops the run over all pictures at its next block; what is done stays done.
    pub(in crate::app) fn stop_batch(&mut self) {
        if let Some(batch) = &self.jobs.batch {
            batch.asked.cancel();
        }
    }

    /// Runs the output in use on some pictures, and writes files of the results if that is wanted.
    pub(in crate::app) fn segment_pictures(
        &mut self,
        pictures: Vec<PhotoSource>,
        write: Option<(Options, PathBuf)>,
        for_scores: bool,
    ) {
        let models = &self.library.models;
        let Some(model) = models.used().cloned().filter(|_| !models.is_loading()) else {
            return;
        };
        let Some(settings) = self.run_settings() else { return };
        let output = models.output();
        let asked = Asked::new();
        let batch = Batch {
            pictures: pictures.clone(),
            model: model.id,
            output,
            settings: Some(settings.clone()),
            class_set: self.test_settings_of(&model).class_set,
            write: write.clone(),
        };
        let ticket = asked.ticket();
        let run = BatchRun {
            asked,
            model: model.id,
            output,
            sources: pictures,
            settings,
            changed: HashSet::new(),
            progress: None,
            done: 0,
            failed: 0,
            there: 0,
            folder: write.map(|(_, folder)| folder),
            for_scores,
        };
        self.actions.job(Job::SegmentAll { ticket, batch });
        for source in &run.sources {
            self.library.pictures.set_state(source, State::Waiting);
        }
        self.jobs.batch = Some(run);
    }

    /// Takes what the worker says of one picture of the batch.
    pub(in crate::app) fn take_batch_picture(&mut self, ticket: &Ticket, index: usize, state: BatchState) {
        let Some(batch) = self.jobs.batch.as_ref().filter(|b| b.asked.is(ticket)) else {
            return;
        };
        let Some(source) = batch.sources.get(index).cloned() else {
            return;
        };
        let (settings, changed) = (batch.settings.clone(), batch.changed.contains(&source));
        let for_scores = batch.for_scores;
        let is_shown = self.is_in_use(batch) && !self.is_running(&source);
        match state {
            // The list tells of the output and the settings in use.
            BatchState::Running | BatchState::AlreadyThere | BatchState::Failed(_) if !is_shown => {}
            BatchState::Running => self.library.pictures.set_state(&source, State::Running),
            BatchState::Done { .. } if changed && !is_shown => {}
            BatchState::Done { .. } if changed => self.library.pictures.set_state(&source, State::Fresh),
            BatchState::Done { result, .. } => {
                if for_scores {
                    let key = ResultKey {
                        source,
                        model: result.model.id,
                        output: result.output,
                        settings: settings.clone(),
                    };
                    let result = result.clone();
                    self.actions.tell(News::ResultToScore { result, key });
                }
                self.keep_unseen(result, settings);
            }
            BatchState::AlreadyThere => {
                // Its turn is over; what is known of its result is as before.
                if let Some(batch) = &mut self.jobs.batch {
                    batch.there += 1;
                }
                let state = self.settled_state(&source);
                self.library.pictures.set_state(&source, state);
            }
            BatchState::Failed(why) => self.library.pictures.set_state(&source, State::Failed(why)),
        }
    }

    /// How far a batch is.
    pub(in crate::app) fn take_batch_progress(
        &mut self,
        ticket: &Ticket,
        progress: Progress,
        (done, failed, there): (usize, usize, usize),
    ) {
        if let Some(batch) = self.jobs.batch.as_mut().filter(|batch| batch.asked.is(ticket)) {
            batch.progress = Some(progress);
            (batch.done, batch.failed, batch.there) = (done, failed, there);
        }
    }

    /// Whether a run over all pictures makes what is looked at now.
    pub(in crate::app) fn is_in_use(&self, batch: &BatchRun) -> bool {
        self.library.models.uses_output(batch.model, batch.output)
            && self.run_settings().as_ref() == Some(&batch.settings)
    }

    /// The batch has ended: pictures that still wait have no result.
    pub(in crate::app) fn end_batch(
        &mut self,
        ticket: &Ticket,
        (done, failed, there): (usize, usize, usize),
        cancelled: bool,
    ) {
        let Some(batch) = self.jobs.batch.take_if(|b| b.asked.is(ticket)) else {
            return;
        };
        for source in &batch.sources {
            let state = self.library.pictures.state_of(source);
            if matches!(state, Some(State::Waiting | State::Running)) && !self.is_running(source) {
                let state = self.settled_state(source);
                self.library.pictures.set_state(source, state);
            }
        }
        let ended = if cancelled { "Cancelled" } else { "Finished" };
        let what = if batch.folder.is_some() { "written" } else { "segmented" };
        let others = others_text(failed, there);
        let text = format!("{ended}: {done} of {} pictures {what}{others}", batch.sources.len());
        match batch.folder {
            Some(folder) if done + there > 0 => self.actions.toast(Toast::wrote(text, folder)),
            _ => self.actions.info(text),
        }
    }
}

/// How many pictures of a run came to no new result, and why.
pub(in crate::app) fn others_text(failed: usize, there: usize) -> String {
    let there = match there {
        0 => String::new(),
        1 => ", 1 was there already".into(),
        many => format!(", {many} were there already"),
    };
    match failed {
        0 => there,
        failed => format!("{there}, {failed} failed"),
    }
}
