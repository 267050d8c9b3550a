//! Getting the labels of every pane: kept ones at once, files read, and one run after another, the cheapest first.

use std::sync::Arc;

use super::Compare;
use super::pane::{Content, Labelled, Of, Pane};
use crate::app::action::{Action, Request};
use crate::app::gpu::{GpuLabels, Upload};
use crate::app::state::{ResultKey, TestSettings};
use crate::app::workspaces::Ctx;
use crate::engine::{Asked, Job, Labelling, LabelsJob, ModelSource, OpenPhoto, Output, Segmented, Ticket};

/// What the labels of a pane have to belong to; nothing for the bare photo and while its model is not open.
pub(super) fn wanted_of(content: &Content, photo: &OpenPhoto, ctx: &Ctx) -> Option<Of> {
    match content {
        Content::Photo => None,
        Content::Labels(file) => Some(Of::File(file.path_for(&photo.source)?, photo.id)),
        Content::Model {
            source,
            decoder,
            multi_scale,
        } => {
            let model = ctx.state.library.models.of_source(source)?;
            let chosen = TestSettings {
                several_scales: *multi_scale,
                mirrored: *multi_scale,
                ..ctx.state.test_settings_of(model)
            };
            Some(Of::Run(ResultKey {
                source: photo.source.clone(),
                model: model.id,
                output: Output::main(*decoder),
                settings: chosen.settings(model),
            }))
        }
    }
}

impl Compare {
    /// Gets what the panes miss.
    pub(super) fn fill_panes(&mut self, ctx: &Ctx) {
        let Some(photo) = ctx.document().map(|document| document.photo.clone()) else {
            return self.free();
        };
        for place in 0..self.panes.len() {
            let of = wanted_of(&self.panes[place].content, &photo, ctx);
            // Labels of another photo would be drawn over this one.
            let pane = &mut self.panes[place];
            pane.labelled.take_if(|labelled| labelled.photo != photo.id);
            match of {
                Some(of) if !pane.is_settled(&of) => self.fill(place, of, &photo, ctx),
                Some(_) => {}
                // As when the model is being read again.
                None => pane.labelled = None,
            }
        }
        self.stop_unwanted_run(&photo, ctx);
        // Before the next run, behind which it would wait.
        self.update_comparisons(ctx);
        self.run_next(&photo, ctx);
    }

    /// Stops a run that no pane waits for, as when its pane was taken out.
    fn stop_unwanted_run(&self, photo: &OpenPhoto, ctx: &Ctx) {
        let Some(running) = &ctx.state.jobs.running else { return };
        let of = Of::Run(running.key.clone());
        let wants = |pane: &Pane| wanted_of(&pane.content, photo, ctx).as_ref() == Some(&of);
        if !self.panes.iter().any(wants) {
            ctx.send(Action::StopRun);
        }
    }

    /// Takes out the panes of a model that is about to be closed: else its runs would be asked for again.
    pub(super) fn drop_panes_of(&mut self, model: &ModelSource) {
        while let Some(place) = self.panes.iter().position(|pane| pane.is_of(model)) {
            self.remove(place);
        }
    }

    /// Fills a pane from what is kept, or has its file read.
    fn fill(&mut self, place: usize, of: Of, photo: &OpenPhoto, ctx: &Ctx) {
        match &of {
            Of::Run(key) => {
                let kept = ctx.state.library.results.peek(key).cloned();
                if let Some(result) = kept.filter(|result| result.photo.id == photo.id) {
                    ctx.send(Action::Touch(key.clone()));
                    self.show_in_pane(place, of, Labelling::from(&result), Some(result), ctx);
                }
            }
            Of::File(path, _) if self.reading.is_none() => {
                let asked = Asked::new();
                let reader = match &self.panes[place].content {
                    Content::Labels(file) => file.truth.clone(),
                    Content::Photo | Content::Model { .. } => None,
                };
                ctx.actions().job(Job::ReadLabels {
                    ticket: asked.ticket(),
                    job: LabelsJob {
                        reader,
                        path: path.clone(),
                        size: [photo.photo.width, photo.photo.height],
                    },
                });
                self.reading = Some((asked, self.panes[place].id, of));
            }
            Of::File(..) => {}
        }
    }

    /// Gives labels to a pane, and to the GPU.
    fn show_in_pane(&mut self, place: usize, of: Of, labels: Labelling, mut result: Option<Segmented>, ctx: &Ctx) {
        let Some(photo) = ctx.document().map(|document| document.photo.id) else {
            return;
        };
        if let Some(result) = &mut result {
            result.model = ctx.state.named(&result.model);
        }
        let upload = Asked::new();
        ctx.request(Request::Upload(Upload::Labels {
            id: photo,
            ticket: upload.ticket(),
            labels: labels.clone(),
        }));
        if let Some(pane) = self.panes.get_mut(place) {
            pane.labelled = Some(Labelled {
                of,
                photo,
                upload,
                labels,
                result,
                texture: None,
            });
            pane.failed = None;
        }
    }

    /// Runs the cheapest of what is missing, and then goes on with the models that are to be opened.
    fn run_next(&mut self, photo: &OpenPhoto, ctx: &Ctx) {
        let (state, models) = (ctx.state, &ctx.state.library.models);
        let busy = state.jobs.running.is_some() || models.is_loading() || state.desk.opening.is_some();
        let answers = self.comparisons.are_waiting() || self.reading.is_some();
        if busy || answers || state.desk.incoming.is_some() || self.paused || !state.shows_wanted() {
            return;
        }
        let missing = self.panes.iter().filter_map(|pane| {
            let of = wanted_of(&pane.content, photo, ctx)?;
            match of {
                Of::Run(ref key) if !pane.is_settled(&of) => Some((expected_operations(key, photo, ctx)?, key.clone())),
                _ => None,
            }
        });
        match missing.min_by(|(a, _), (b, _)| a.total_cmp(b)) {
            Some((_, key)) => ctx.send(Action::Run(photo.clone(), key)),
            None if models.has_next() => ctx.send(Action::OpenNextModel),
            None => {}
        }
    }

    /// A run has ended: the panes that wait for it show it, also when results are not kept.
    pub(super) fn show_run(&mut self, result: &Segmented, key: &ResultKey, ctx: &Ctx) {
        if ctx.document().is_none_or(|d| d.photo.id != result.photo.id) {
            return;
        }
        let of = Of::Run(key.clone());
        for place in 0..self.panes.len() {
            let wanted = wanted_of(&self.panes[place].content, &result.photo, ctx);
            if wanted.as_ref() == Some(&of) && !self.panes[place].has(&of) {
                self.show_in_pane(place, of.clone(), Labelling::from(result), Some(result.clone()), ctx);
            }
        }
    }

    /// A run has failed: the panes that wait for it say so.
    pub(super) fn note_failure(&mut self, key: &ResultKey, message: &str, ctx: &Ctx) {
        let Some(photo) = ctx.document().map(|document| &document.photo) else {
            return;
        };
        let of = Of::Run(key.clone());
        for pane in &mut self.panes {
            if wanted_of(&pane.content, photo, ctx).as_ref() == Some(&of) {
                pane.failed = Some((of.clone(), message.to_owned()));
            }
        }
    }

    /// A label map has been read, or cannot be.
    pub(super) fn take_labels(&mut self, ticket: &Ticket, labels: Result<Labelling, String>, ctx: &Ctx) {
        let Some((_, id, read)) = self.reading.take_if(|(asked, ..)| asked.is(ticket)) else {
            return;
        };
        let (Some(photo), Some(place)) = (
            ctx.document().map(|document| &document.photo),
            self.panes.iter().position(|pane| pane.id == id),
        ) else {
            return;
        };
        let wanted = wanted_of(&self.panes[place].content, photo, ctx);
        // Else it is of the picture before, and the right one is read next.
        let Some(of) = wanted.filter(|of| *of == read) else {
            return;
        };
        match labels {
            Ok(labels) => self.show_in_pane(place, of, labels, None, ctx),
            Err(message) => self.panes[place].failed = Some((of, message)),
        }
    }

    /// Labels of a pane, or where they differ, are on the GPU.
    pub(super) fn take_texture(&mut self, ticket: &Ticket, texture: &Arc<GpuLabels>) {
        let labelled = self.panes.iter_mut().filter_map(|pane| pane.labelled.as_mut());
        for labelled in labelled.filter(|labelled| labelled.upload.is(ticket)) {
            labelled.texture = Some(texture.clone());
        }
        self.set_differing_texture(ticket, texture);
    }

    /// What is said of a pane that shows no labels.
    pub(super) fn pane_state(&self, pane: &Pane, photo: &OpenPhoto, ctx: &Ctx) -> PaneState {
        let of = wanted_of(&pane.content, photo, ctx);
        let (models, running) = (&ctx.state.library.models, &ctx.state.jobs.running);
        match (&pane.content, of) {
            (Content::Photo, _) => PaneState::Ready,
            (Content::Labels(_), None) => PaneState::Missing,
            (Content::Model { source, .. }, None) if models.is_coming(source) => PaneState::Opening,
            (Content::Model { .. }, None) => PaneState::Closed,
            (_, Some(of)) if pane.has(&of) => PaneState::Ready,
            (_, Some(of)) => match (pane.failure(&of), &of, running) {
                (Some(why), ..) => PaneState::Failed(why.to_owned()),
                (None, Of::Run(key), Some(running)) if running.key == *key => {
                    PaneState::Running(running.progress.map_or(0.0, |progress| progress.fraction))
                }
                (None, Of::Run(_), _) if self.paused => PaneState::Paused,
                (None, Of::Run(_), _) => PaneState::Waiting,
                (None, Of::File(..), _) => PaneState::Opening,
            },
        }
    }
}

/// Operations of a run that has not been, nearly: every pass is taken to be as large as the plain one.
fn expected_operations(key: &ResultKey, photo: &OpenPhoto, ctx: &Ctx) -> Option<f64> {
    let model = ctx.state.library.models.with_id(key.model)?;
    let settings = &key.settings;
    let passes = settings.scales.len() * if settings.flip { 2 } else { 1 };
    let windows = settings.plain().windows(&photo.photo) * passes;
    Some(model.spec.operations(key.output, [settings.window; 2]) * windows as f64)
}

/// How far a pane is.
pub(super) enum PaneState {
    Ready,
    /// The model, or the file, is being read.
    Opening,
    /// No label map is known of this picture.
    Missing,
    /// The model is not open.
    Closed,
    Waiting,
    /// A person has stopped the runs.
    Paused,
    /// Share that is done, 0..=1.
    Running(f32),
    Failed(String),
}
