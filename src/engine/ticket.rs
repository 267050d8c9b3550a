//! Tickets, which identify requests and show whether their answers are still wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request whose answer is still wanted.
///
/// Dropping it withdraws the request: work that has not started is skipped, and running work stops at the next block.
#[derive(Debug)]
pub struct Asked {
    ticket: Ticket,
}

/// Identifies a request. It is sent with the request and returned with every answer; only its clones are equal to it.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Whether the request is withdrawn. All clones share it, and its address distinguishes them from other tickets.
    withdrawn: Arc<AtomicBool>,
}

impl Asked {
    /// Creates a new request.
    pub fn new() -> Self {
        let withdrawn = Arc::default();
        Self {
            ticket: Ticket { withdrawn },
        }
    }

    /// The ticket to send with the request; several jobs for one purpose share it.
    pub fn ticket(&self) -> Ticket {
        self.ticket.clone()
    }

    /// Whether an answer with this ticket belongs to this request.
    pub fn is(&self, ticket: &Ticket) -> bool {
        self.ticket == *ticket
    }

    /// Withdraws the request. Later answers, such as that it was stopped, are still recognised.
    pub fn cancel(&self) {
        // No other memory depends on this flag, so no ordering is needed.
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
    /// Whether the answer is still wanted.
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
    fn request_recognises_only_its_own_answers() {
        let [one, other] = [Asked::new(), Asked::new()];
        let came_back = one.ticket().clone();
        assert!(one.is(&came_back) && !other.is(&came_back));
        assert!(came_back == one.ticket() && came_back != other.ticket());
    }

    #[test]
    fn dropping_a_request_withdraws_only_that_request() {
        let [one, other] = [Asked::new(), Asked::new()];
        let tickets = [one.ticket(), other.ticket()];
        drop(one);
        assert_eq!(tickets.each_ref().map(|ticket| ticket.is_wanted()), [false, true]);
    }

    #[test]
    fn answers_to_a_cancelled_request_are_recognised() {
        let asked = Asked::new();
        let ticket = asked.ticket();
        asked.cancel();
        assert!(!ticket.is_wanted() && asked.is(&ticket));
    }
}
