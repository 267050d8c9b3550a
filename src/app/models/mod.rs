//! The open models, and which output of which of them is in use.

mod entries;
mod loading;
mod menu;
mod switch;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::App;
use super::workspace::Workspace;
use crate::engine::{ModelInfo, ModelSource, OpenModel, Output};
use loading::Loading;
pub(super) use menu::about;

/// What the window knows of models beside the one in use.
#[derive(Default)]
pub(super) struct Models {
    /// In the order in which they were opened for the first time.
    open: Vec<OpenModel>,
    /// Which output of the model in use is shown.
    output: Output,
    /// Outputs that were in use before another model was, under the numbers of their models.
    before: BTreeMap<u64, Output>,
    loading: Option<Loading>,
    /// Models that are opened for a comparison, one after another: the next one when all panes have what is open.
    next: VecDeque<ModelSource>,
}

impl Models {
    /// Which output of the model in use is shown.
    pub(super) fn output(&self) -> Output {
        self.output
    }

    /// Whether this model has been asked for and has not come yet.
    pub(super) fn is_coming(&self, source: &ModelSource) -> bool {
        self.loading.as_ref().is_some_and(|loading| loading.source == *source) || self.next.contains(source)
    }

    /// Whether a model has been asked for and has not come yet.
    pub(super) fn is_loading(&self) -> bool {
        self.loading.is_some()
    }
}

impl App {
    /// Opens models for the panes of a comparison, one after another: the next one when what is shown of the one before
    /// is there. The output in use stays.
    pub(super) fn open_models_in_turn(&mut self, sources: impl IntoIterator<Item = ModelSource>) {
        let is_open = |source: &ModelSource| self.models.open.iter().any(|open| open.info.source == *source);
        let is_missing = |source: &ModelSource| !is_open(source) && !self.models.is_coming(source);
        let missing: Vec<ModelSource> = sources.into_iter().filter(is_missing).collect();
        self.models.next.extend(missing);
        if !self.models.is_loading() {
            self.open_next_model();
        }
    }

    /// The open model with this number.
    pub(super) fn model_with(&self, id: u64) -> Option<&Arc<ModelInfo>> {
        let open = self.models.open.iter().find(|open| open.info.id == id);
        open.map(|open| &open.info)
    }

    /// The open model that was read from `source`.
    pub(super) fn model_from(&self, source: &ModelSource) -> Option<&Arc<ModelInfo>> {
        let open = self.models.open.iter().find(|open| open.info.source == *source);
        open.map(|open| &open.info)
    }

    /// What an output is called, with its file where another open model is called the same.
    pub(super) fn output_name(&self, model: &ModelInfo, decoder: usize) -> String {
        entries::output_name(&self.models.open, model, decoder)
    }

    /// Leaves it at the models that have been run so far.
    pub(super) fn forget_next_models(&mut self) {
        self.models.next.clear();
    }

    /// Opens the next of the models that are run one after another, if there is one.
    pub(super) fn open_next_model(&mut self) {
        if let Some(source) = self.models.next.pop_front() {
            self.load_model(source, true);
        }
    }

    /// Every main output of every open model, in the order of the switch.
    pub(super) fn main_outputs(&self) -> impl Iterator<Item = (&Arc<ModelInfo>, Output)> {
        let decoders = |open: &OpenModel| open.info.spec.decoders.len();
        let of_model = move |open| (0..decoders(open)).map(move |decoder| (&open.info, Output::main(decoder)));
        self.models.open.iter().flat_map(of_model)
    }

    /// Title of the output in use, such as `SETR-PUP-L/16 layer 10`.
    pub(super) fn output_title(&self) -> Option<String> {
        let model = self.model.as_ref()?;
        Some(model.output_title(self.models.output))
    }

    /// Whether this is the output in use.
    pub(super) fn uses_output(&self, model: u64, output: Output) -> bool {
        self.model.as_ref().is_some_and(|used| used.id == model) && self.models.output == output
    }

    /// Chooses an entry of the switch, if there is one at this place.
    pub(super) fn choose_entry(&mut self, place: usize) {
        let entry = self
            .main_outputs()
            .nth(place)
            .map(|(model, output)| (model.clone(), output));
        if let Some((model, output)) = entry {
            self.choose_output(model, output);
        }
    }

    /// Shows what another output makes of the pictures.
    pub(super) fn choose_output(&mut self, model: Arc<ModelInfo>, output: Output) {
        if !self.uses_output(model.id, output) {
            self.use_output(model, output);
        }
    }

    /// Goes back to a model, to the output that was in use before.
    pub(super) fn choose_model(&mut self, model: Arc<ModelInfo>) {
        if self.model.as_ref().is_none_or(|used| used.id != model.id) {
            let output = self.models.before.get(&model.id).copied().unwrap_or_default();
            self.use_output(model, output);
        }
    }

    /// Uses an output from now on. Masks that have the same classes stay until those of the output come.
    fn use_output(&mut self, model: Arc<ModelInfo>, output: Output) {
        if self.workspace != Workspace::Compare {
            // Else it is the run of a pane, which goes on.
            self.cancel();
        }
        let model = self.named(&model);
        let classes_stay = self.model.as_ref().is_some_and(|used| used.classes == model.classes);
        if let Some(before) = self.model.replace(model.clone()) {
            self.attention.follow_classes(&before.classes, &model.classes);
            self.models.before.insert(before.id, self.models.output);
        }
        self.models.output = output;
        if !classes_stay {
            self.clear_results();
        }
        self.settle_states();
        self.recall_or_segment();
    }

    /// Takes the masks of other classes off the canvas: they would be listed under wrong names.
    fn clear_results(&mut self) {
        for document in self.incoming.iter_mut().chain(self.document.iter_mut()) {
            document.clear_result();
        }
    }

    /// Takes what is open now. When the model in use has been closed, another one takes its place.
    pub(super) fn take_open_models(&mut self, open: Vec<OpenModel>) {
        self.models.open = open;
        let is_open = |id: u64| self.models.open.iter().any(|model| model.info.id == id);
        if self.model.as_ref().is_none_or(|used| is_open(used.id)) {
            return;
        }
        match self.models.open.last().map(|model| model.info.clone()) {
            Some(other) => self.choose_model(other),
            None => {
                self.cancel();
                self.model = None;
                self.clear_results();
                self.settle_states();
            }
        }
    }
}
