//! The view state with undo and redo.

use std::time::Duration;

use egui::Context;
use egui::util::undoer::Undoer;

use super::ViewState;

/// Time until the next check whether a change has become an undo step.
const LOOK_AGAIN: Duration = Duration::from_millis(400);

/// The current view state and the earlier ones.
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
    /// A view state without earlier ones.
    pub(in crate::app) fn of(view: ViewState) -> Self {
        Self {
            now: view,
            undoer: Undoer::default(),
        }
    }

    /// Replaces the view state. With `step` this is an undo step, as for a click; a drag becomes one when the view has
    /// been unchanged for a while.
    pub(in crate::app) fn set(&mut self, view: ViewState, step: bool) {
        if view != self.now {
            if step {
                self.undoer.add_undo(&self.now);
            }
            self.now = view;
        }
    }

    /// Changes the view state as one undo step, even if the next change follows within a second.
    pub(in crate::app) fn change(&mut self, change: impl FnOnce(&mut ViewState)) {
        self.undoer.add_undo(&self.now);
        change(&mut self.now);
    }

    /// Advances time: a change becomes an undo step when the view has been unchanged for a second.
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

    /// What undo would take back, such as "hide road".
    pub(in crate::app) fn undo_name(&self) -> Option<String> {
        let before = self.undoer.clone().undo(&self.now)?.clone();
        self.now.change_since(&before)
    }

    /// What redo would do again.
    pub(in crate::app) fn redo_name(&self) -> Option<String> {
        let after = self.undoer.clone().redo(&self.now)?.clone();
        after.change_since(&self.now)
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
