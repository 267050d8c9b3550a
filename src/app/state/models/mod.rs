//! The open models, and the output in use.

mod entries;
mod loading;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::{AppState, Document};
use crate::app::workspaces::News;
use crate::engine::{Job, ModelInfo, ModelSource, OpenModel, Output};
pub(in crate::app) use entries::{Group, OutputEntry, groups, model_name};
pub(in crate::app) use loading::Loading;

/// The open models and the output in use.
#[derive(Default)]
pub(in crate::app) struct Models {
    /// In the order in which they were first opened.
    open: Vec<OpenModel>,
    /// The model in use, with the class names that the user has chosen for it.
    used: Option<Arc<ModelInfo>>,
    /// The output of the model in use that is shown.
    output: Output,
    /// The last output in use of each model that was in use before, by the model's number.
    before: BTreeMap<u64, Output>,
    loading: Option<Loading>,
    /// Models to open for a comparison, one after another: the next one is opened when all panes of the open models are
    /// done.
    next: VecDeque<ModelSource>,
}

impl Models {
    /// The open models.
    pub(in crate::app) fn open(&self) -> &[OpenModel] {
        &self.open
    }

    /// The model in use.
    pub(in crate::app) fn used(&self) -> Option<&Arc<ModelInfo>> {
        self.used.as_ref()
    }

    /// The output of the model in use that is shown.
    pub(in crate::app) fn output(&self) -> Output {
        self.output
    }

    /// The model that is being opened.
    pub(in crate::app) fn loading(&self) -> Option<&Loading> {
        self.loading.as_ref()
    }

    /// Whether a model is being opened.
    pub(in crate::app) fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    /// Whether this model is being opened, or waits to be opened.
    pub(in crate::app) fn is_coming(&self, source: &ModelSource) -> bool {
        self.loading.as_ref().is_some_and(|loading| loading.source == *source) || self.next.contains(source)
    }

    /// Whether models wait to be opened for a comparison.
    pub(in crate::app) fn has_next(&self) -> bool {
        !self.next.is_empty()
    }

    /// Drops the models that wait to be opened for a comparison.
    pub(in crate::app) fn forget_next(&mut self) {
        self.next.clear();
    }

    /// The open model with this number.
    pub(in crate::app) fn with_id(&self, id: u64) -> Option<&Arc<ModelInfo>> {
        let open = self.open.iter().find(|open| open.info.id == id);
        open.map(|open| &open.info)
    }

    /// The open model that was read from `source`.
    pub(in crate::app) fn of_source(&self, source: &ModelSource) -> Option<&Arc<ModelInfo>> {
        let open = self.open.iter().find(|open| open.info.source == *source);
        open.map(|open| &open.info)
    }

    /// The name of an output, with its file if another open model has the same title.
    pub(in crate::app) fn output_name(&self, model: &ModelInfo, decoder: usize) -> String {
        entries::output_name(&self.open, model, decoder)
    }

    /// Every main output of every open model, in the order of the switch.
    pub(in crate::app) fn main_outputs(&self) -> impl Iterator<Item = (&Arc<ModelInfo>, Output)> {
        let decoders = |open: &OpenModel| open.info.spec.decoders.len();
        let of_model = move |open| (0..decoders(open)).map(move |decoder| (&open.info, Output::main(decoder)));
        self.open.iter().flat_map(of_model)
    }

    /// Title of the output in use, such as `SETR-PUP-L/16 layer 10`.
    pub(in crate::app) fn output_title(&self) -> Option<String> {
        Some(self.used.as_ref()?.output_title(self.output))
    }

    /// Whether this is the output in use.
    pub(in crate::app) fn uses_output(&self, model: u64, output: Output) -> bool {
        self.used.as_ref().is_some_and(|used| used.id == model) && self.output == output
    }

    /// Replaces the model in use by the same model with other class names.
    pub(super) fn rename(&mut self, model: Arc<ModelInfo>) {
        self.used = Some(model);
    }
}

impl AppState {
    /// Opens models for the panes of a comparison, one after another: the next one when the results of the previous one
    /// are shown. The output in use stays.
    pub(in crate::app) fn open_models_in_turn(&mut self, sources: impl IntoIterator<Item = ModelSource>) {
        let is_open = |source: &ModelSource| self.library.models.open.iter().any(|open| open.info.source == *source);
        let is_missing = |source: &ModelSource| !is_open(source) && !self.library.models.is_coming(source);
        let missing: Vec<ModelSource> = sources.into_iter().filter(is_missing).collect();
        self.library.models.next.extend(missing);
        if !self.library.models.is_loading() {
            self.open_next_model();
        }
    }

    /// Opens the next model that waits, if there is one.
    pub(in crate::app) fn open_next_model(&mut self) {
        if let Some(source) = self.library.models.next.pop_front() {
            self.load_model(source, true);
        }
    }

    /// Uses the output at this index of the output switch, if there is one.
    pub(in crate::app) fn choose_entry(&mut self, place: usize) {
        let entry = self.library.models.main_outputs().nth(place);
        if let Some((model, output)) = entry.map(|(model, output)| (model.clone(), output)) {
            self.choose_output(model, output);
        }
    }

    /// Uses another output.
    pub(in crate::app) fn choose_output(&mut self, model: Arc<ModelInfo>, output: Output) {
        if !self.library.models.uses_output(model.id, output) {
            self.use_output(model, output);
        }
    }

    /// Uses another model, with the output of it that was last in use.
    pub(in crate::app) fn choose_model(&mut self, model: Arc<ModelInfo>) {
        if self.library.models.used.as_ref().is_none_or(|used| used.id != model.id) {
            let output = self.library.models.before.get(&model.id).copied().unwrap_or_default();
            self.use_output(model, output);
        }
    }

    /// Makes an output the one in use. The current masks stay until the new result if the classes are the same.
    fn use_output(&mut self, model: Arc<ModelInfo>, output: Output) {
        if self.workspace.shows_output {
            // Otherwise the run belongs to the workspace and continues.
            self.cancel();
        }
        let model = self.named(&model);
        let classes_stay = self
            .library
            .models
            .used
            .as_ref()
            .is_some_and(|used| used.classes == model.classes);
        if let Some(before) = self.library.models.used.replace(model.clone()) {
            self.actions.tell(News::ModelChanged {
                before: before.classes.clone(),
                now: model.classes.clone(),
            });
            self.library.models.before.insert(before.id, self.library.models.output);
        }
        self.library.models.output = output;
        if !classes_stay {
            self.clear_results();
        }
        self.settle_states();
        self.recall_or_segment();
    }

    /// Removes masks with other classes from the canvas: they would be listed under wrong names.
    fn clear_results(&mut self) {
        self.documents().for_each(Document::clear_result);
    }

    /// Takes the list of open models. If the model in use has been closed, another one replaces it.
    pub(in crate::app) fn take_open_models(&mut self, open: Vec<OpenModel>) {
        self.library.models.open = open;
        let is_open = |id: u64| self.library.models.open.iter().any(|model| model.info.id == id);
        if self.library.models.used.as_ref().is_none_or(|used| is_open(used.id)) {
            return;
        }
        match self.library.models.open.last().map(|model| model.info.clone()) {
            Some(other) => self.choose_model(other),
            None => {
                self.cancel();
                self.library.models.used = None;
                self.clear_results();
                self.settle_states();
            }
        }
    }

    /// Closes a model.
    pub(in crate::app) fn close_model(&mut self, model: &ModelInfo) {
        let running = self.jobs.running.as_ref();
        if running.is_some_and(|running| running.key.model == model.id) {
            // Otherwise the model would stay in memory until its run has ended.
            self.cancel();
        }
        self.actions.tell(News::ModelClosing(model.source.clone()));
        self.actions.job(Job::CloseModel(model.id));
    }
}
