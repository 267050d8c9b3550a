//! The worker's side of the event channel.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::job::Event;

/// Called after each event, so that the window looks.
pub type Wake = Box<dyn Fn() + Send>;

/// Events that may wait for the window. What is out of date soon is dropped beyond half of this, nothing else is.
pub(super) const MOST_EVENTS: usize = 256;

/// The window is woken for progress at most this often: drawing it more often would only take time from the network,
/// most of all where a processor does both.
const PROGRESS_PERIOD: Duration = Duration::from_millis(100);

/// Where events go.
pub(super) struct Outbox {
    events: Sender<Event>,
    wake: Wake,
    /// When the window was last woken for progress.
    woken: Cell<Option<Instant>>,
}

impl Outbox {
    pub(super) fn new(events: Sender<Event>, wake: Wake) -> Self {
        Self {
            events,
            wake,
            woken: Cell::new(None),
        }
    }

    /// Says something that must not get lost: waits while the window is behind.
    pub(super) fn tell(&self, event: Event) {
        // A window that is gone needs no answer.
        self.events.send(event).ok();
        (self.wake)();
    }

    /// Says something that the next event of its kind replaces: drops it while the window is behind.
    pub(super) fn tell_if_room(&self, event: Event) {
        if self.try_tell(event) {
            (self.wake)();
        }
    }

    /// The same for progress, which comes often: the window looks at it a little later.
    pub(super) fn tell_progress(&self, event: Event) {
        if self.try_tell(event) && self.woken.get().is_none_or(|at| at.elapsed() >= PROGRESS_PERIOD) {
            self.woken.set(Some(Instant::now()));
            (self.wake)();
        }
    }

    fn try_tell(&self, event: Event) -> bool {
        self.events.len() < MOST_EVENTS / 2 && self.events.try_send(event).is_ok()
    }
}
