//! The view with its past: undone and redone.

use std::time::Duration;

use egui::Context;
use egui::util::undoer::Undoer;

use super::ViewState;

/// How soon a change that is not a step yet is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(400);

/// What a person has chosen to see, and what was chosen before.
pub(in crate::app) struct View {
    now: ViewState,
    undoer: Undoer<ViewState>,
}

impl std::ops::Deref for View {
    type Target = ViewState;

    fn deref(&self) -> &ViewState {
        &self.now
    }
}

impl View {
    /// Without a past.
    pub(in crate::app) fn of(view: ViewState) -> Self {
        Self {
            now: view,
            undoer: Undoer::default(),
        }
    }

    /// Replaces it. `step` says that this is a step of its own, as a click is; what is dragged becomes one when it has
    /// been still for a while.
    pub(in crate::app) fn set(&mut self, view: ViewState, step: bool) {
        if view != self.now {
            if step {
                self.undoer.add_undo(&self.now);
            }
            self.now = view;
        }
    }

    /// Changes it, as a step of its own, also when the next one follows within a second.
    pub(in crate::app) fn change(&mut self, change: impl FnOnce(&mut ViewState)) {
        self.undoer.add_undo(&self.now);
        change(&mut self.now);
    }

    /// Lets time pass: a change becomes a step when the view has been still for a second.
    pub(in crate::app) fn settle(&mut self, context: &Context) {
        self.undoer.feed_state(context.input(|i| i.time), &self.now);
        if self.undoer.is_in_flux() {
            context.request_repaint_after(LOOK_AGAIN);
        }
    }

    pub(in crate::app) fn can_undo(&self) -> bool {
        self.undoer.has_undo(&self.now)
    }

    pub(in crate::app) fn can_redo(&self) -> bool {
        self.undoer.has_redo(&self.now)
    }

    pub(in crate::app) fn undo(&mut self) {
        if let Some(view) = self.undoer.undo(&self.now) {
            self.now = view.clone();
        }
    }

    pub(in crate::app) fn redo(&mut self) {
        if let Some(view) = self.undoer.redo(&self.now) {
            self.now = view.clone();
        }
    }
}
