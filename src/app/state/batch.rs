//! A run over all images, and its progress.

use std::collections::HashSet;
use std::path::PathBuf;

use super::{AppState, ResultKey, State};
use crate::app::chrome::Toast;
use crate::app::workspaces::News;
use crate::engine::{Asked, Batch, BatchState, ImageSource, InferenceConfig, Job, Output, Progress, Ticket};
use crate::export::Options;

/// A run over all images.
pub(in crate::app) struct BatchRun {
    asked: Asked,
    /// Number of the model.
    pub(in crate::app) model: u64,
    pub(in crate::app) output: Output,
    /// The images of the run, in order.
    pub(in crate::app) sources: Vec<ImageSource>,
    /// Inference settings of the run.
    settings: InferenceConfig,
    /// Images whose files have changed since the start; their results may be out of date.
    changed: HashSet<ImageSource>,
    pub(in crate::app) progress: Option<Progress>,
    pub(in crate::app) done: usize,
    pub(in crate::app) failed: usize,
    /// Images that were skipped because their files existed.
    pub(in crate::app) there: usize,
    /// The files to write and the folder for them, if any are written.
    write: Option<(Options, PathBuf)>,
    /// Whether the images that are left when it ends can be resumed.
    is_paused: bool,
    /// The results are scored.
    pub(in crate::app) for_scores: bool,
}

/// What is left of a run that was paused.
pub(in crate::app) struct PausedBatch {
    pub(in crate::app) rest: Vec<ImageSource>,
    write: Option<(Options, PathBuf)>,
    for_scores: bool,
    /// Number of images whose turn is over.
    pub(in crate::app) done: usize,
}

impl BatchRun {
    /// Notes that an image's file has changed.
    pub(in crate::app) fn note_change(&mut self, source: &ImageSource) {
        self.changed.insert(source.clone());
    }

    /// Whether an image still waits for its turn.
    pub(in crate::app) fn awaits(&self, source: &ImageSource) -> bool {
        let turn = self.done + self.failed + self.there;
        self.sources.iter().skip(turn).any(|waiting| waiting == source)
    }
}

impl AppState {
    /// Stops the run over all images after the current transformer block; finished images keep their results.
    pub(in crate::app) fn stop_batch(&mut self) {
        if let Some(batch) = &self.jobs.batch {
            batch.asked.cancel();
        }
    }

    /// Stops the run over all images so that the rest of it can be resumed.
    pub(in crate::app) fn pause_batch(&mut self) {
        if let Some(batch) = &mut self.jobs.batch {
            batch.is_paused = true;
            batch.asked.cancel();
        }
    }

    /// Segments the images that were left when the run was paused.
    pub(in crate::app) fn resume_batch(&mut self) {
        if let Some(paused) = self.jobs.paused.take() {
            self.segment_images(paused.rest, paused.write, paused.for_scores);
        }
    }

    /// Runs the output in use on some images, and exports the results if `write` is given.
    pub(in crate::app) fn segment_images(
        &mut self,
        images: Vec<ImageSource>,
        write: Option<(Options, PathBuf)>,
        for_scores: bool,
    ) {
        let models = &self.library.models;
        let Some(model) = models.used().cloned().filter(|_| !models.is_loading()) else {
            return;
        };
        let Some(settings) = self.run_settings() else { return };
        let output = models.output();
        self.jobs.paused = None;
        let asked = Asked::new();
        let batch = Batch {
            images: images.clone(),
            model: model.id,
            output,
            settings: Some(settings.clone()),
            class_set: self.inference_settings_of(&model).class_set,
            write: write.clone(),
        };
        let ticket = asked.ticket();
        let run = BatchRun {
            asked,
            model: model.id,
            output,
            sources: images,
            settings,
            changed: HashSet::new(),
            progress: None,
            done: 0,
            failed: 0,
            there: 0,
            write,
            is_paused: false,
            for_scores,
        };
        self.actions.job(Job::SegmentAll { ticket, batch });
        for source in &run.sources {
            self.library.images.set_state(source, State::Waiting);
        }
        self.jobs.batch = Some(run);
    }

    /// Takes the engine's report about one image of the batch.
    pub(in crate::app) fn take_batch_image(&mut self, ticket: &Ticket, index: usize, state: BatchState) {
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
            // The list shows states for the output and settings in use.
            BatchState::Running | BatchState::Skipped | BatchState::Failed(_) if !is_shown => {}
            BatchState::Running => self.library.images.set_state(&source, State::Running),
            BatchState::Done { .. } if changed && !is_shown => {}
            BatchState::Done { .. } if changed => self.library.images.set_state(&source, State::NotSegmented),
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
                self.cache_batch_result(result, settings);
            }
            BatchState::Skipped => {
                // It has been skipped; its state is that of its earlier result.
                if let Some(batch) = &mut self.jobs.batch {
                    batch.there += 1;
                }
                let state = self.settled_state(&source);
                self.library.images.set_state(&source, state);
            }
            BatchState::Failed(why) => self.library.images.set_state(&source, State::Failed(why)),
        }
    }

    /// Takes the progress of a batch.
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

    /// Whether a run over all images uses the output and settings in use.
    pub(in crate::app) fn is_in_use(&self, batch: &BatchRun) -> bool {
        self.library.models.uses_output(batch.model, batch.output)
            && self.run_settings().as_ref() == Some(&batch.settings)
    }

    /// Ends the batch: images that still wait get no result.
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
            let state = self.library.images.state_of(source);
            if matches!(state, Some(State::Waiting | State::Running)) && !self.is_running(source) {
                let state = self.settled_state(source);
                self.library.images.set_state(source, state);
            }
        }
        if cancelled && batch.is_paused && self.is_in_use(&batch) {
            let turn = done + failed + there;
            let left = batch.sources.iter().skip(turn);
            let is_listed = |source: &&ImageSource| self.library.images.place(source).is_some();
            let rest: Vec<ImageSource> = left.filter(is_listed).cloned().collect();
            if !rest.is_empty() {
                // The status bar shows it and offers to resume.
                self.jobs.paused = Some(PausedBatch {
                    rest,
                    write: batch.write,
                    for_scores: batch.for_scores,
                    done: turn,
                });
                return;
            }
        }
        let ended = if cancelled { "Cancelled" } else { "Finished" };
        let folder = batch.write.map(|(_, folder)| folder);
        let what = match folder {
            Some(_) => "exported",
            None => "segmented",
        };
        let others = others_text(failed, there);
        let text = format!("{ended}: {done} of {} photos {what}{others}", batch.sources.len());
        match folder {
            Some(folder) if done + there > 0 => self.actions.toast(Toast::wrote(text, folder)),
            _ => self.actions.info(text),
        }
    }
}

/// How many images of a run have no new result, and why.
pub(in crate::app) fn others_text(failed: usize, there: usize) -> String {
    let there = match there {
        0 => String::new(),
        there => format!(", {there} already exported"),
    };
    match failed {
        0 => there,
        failed => format!("{there}, {failed} failed"),
    }
}
