//! Whether the answer to a request is still wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request whose answer is still wanted. Dropping it withdraws the request: what has not begun never begins, and what
/// runs stops at its next block.
#[derive(Debug)]
pub struct Asked {
    ticket: Ticket,
}

/// What travels with a request and comes back with every answer to it. Copies of it are equal, and no others.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Shared by all copies, so that each can tell, and so that their address tells them from others.
    withdrawn: Arc<AtomicBool>,
}

impl Asked {
    /// A request that has not been made before.
    pub fn new() -> Self {
        let withdrawn = Arc::default();
        Self {
            ticket: Ticket { withdrawn },
        }
    }

    /// What goes along with the request; where several jobs serve one purpose, all of them take it.
    pub fn ticket(&self) -> Ticket {
        self.ticket.clone()
    }

    /// Whether an answer with this ticket is one to this request.
    pub fn is(&self, ticket: &Ticket) -> bool {
        self.ticket == *ticket
    }

    /// Withdraws the request; its answers are known as before, such as that it was stopped.
    pub fn cancel(&self) {
        // No other memory depends on it, so there is nothing to order.
        self.ticket.withdrawn.store(true, Ordering::Relaxed);
    }
}

impl Default for Asked {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl Ticket {
    /// Whether somebody still waits for the answer.
    pub fn is_wanted(&self) -> bool {
        !self.withdrawn.load(Ordering::Relaxed)
    }
}

impl PartialEq for Ticket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.withdrawn, &other.withdrawn)
    }
}

impl Eq for Ticket {}

#[cfg(test)]
mod tests {
    use super::Asked;

    #[test]
    fn a_request_knows_its_own_answers_and_no_others() {
        let [one, other] = [Asked::new(), Asked::new()];
        let came_back = one.ticket().clone();
        assert!(one.is(&came_back) && !other.is(&came_back));
        assert!(came_back == one.ticket() && came_back != other.ticket());
    }

    #[test]
    fn dropping_a_request_withdraws_it_and_no_other() {
        let [one, other] = [Asked::new(), Asked::new()];
        let tickets = [one.ticket(), other.ticket()];
        drop(one);
        assert_eq!(tickets.each_ref().map(|ticket| ticket.is_wanted()), [false, true]);
    }

    #[test]
    fn answers_to_a_cancelled_request_are_known() {
        let asked = Asked::new();
        let ticket = asked.ticket();
        asked.cancel();
        assert!(!ticket.is_wanted() && asked.is(&ticket));
    }
}
