//! The worker's side of the event channel.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::job::Event;
use super::wake::Wake;

/// Maximum number of events that wait for the window. From half of this number on, events that soon become outdated are
/// dropped; all others are kept.
pub(super) const MAX_EVENTS: usize = 256;

/// Minimum time between two wake-ups for progress. Redrawing more often would take time from the network, especially if
/// the CPU does both.
const PROGRESS_PERIOD: Duration = Duration::from_millis(100);

/// A run shorter than this shows no progress.
const QUIET_START: Duration = Duration::from_millis(250);

/// Sends events to the window.
pub(super) struct Outbox {
    events: Sender<Event>,
    wake: Wake,
    /// Until this time, the window is not woken for progress.
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

    /// Sends an event that must not be lost: waits while the queue is full.
    pub(super) fn send(&self, event: Event) {
        // Fails only when the window is closed.
        self.events.send(event).ok();
        (self.wake)();
    }

    /// Sends an event that the next one of its kind replaces: drops it while the queue is half full. The window is woken
    /// all the same, because it has events to take.
    pub(super) fn send_if_room(&self, event: Event) {
        self.try_send(event);
        (self.wake)();
    }

    /// As [`Outbox::send_if_room`] for progress, which is frequent: the window is woken less often.
    pub(super) fn send_progress(&self, event: Event) {
        let now = Instant::now();
        self.try_send(event);
        // Also without room: a fast run fills the queue before the window is first woken.
        if now >= self.quiet_until.get() {
            self.quiet_until.set(now + PROGRESS_PERIOD);
            (self.wake)();
        }
    }

    /// Marks the start of a run: the window is not woken for progress until [`QUIET_START`] has passed.
    pub(super) fn begin_run(&self) {
        self.quiet_until.set(Instant::now() + QUIET_START);
    }

    fn try_send(&self, event: Event) {
        if self.events.len() < MAX_EVENTS / 2 {
            self.events.try_send(event).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crossbeam_channel::bounded;

    use super::*;
    use crate::engine::Asked;
    use crate::runtime::Progress;

    #[test]
    fn the_window_is_woken_for_progress_also_when_the_queue_is_half_full() {
        let (events, taken) = bounded(MAX_EVENTS);
        let woken = Arc::new(AtomicUsize::new(0));
        let count = woken.clone();
        let outbox = Outbox::new(
            events,
            Box::new(move || {
                count.fetch_add(1, Ordering::Relaxed);
            }),
        );
        let asked = Asked::new();
        let progress = || Event::Progress {
            ticket: asked.ticket(),
            progress: Progress {
                fraction: 0.5,
                remaining: None,
            },
        };
        outbox.begin_run();
        // As many as a fast run sends before the window is first woken.
        for _ in 0..MAX_EVENTS {
            outbox.send_progress(progress());
        }
        assert_eq!((woken.load(Ordering::Relaxed), taken.len()), (0, MAX_EVENTS / 2));
        outbox.quiet_until.set(Instant::now());
        outbox.send_progress(progress());
        assert_eq!(woken.load(Ordering::Relaxed), 1);
    }
}
