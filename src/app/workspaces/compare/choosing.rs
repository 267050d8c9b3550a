//! Choosing panes: the first ones, and those that are added later.

use std::path::PathBuf;

use super::pane::{Content, LabelFile, Pane};
use super::{Compare, MAX_PANES, truth_reader};
use crate::app::action::Action;
use crate::app::workspaces::{Ctx, Workspace as _};
use crate::engine::{ModelInfo, ModelSource, Output};

impl Compare {
    /// Makes a pane for each open output if there are no panes yet.
    pub(super) fn begin(&mut self, ctx: &Ctx) {
        self.paused = false;
        if self.awaits_model(ctx) {
            return;
        }
        if self.panes.is_empty() && !self.restored && self.restore_panes(ctx) {
            (self.reference, self.other) = (0, 1);
            self.refer_to_labels();
        }
        if self.panes.is_empty() {
            let outputs = ctx.state.library.models.main_outputs();
            let outputs: Vec<Content> = outputs.map(|(model, output)| output_of(model, output, false)).collect();
            if outputs.len() < 2 {
                self.add(Content::Photo);
            }
            for content in outputs {
                self.add(content);
            }
            (self.reference, self.other) = (0, 1);
            self.refer_to_labels();
        }
        self.keep_two_apart();
    }

    /// Whether the panes of the last session wait for a model, which says what label maps mean.
    pub(super) fn awaits_model(&self, ctx: &Ctx) -> bool {
        let has_kept = !self.restored && !ctx.state.session.panes.is_empty();
        has_kept && ctx.state.library.models.used().is_none()
    }

    /// Adds panes for the embedded models of all patch sizes, the cheapest first, unless they have one already.
    ///
    /// If there are no panes yet, only these are compared.
    pub(super) fn add_patch_sizes(&mut self, ctx: &Ctx) {
        if self.panes.is_empty() && !self.restored {
            self.restore_panes(ctx);
        }
        let alone = self.panes.is_empty();
        let mut fit = true;
        for source in ModelSource::PATCH_SIZES {
            fit &= self.add(Content::Model {
                source,
                decoder: 0,
                multi_scale: false,
            });
        }
        if alone {
            (self.reference, self.other) = (0, 2);
        }
        if !fit {
            let text = format!("Up to {MAX_PANES} panes can be compared; remove some to add the other patch sizes");
            ctx.actions().info(text);
        }
        ctx.send(Action::Show(self.id()));
        self.refer_to_labels();
        let mut sources = ModelSource::PATCH_SIZES.to_vec();
        sources.retain(|source| self.panes.iter().any(|pane| pane.is_of(source)));
        ctx.send(Action::OpenModels(sources));
    }

    /// Adds a pane, or shows a message if there is no room. Returns whether it is there now.
    pub(super) fn add_or_say(&mut self, content: Content, ctx: &Ctx) -> bool {
        let added = self.add(content);
        if !added {
            let text = format!("There are {MAX_PANES} panes already; remove one first");
            ctx.actions().info(text);
        }
        added
    }

    /// Adds a label map of the shown image; ground truth replaces earlier ground truth.
    pub(super) fn add_labels(&mut self, path: PathBuf, truth: bool, ctx: &Ctx) {
        let Some(photo) = ctx.state.newest().map(|document| document.photo.source.clone()) else {
            return;
        };
        if self.panes.is_empty() && !ctx.is_open(self.id()) {
            // Otherwise the label map would be the only pane.
            self.begin(ctx);
        }
        ctx.send(Action::Show(self.id()));
        let used = ctx.state.library.models.used();
        let of_model = used.map(|model| &model.classes);
        let Some(classes) = self.classes().or(of_model).cloned() else {
            ctx.actions()
                .info("Open a model first; its classes define what the ids of a label map mean");
            return;
        };
        if truth && let Some(place) = self.panes.iter().position(Pane::is_truth) {
            self.remove(place);
        }
        let reader = truth_reader(used.map(|model| &**model), &classes, &ctx.state.truth);
        let file = LabelFile {
            path,
            photo,
            truth: truth.then_some(reader),
            classes,
        };
        if self.add_or_say(Content::Labels(file), ctx) && truth {
            // Once there is ground truth, everything is compared with it.
            if let Some(place) = self.panes.iter().position(Pane::is_truth) {
                self.refer_to(place);
            }
        }
    }

    /// Adds the outputs of a model that has just been opened while there is room, unless a pane waits for the model.
    pub(super) fn add_opened_model(&mut self, model: &ModelInfo, ctx: &Ctx) {
        // That pane determines which of the model's outputs is shown.
        if self.panes.iter().any(|pane| pane.is_of(&model.source)) {
            return;
        }
        let mut outputs = (0..model.spec.decoders.len()).map(|decoder| output_of(model, Output::main(decoder), false));
        if !outputs.all(|content| self.add(content)) {
            let text = format!("Up to {MAX_PANES} panes can be compared; remove some to add the other decoders");
            ctx.actions().info(text);
        }
        self.refer_to_labels();
    }
}

/// The content of a pane for an output.
pub(super) fn output_of(model: &ModelInfo, output: Output, multi_scale: bool) -> Content {
    Content::Model {
        source: model.source.clone(),
        decoder: output.decoder,
        multi_scale,
    }
}
