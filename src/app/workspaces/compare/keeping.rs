//! Panes are kept between starts.

use super::pane::{Content, LabelFile};
use super::{Compare, truth_reader};
use crate::app::action::Action;
use crate::app::settings::{PaneKind, SavedPane};
use crate::app::workspaces::Ctx;
use crate::engine::{ImageSource, ModelSource};

impl Compare {
    /// Stores the panes in the session when they have changed.
    pub(super) fn keep_panes(&self, ctx: &Ctx) {
        let shown = self.panes.iter().map(|pane| saved(&pane.content));
        let panes: Vec<SavedPane> = shown.chain(self.missing.iter().cloned()).collect();
        if self.restored && !panes.is_empty() && panes != ctx.state.session.panes {
            ctx.send(Action::KeepPanes(panes));
        }
    }

    /// Adds the panes of the last session, and opens their models. Returns whether there were any.
    pub(super) fn restore_panes(&mut self, ctx: &Ctx) -> bool {
        self.restored = true;
        let mut contents = Vec::new();
        for pane in &ctx.state.session.panes {
            match content(pane, ctx) {
                Some(content) => contents.push(content),
                None => self.missing.push(pane.clone()),
            }
        }
        for content in &contents {
            self.add(content.clone());
        }
        let models = &ctx.state.library.models;
        let mut missing: Vec<ModelSource> = Vec::new();
        for content in contents {
            if let Content::Model { source, .. } = content
                && models.of_source(&source).is_none()
                && !missing.contains(&source)
            {
                missing.push(source);
            }
        }
        if !missing.is_empty() {
            ctx.send(Action::OpenModels(missing));
        }
        !self.panes.is_empty()
    }
}

fn saved(content: &Content) -> SavedPane {
    match content {
        Content::Photo => SavedPane::default(),
        Content::Model {
            source,
            decoder,
            multi_scale,
        } => {
            let (patch, weights) = match source {
                ModelSource::EmbeddedWithPatch(patch) => (Some(*patch), None),
                ModelSource::Weights(_, weights) => (None, Some(weights.clone())),
                ModelSource::Embedded | ModelSource::Path(_) => (None, None),
            };
            SavedPane {
                kind: PaneKind::Model,
                path: source.path().map(std::path::Path::to_owned),
                patch,
                weights,
                decoder: *decoder,
                multi_scale: *multi_scale,
                ..SavedPane::default()
            }
        }
        Content::Labels(file) => SavedPane {
            kind: match file.truth.is_some() {
                true => PaneKind::Truth,
                false => PaneKind::Labels,
            },
            path: Some(file.path.clone()),
            image: file.photo.file().map(std::path::Path::to_owned),
            ..SavedPane::default()
        },
    }
}

/// The content of a kept pane; `None` if its file is gone, or for labels without a model that says what they mean.
fn content(pane: &SavedPane, ctx: &Ctx) -> Option<Content> {
    match pane.kind {
        PaneKind::Image => Some(Content::Photo),
        PaneKind::Model => {
            let source = match (&pane.path, &pane.weights, pane.patch) {
                (Some(path), _, _) if !path.exists() => return None,
                (Some(path), Some(weights), _) => ModelSource::Weights(path.clone(), weights.clone()),
                (Some(path), None, _) => ModelSource::Path(path.clone()),
                (None, _, Some(patch)) => ModelSource::PATCH_SIZES
                    .into_iter()
                    .find(|source| *source == ModelSource::EmbeddedWithPatch(patch))?,
                (None, _, None) => ModelSource::Embedded,
            };
            Some(Content::Model {
                source,
                decoder: pane.decoder,
                multi_scale: pane.multi_scale,
            })
        }
        PaneKind::Labels | PaneKind::Truth => {
            let path = pane.path.clone().filter(|path| path.exists())?;
            let model = ctx.state.library.models.used()?;
            let classes = model.classes.clone();
            let reader = truth_reader(Some(model), &classes, &ctx.state.truth);
            Some(Content::Labels(LabelFile {
                path,
                photo: pane.image.clone().map_or(ImageSource::Sample, ImageSource::Path),
                truth: (pane.kind == PaneKind::Truth).then_some(reader),
                classes,
            }))
        }
    }
}
