//! What the window sets and the worker looks at between two blocks of a network.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Wishes to stop, shared by the window and the worker.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// The newest generation that was asked for; a run with a smaller one stops.
    wanted: AtomicU64,
    /// The newest load of a model that was asked for; one with a smaller number stops.
    wanted_load: AtomicU64,
    /// The newest look inside that was asked for; one with a smaller number stops.
    wanted_look: AtomicU64,
    wanted_measure: AtomicU64,
    /// Set when the window is gone: jobs that still wait are dropped.
    closing: AtomicBool,
    /// Batches with a smaller number stop.
    batches_from: AtomicU64,
}

impl Signals {
    /// A new generation; every older one is stale from now on.
    pub(super) fn next_generation(&self) -> u64 {
        self.wanted.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn is_stale(&self, generation: u64) -> bool {
        self.wanted.load(Ordering::Relaxed) != generation
    }

    /// A new number for loading a model; every older load is stale from now on.
    pub(super) fn next_load(&self) -> u64 {
        self.wanted_load.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn is_load_stale(&self, number: u64) -> bool {
        self.wanted_load.load(Ordering::Relaxed) != number
    }

    /// A new number for looking inside; every older look is stale from now on.
    pub(super) fn next_look(&self) -> u64 {
        self.wanted_look.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A new number for measuring heads; every older measurement is stale from now on.
    pub(super) fn next_measure(&self) -> u64 {
        self.wanted_measure.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn is_measure_stale(&self, number: u64) -> bool {
        self.wanted_measure.load(Ordering::Relaxed) != number
    }

    pub(super) fn is_look_stale(&self, number: u64) -> bool {
        self.wanted_look.load(Ordering::Relaxed) != number
    }

    /// Stops everything for good.
    pub(super) fn close(&self) {
        self.next_look();
        self.next_measure();
        self.next_generation();
        self.next_load();
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Stops the batch with this number and all before it.
    pub(super) fn cancel_batches_to(&self, number: u64) {
        self.batches_from.fetch_max(number.saturating_add(1), Ordering::Relaxed);
    }

    pub(super) fn is_batch_cancelled(&self, number: u64) -> bool {
        number < self.batches_from.load(Ordering::Relaxed)
    }
}
