//! Filling panes with labels: from cached results, from files, and from one run after another, the cheapest first.

use std::sync::Arc;

use super::Compare;
use super::pane::{Content, Labelled, LabelsKey, Pane};
use crate::app::action::{Action, Request};
use crate::app::gpu::{GpuLabels, Upload};
use crate::app::state::{InferenceSettings, ResultKey};
use crate::app::workspaces::Ctx;
use crate::engine::{Asked, Job, LabelLayer, LabelsJob, ModelSource, OpenImage, Output, Segmented, Ticket};

/// The key of the labels that a pane needs; `None` for the bare image, or while its label map or model is missing.
pub(super) fn wanted_of(content: &Content, photo: &OpenImage, ctx: &Ctx) -> Option<LabelsKey> {
    match content {
        Content::Photo => None,
        Content::Labels(file) => Some(LabelsKey::File(file.path_for(&photo.source)?, photo.id)),
        Content::Model {
            source,
            decoder,
            multi_scale,
        } => {
            let model = ctx.state.library.models.of_source(source)?;
            let chosen = InferenceSettings {
                several_scales: *multi_scale,
                mirrored: *multi_scale,
                ..ctx.state.inference_settings_of(model)
            };
            Some(LabelsKey::Run(ResultKey {
                source: photo.source.clone(),
                model: model.id,
                output: Output::main(*decoder),
                settings: chosen.settings(model),
            }))
        }
    }
}

impl Compare {
    /// Requests the labels that are missing in the panes.
    pub(super) fn fill_panes(&mut self, ctx: &Ctx) {
        let Some(photo) = ctx.document().map(|document| document.photo.clone()) else {
            return self.free();
        };
        for place in 0..self.panes.len() {
            let of = wanted_of(&self.panes[place].content, &photo, ctx);
            // Labels of another image would be drawn over this one.
            let pane = &mut self.panes[place];
            pane.labelled.take_if(|labelled| labelled.photo != photo.id);
            match of {
                Some(of) if !pane.is_settled(&of) => self.fill(place, of, &photo, ctx),
                Some(_) => {}
                // For example, while the model is being read again.
                None => pane.labelled = None,
            }
        }
        self.stop_unwanted_run(&photo, ctx);
        // Before the next run, which would delay the comparison.
        self.update_comparisons(ctx);
        self.run_next(&photo, ctx);
    }

    /// Stops a run that no pane waits for, for example because its pane was removed.
    fn stop_unwanted_run(&self, photo: &OpenImage, ctx: &Ctx) {
        let Some(running) = &ctx.state.jobs.running else { return };
        let of = LabelsKey::Run(running.key.clone());
        let wants = |pane: &Pane| wanted_of(&pane.content, photo, ctx).as_ref() == Some(&of);
        if !self.panes.iter().any(wants) {
            ctx.send(Action::StopRun);
        }
    }

    /// Removes the panes of a model that is being closed; otherwise its runs would be requested again.
    pub(super) fn drop_panes_of(&mut self, model: &ModelSource) {
        while let Some(place) = self.panes.iter().position(|pane| pane.is_of(model)) {
            self.remove(place);
        }
    }

    /// Fills a pane from a cached result, or requests that its file is read.
    fn fill(&mut self, place: usize, of: LabelsKey, photo: &OpenImage, ctx: &Ctx) {
        match &of {
            LabelsKey::Run(key) => {
                let kept = ctx.state.library.results.peek(key).cloned();
                if let Some(result) = kept.filter(|result| result.photo.id == photo.id) {
                    ctx.send(Action::Touch(key.clone()));
                    self.show_in_pane(place, of, LabelLayer::from(&result), Some(result), ctx);
                }
            }
            LabelsKey::File(path, _) if self.reading.is_none() => {
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
            LabelsKey::File(..) => {}
        }
    }

    /// Shows labels in a pane, and uploads them to the GPU.
    fn show_in_pane(
        &mut self,
        place: usize,
        of: LabelsKey,
        labels: LabelLayer,
        mut result: Option<Segmented>,
        ctx: &Ctx,
    ) {
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

    /// Starts the cheapest missing run; if no run is missing, opens the next model.
    fn run_next(&mut self, photo: &OpenImage, ctx: &Ctx) {
        let (state, models) = (ctx.state, &ctx.state.library.models);
        let busy = state.jobs.running.is_some() || models.is_loading() || state.canvas_content.opening.is_some();
        let answers = self.comparisons.are_waiting() || self.reading.is_some();
        if busy || answers || state.canvas_content.incoming.is_some() || self.paused || !state.shows_wanted() {
            return;
        }
        let missing = self.panes.iter().filter_map(|pane| {
            let of = wanted_of(&pane.content, photo, ctx)?;
            match of {
                LabelsKey::Run(ref key) if !pane.is_settled(&of) => {
                    Some((expected_operations(key, photo, ctx)?, key.clone()))
                }
                _ => None,
            }
        });
        match missing.min_by(|(a, _), (b, _)| a.total_cmp(b)) {
            Some((_, key)) => ctx.send(Action::Run(photo.clone(), key)),
            None if models.has_next() => ctx.send(Action::OpenNextModel),
            None => {}
        }
    }

    /// Shows a finished run in the panes that wait for it, even if results are not cached.
    pub(super) fn show_run(&mut self, result: &Segmented, key: &ResultKey, ctx: &Ctx) {
        if ctx.document().is_none_or(|d| d.photo.id != result.photo.id) {
            return;
        }
        let of = LabelsKey::Run(key.clone());
        for place in 0..self.panes.len() {
            let wanted = wanted_of(&self.panes[place].content, &result.photo, ctx);
            if wanted.as_ref() == Some(&of) && !self.panes[place].has(&of) {
                self.show_in_pane(place, of.clone(), LabelLayer::from(result), Some(result.clone()), ctx);
            }
        }
    }

    /// Shows a failed run in the panes that wait for it.
    pub(super) fn note_failure(&mut self, key: &ResultKey, message: &str, ctx: &Ctx) {
        let Some(photo) = ctx.document().map(|document| &document.photo) else {
            return;
        };
        let of = LabelsKey::Run(key.clone());
        for pane in &mut self.panes {
            if wanted_of(&pane.content, photo, ctx).as_ref() == Some(&of) {
                pane.failed = Some((of.clone(), message.to_owned()));
            }
        }
    }

    /// Shows a label map that was read, or why it cannot be read.
    pub(super) fn take_labels(&mut self, ticket: &Ticket, labels: Result<LabelLayer, String>, ctx: &Ctx) {
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
        // Otherwise it belongs to the previous image, and the right one is read next.
        let Some(of) = wanted.filter(|of| *of == read) else {
            return;
        };
        match labels {
            Ok(labels) => self.show_in_pane(place, of, labels, None, ctx),
            Err(message) => self.panes[place].failed = Some((of, message)),
        }
    }

    /// Stores a texture that was uploaded: the labels of a pane, or where they differ.
    pub(super) fn take_texture(&mut self, ticket: &Ticket, texture: &Arc<GpuLabels>) {
        let labelled = self.panes.iter_mut().filter_map(|pane| pane.labelled.as_mut());
        for labelled in labelled.filter(|labelled| labelled.upload.is(ticket)) {
            labelled.texture = Some(texture.clone());
        }
        self.set_differing_texture(ticket, texture);
    }

    /// The state of a pane's labels.
    pub(super) fn pane_state(&self, pane: &Pane, photo: &OpenImage, ctx: &Ctx) -> PaneState {
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
                (None, LabelsKey::Run(key), Some(running)) if running.key == *key => {
                    PaneState::Running(running.progress.map_or(0.0, |progress| progress.fraction))
                }
                (None, LabelsKey::Run(_), _) if self.paused => PaneState::Paused,
                (None, LabelsKey::Run(_), _) => PaneState::Waiting,
                (None, LabelsKey::File(..), _) => PaneState::Opening,
            },
        }
    }
}

/// Estimated operations of a run; every pass is assumed to be as large as the plain one.
fn expected_operations(key: &ResultKey, photo: &OpenImage, ctx: &Ctx) -> Option<f64> {
    let model = ctx.state.library.models.with_id(key.model)?;
    let settings = &key.settings;
    let passes = settings.scales.len() * if settings.flip { 2 } else { 1 };
    let windows = settings.plain().windows(&photo.photo) * passes;
    Some(model.spec.operations(key.output, [settings.window; 2]) * windows as f64)
}

/// The state of a pane's labels.
pub(super) enum PaneState {
    Ready,
    /// The model, or the file, is being read.
    Opening,
    /// No label map of this image is known.
    Missing,
    /// The model is not open.
    Closed,
    Waiting,
    /// The user has stopped the runs.
    Paused,
    /// The share that is done, 0..=1.
    Running(f32),
    Failed(String),
}
