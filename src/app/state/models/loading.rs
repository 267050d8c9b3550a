//! Opening a model: requesting it, its progress, and cancelling it.

use std::sync::Arc;

use crate::app::chrome::Toast;
use crate::app::state::AppState;
use crate::app::workspaces::News;
use crate::engine::{Asked, Job, ModelInfo, ModelSource, Output, Ticket};

/// A model that is being opened.
pub(in crate::app) struct Loading {
    asked: Asked,
    pub(super) source: ModelSource,
    pub(in crate::app) name: String,
    /// Completed fraction, 0..=1.
    pub(in crate::app) fraction: f32,
    /// Whether it is for panes of a comparison: then it does not become the model in use.
    for_panes: bool,
}

impl AppState {
    /// Opens a model, in place of one that is being opened. The model in use stays until the new one is open.
    pub(in crate::app) fn open_model(&mut self, source: ModelSource) {
        self.library.models.next.clear();
        self.load_model(source, false);
    }

    pub(super) fn load_model(&mut self, source: ModelSource, for_panes: bool) {
        self.cancel();
        let asked = Asked::new();
        self.actions.job(Job::LoadModel {
            ticket: asked.ticket(),
            source: source.clone(),
        });
        self.library.models.loading = Some(Loading {
            asked,
            name: source.name(),
            source,
            fraction: 0.0,
            for_panes,
        });
    }

    /// Stops opening a model, and resumes with the one in use.
    pub(in crate::app) fn cancel_loading(&mut self) {
        self.library.models.next.clear();
        if let Some(loading) = self.library.models.loading.take() {
            self.actions.info(format!("Cancelled opening {}", loading.name));
            self.resume();
        }
    }

    /// The model of the session, or else the embedded one.
    pub(in crate::app) fn session_model(&self) -> ModelSource {
        self.session
            .model
            .clone()
            .map_or(ModelSource::Embedded, ModelSource::Path)
    }

    /// Opens the model of the session.
    pub(in crate::app) fn open_session_model(&mut self) {
        self.open_model(self.session_model());
    }

    pub(in crate::app) fn take_model_progress(&mut self, ticket: &Ticket, fraction: f32) {
        if let Some(loading) = self
            .library
            .models
            .loading
            .as_mut()
            .filter(|loading| loading.asked.is(ticket))
        {
            loading.fraction = fraction;
        }
    }

    /// Takes an open model and uses it, unless another one has been requested since or only panes wait for it.
    pub(in crate::app) fn take_model(&mut self, ticket: &Ticket, model: Arc<ModelInfo>) {
        if let ModelSource::Path(path) = &model.source {
            self.session.remember_model(path);
        }
        let Some(loading) = self.library.models.loading.take_if(|loading| loading.asked.is(ticket)) else {
            return;
        };
        if let Some(note) = remarks_note(&model) {
            self.actions.toast(note);
        }
        if loading.for_panes && self.library.models.used.is_some() {
            if self.workspace.shows_output {
                // Opening the model had stopped the run.
                self.resume();
            }
            return;
        }
        let output = self.first_output(&model);
        self.actions.tell(News::ModelOpened(model.clone()));
        self.use_output(model, output);
    }

    /// The first output of a model to show: the one that was last in use, in this session or the previous one.
    fn first_output(&self, model: &ModelInfo) -> Output {
        if self
            .library
            .models
            .used
            .as_ref()
            .is_some_and(|used| used.id == model.id)
        {
            return self.library.models.output;
        }
        if let Some(output) = self.library.models.before.get(&model.id) {
            return *output;
        }
        let kept = self
            .session
            .decoder
            .as_ref()
            .filter(|_| self.session_model() == model.source);
        let place = kept.and_then(|key| model.spec.decoders.iter().position(|decoder| decoder.key == *key));
        place.map_or_else(Output::default, Output::main)
    }

    /// Takes the failure to open a model.
    pub(in crate::app) fn take_model_failure(&mut self, ticket: &Ticket, message: String) {
        self.actions.error(message);
        self.end_loading(ticket);
    }

    /// Ends the opening of a model that has failed or been stopped.
    pub(in crate::app) fn end_loading(&mut self, ticket: &Ticket) {
        if self
            .library
            .models
            .loading
            .take_if(|loading| loading.asked.is(ticket))
            .is_some()
        {
            self.resume();
        }
    }
}

/// A message with the remarks about what was assumed or left out when a model was opened.
fn remarks_note(model: &ModelInfo) -> Option<Toast> {
    let name = model.source.name();
    match model.remarks.as_slice() {
        [] => None,
        [remark] => Some(Toast::info(format!("{name}: {remark}"))),
        many => {
            let text = format!("{name}: {} remarks about how it was opened", many.len());
            Some(Toast::info(text).with_details(many.join("\n")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::remarks_note;
    use crate::app::chrome::Severity;
    use crate::app::state::testing::model;
    use crate::model::DecoderKind;

    #[test]
    fn all_remarks_of_a_model_are_one_message() {
        let note = |remarks: &[&str]| {
            let mut open = model(1, "/models/a.pth", &[DecoderKind::Linear]);
            Arc::make_mut(&mut open.info).remarks = remarks.iter().map(|remark| (*remark).to_owned()).collect();
            let note = remarks_note(&open.info)?;
            assert_eq!(note.severity, Severity::Info);
            Some(note.full_text())
        };
        assert_eq!(note(&[]), None);
        assert_eq!(note(&["guessed"]).as_deref(), Some("a.pth: guessed"));
        let both = note(&["first", "second"]).expect("a message");
        assert!(both.starts_with("a.pth: 2 remarks"), "{both}");
        assert!(both.contains("first") && both.contains("second"), "{both}");
    }
}
