//! The worker's side of the event channel.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::job::Event;
use super::wake::Wake;

/// Events that may wait for the window. What is out of date soon is dropped beyond half of this, nothing else is.
pub(super) const MOST_EVENTS: usize = 256;

/// The window is woken for progress at most this often: drawing it more often would only take time from the network,
/// most of all where a processor does both.
const PROGRESS_PERIOD: Duration = Duration::from_millis(100);

/// A run that is shorter shows no progress.
const QUIET_START: Duration = Duration::from_millis(250);

/// Where events go.
pub(super) struct Outbox {
    events: Sender<Event>,
    wake: Wake,
    /// Until then the window is not woken for progress.
    quiet_until: Cell<Instant>,
}

impl Outbox {
    pub(super) fn new(events: Sender<Event>, wake: Wake) -> Self {
        Self {
            events,
            wake,
            quiet_until: Cell::new(Instant::now()),
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
        let now = Instant::now();
        if self.try_tell(event) && now >= self.quiet_until.get() {
            self.quiet_until.set(now + PROGRESS_PERIOD);
            (self.wake)();
        }
    }

    /// A run begins: the window knows, and is left alone while it may be over before a bar could be seen.
    pub(super) fn begin_run(&self) {
        self.quiet_until.set(Instant::now() + QUIET_START);
    }

    fn try_tell(&self, event: Event) -> bool {
        self.events.len() < MOST_EVENTS / 2 && self.events.try_send(event).is_ok()
    }
}
