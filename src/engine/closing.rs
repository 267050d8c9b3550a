//! The end of the window, which ends all work.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ticket::Ticket;

/// Whether the window is gone: jobs that still wait are dropped then, and what runs stops at its next block.
#[derive(Clone, Debug, Default)]
pub(super) struct Closing(Arc<AtomicBool>);

impl Closing {
    /// Stops everything for good.
    pub(super) fn close(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether work for a request is still worth while.
    pub(super) fn allows(&self, ticket: &Ticket) -> bool {
        ticket.is_wanted() && !self.is_closed()
    }

    /// The same, as networks ask it between two blocks.
    pub(super) fn control(&self, ticket: &Ticket) -> ControlFlow<()> {
        match self.allows(ticket) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }
}
