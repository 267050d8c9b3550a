//! Stops all work when the window closes.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ticket::Ticket;

/// Whether the window is closed. If so, waiting jobs are dropped and running ones stop at the next block.
#[derive(Clone, Debug, Default)]
pub(super) struct Closing(Arc<AtomicBool>);

impl Closing {
    /// Stops all work permanently.
    pub(super) fn close(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether the answer to a request is still needed.
    pub(super) fn allows(&self, ticket: &Ticket) -> bool {
        ticket.is_wanted() && !self.is_closed()
    }

    /// As [`Closing::allows`], in the form that networks check between two blocks.
    pub(super) fn control(&self, ticket: &Ticket) -> ControlFlow<()> {
        match self.allows(ticket) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }
}
