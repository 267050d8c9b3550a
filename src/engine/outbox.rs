//! The worker's side of the event channel.

use crossbeam_channel::Sender;

use super::job::Event;

/// Called after each event, so that the window looks.
pub type Wake = Box<dyn Fn() + Send>;

/// Events that may wait for the window. What is out of date soon is dropped beyond half of this, nothing else is.
pub(super) const MOST_EVENTS: usize = 256;

/// Where events go.
pub(super) struct Outbox {
    events: Sender<Event>,
    wake: Wake,
}

impl Outbox {
    pub(super) fn new(events: Sender<Event>, wake: Wake) -> Self {
        Self { events, wake }
    }

    /// Says something that must not get lost: waits while the window is behind.
    pub(super) fn tell(&self, event: Event) {
        // A window that is gone needs no answer.
        self.events.send(event).ok();
        (self.wake)();
    }

    /// Says something that the next event of its kind replaces: drops it while the window is behind.
    pub(super) fn tell_if_room(&self, event: Event) {
        if self.events.len() < MOST_EVENTS / 2 && self.events.try_send(event).is_ok() {
            (self.wake)();
        }
    }
}
