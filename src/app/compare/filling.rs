//! Getting the labels of every pane: kept ones at once, files read, and one run after another, the cheapest first.

use std::sync::Arc;

use super::pane::{Content, Labelled, Of, Pane};
use crate::app::App;
use crate::app::gpu::GpuLabels;
use crate::app::results::ResultKey;
use crate::app::test_settings::TestSettings;
use crate::app::workspace::Workspace;
use crate::engine::{Job, Labelling, LabelsJob, ModelSource, OpenPhoto, Output, Segmented};

impl App {
    /// What the labels of a pane have to belong to; nothing for the bare photo and while its model is not open.
    pub(super) fn wanted_of(&self, content: &Content, photo: &OpenPhoto) -> Option<Of> {
        match content {
            Content::Photo => None,
            Content::Labels(file) => Some(Of::File(file.path_for(&photo.source)?, photo.id)),
            Content::Model {
                source,
                decoder,
                multi_scale,
            } => {
                let model = self.model_from(source)?;
                let chosen = TestSettings {
                    several_scales: *multi_scale,
                    mirrored: *multi_scale,
                    ..self.test_settings_of(model)
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

    /// Gets what the panes miss.
    pub(in crate::app) fn update_compare(&mut self) {
        if self.workspace != Workspace::Compare {
            return;
        }
        let Some(photo) = self.document.as_ref().map(|document| document.photo.clone()) else {
            return;
        };
        for place in 0..self.compare.panes.len() {
            let pane = &self.compare.panes[place];
            let of = self.wanted_of(&pane.content, &photo);
            // Labels of another photo would be drawn over this one.
            let pane = &mut self.compare.panes[place];
            pane.labelled.take_if(|labelled| labelled.photo != photo.id);
            match of {
                Some(of) if !pane.is_settled(&of) => self.fill(place, of, &photo),
                Some(_) => {}
                // As when the model is being read again.
                None => pane.labelled = None,
            }
        }
        self.stop_unwanted_run(&photo);
        // Before the next run, behind which it would wait.
        self.update_comparisons();
        self.run_next(&photo);
    }

    /// Stops a run that no pane waits for, as when its pane was taken out.
    fn stop_unwanted_run(&mut self, photo: &OpenPhoto) {
        let Some(running) = &self.running else { return };
        let of = Of::Run(running.key.clone());
        let wants = |pane: &Pane| self.wanted_of(&pane.content, photo).as_ref() == Some(&of);
        if !self.compare.panes.iter().any(wants) {
            self.cancel();
        }
    }

    /// Takes out the panes of a model that is about to be closed: else its runs would be asked for again.
    pub(in crate::app) fn drop_panes_of(&mut self, model: &ModelSource) {
        while let Some(place) = self.compare.panes.iter().position(|pane| pane.is_of(model)) {
            self.compare.remove(place);
        }
    }

    /// Fills a pane from what is kept, or has its file read.
    fn fill(&mut self, place: usize, of: Of, photo: &OpenPhoto) {
        match &of {
            Of::Run(key) => {
                let kept = self.results.get(key).cloned();
                if let Some(result) = kept.filter(|result| result.photo.id == photo.id) {
                    self.show_in_pane(place, of, Labelling::from(&result), Some(result));
                }
            }
            Of::File(path, _) if self.compare.reading.is_none() => {
                self.compare.requests += 1;
                let number = self.compare.requests;
                let reader = match &self.compare.panes[place].content {
                    Content::Labels(file) => file.truth.clone(),
                    Content::Photo | Content::Model { .. } => None,
                };
                let job = LabelsJob {
                    reader,
                    number,
                    path: path.clone(),
                    size: [photo.photo.width, photo.photo.height],
                };
                if self.send(Job::ReadLabels(job)) {
                    self.compare.reading = Some((number, self.compare.panes[place].id, of));
                }
            }
            Of::File(..) => {}
        }
    }

    /// Gives labels to a pane, and to the GPU.
    fn show_in_pane(&mut self, place: usize, of: Of, labels: Labelling, mut result: Option<Segmented>) {
        let Some(photo) = self.document.as_ref().map(|document| document.photo.id) else {
            return;
        };
        if let Some(result) = &mut result {
            result.model = self.named(&result.model);
        }
        self.versions += 1;
        let version = self.versions;
        self.uploader.labels(photo, version, labels.clone());
        if let Some(pane) = self.compare.panes.get_mut(place) {
            pane.labelled = Some(Labelled {
                of,
                photo,
                version,
                labels,
                result,
                texture: None,
            });
            pane.failed = None;
        }
    }

    /// Runs the cheapest of what is missing, and then goes on with the models that are to be opened.
    fn run_next(&mut self, photo: &OpenPhoto) {
        let busy = self.running.is_some() || self.models.is_loading() || self.opening.is_some();
        let answers = self.compare.comparisons.are_waiting() || self.compare.reading.is_some();
        if busy || answers || self.incoming.is_some() || self.compare.paused || !self.shows_wanted() {
            return;
        }
        let missing = self.compare.panes.iter().filter_map(|pane| {
            let of = self.wanted_of(&pane.content, photo)?;
            match of {
                Of::Run(ref key) if !pane.is_settled(&of) => Some((self.expected_operations(key, photo)?, key.clone())),
                _ => None,
            }
        });
        match missing.min_by(|(a, _), (b, _)| a.total_cmp(b)) {
            Some((_, key)) => self.run(photo.clone(), key),
            None => self.open_next_model(),
        }
    }

    /// Operations of a run that has not been, nearly: every pass is taken to be as large as the plain one.
    fn expected_operations(&self, key: &ResultKey, photo: &OpenPhoto) -> Option<f64> {
        let model = self.model_with(key.model)?;
        let settings = &key.settings;
        let side = settings.window.div_ceil(model.spec.encoder.patch);
        let passes = settings.scales.len() * if settings.flip { 2 } else { 1 };
        let windows = settings.plain().windows(&photo.photo) * passes;
        Some(model.spec.operations(key.output, [side; 2]) * windows as f64)
    }

    /// A run has ended: the panes that wait for it show it, also when results are not kept.
    pub(in crate::app) fn show_run_in_panes(&mut self, result: &Segmented, key: &ResultKey) {
        let is_shown = self.document.as_ref().is_some_and(|d| d.photo.id == result.photo.id);
        if self.workspace != Workspace::Compare || !is_shown {
            return;
        }
        let of = Of::Run(key.clone());
        for place in 0..self.compare.panes.len() {
            let wanted = self.wanted_of(&self.compare.panes[place].content, &result.photo);
            if wanted.as_ref() == Some(&of) && !self.compare.panes[place].has(&of) {
                self.show_in_pane(place, of.clone(), Labelling::from(result), Some(result.clone()));
            }
        }
    }

    /// A run has failed: the panes that wait for it say so.
    pub(in crate::app) fn note_failure_in_panes(&mut self, key: &ResultKey, message: &str) {
        let Some(photo) = self.document.as_ref().map(|document| document.photo.clone()) else {
            return;
        };
        let of = Of::Run(key.clone());
        for place in 0..self.compare.panes.len() {
            if self.wanted_of(&self.compare.panes[place].content, &photo).as_ref() == Some(&of) {
                self.compare.panes[place].failed = Some((of.clone(), message.to_owned()));
            }
        }
    }

    /// A label map has been read, or cannot be.
    pub(in crate::app) fn take_labels(&mut self, number: u64, labels: Result<Labelling, String>) {
        let Some((_, id, read)) = self.compare.reading.take_if(|(request, ..)| *request == number) else {
            return;
        };
        let document = self.document.as_ref().filter(|_| self.workspace == Workspace::Compare);
        let Some(photo) = document.map(|document| document.photo.clone()) else {
            return;
        };
        let Some(place) = self.compare.panes.iter().position(|pane| pane.id == id) else {
            return;
        };
        let wanted = self.wanted_of(&self.compare.panes[place].content, &photo);
        // Else it is of the picture before, and the right one is read next.
        let Some(of) = wanted.filter(|of| *of == read) else {
            return;
        };
        match labels {
            Ok(labels) => self.show_in_pane(place, of, labels, None),
            Err(message) => self.compare.panes[place].failed = Some((of, message)),
        }
    }

    /// Labels of a pane, or where they differ, are on the GPU.
    pub(in crate::app) fn take_pane_texture(&mut self, version: u64, texture: &Arc<GpuLabels>) {
        let labelled = self.compare.panes.iter_mut().filter_map(|pane| pane.labelled.as_mut());
        for labelled in labelled.filter(|labelled| labelled.version == version) {
            labelled.texture = Some(texture.clone());
        }
        self.compare.set_differing_texture(version, texture);
    }

    /// What is said of a pane that shows no labels.
    pub(super) fn pane_state(&self, pane: &Pane, photo: &OpenPhoto) -> PaneState {
        let of = self.wanted_of(&pane.content, photo);
        match (&pane.content, of) {
            (Content::Photo, _) => PaneState::Ready,
            (Content::Labels(_), None) => PaneState::Missing,
            (Content::Model { source, .. }, None) if self.models.is_coming(source) => PaneState::Opening,
            (Content::Model { .. }, None) => PaneState::Closed,
            (_, Some(of)) if pane.has(&of) => PaneState::Ready,
            (_, Some(of)) => match (pane.failure(&of), &of, &self.running) {
                (Some(why), ..) => PaneState::Failed(why.to_owned()),
                (None, Of::Run(key), Some(running)) if running.key == *key => {
                    PaneState::Running(running.progress.map_or(0.0, |progress| progress.fraction))
                }
                (None, Of::Run(_), _) if self.compare.paused => PaneState::Paused,
                (None, Of::Run(_), _) => PaneState::Waiting,
                (None, Of::File(..), _) => PaneState::Opening,
            },
        }
    }
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
