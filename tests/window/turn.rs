//! Scheduling of the window tests: windows of the harness run concurrently, a real window runs alone.
//!
//! Keyboard focus and mouse belong to the whole display, and tests of a real window have deadlines, which they could
//! miss while other networks run.

use std::cell::RefCell;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static MACHINE: RwLock<()> = RwLock::new(());

thread_local! {
    /// The share held by the test on this thread.
    static SHARE: RefCell<Option<RwLockReadGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Takes a share until the test and its thread end.
pub fn share() {
    SHARE.with_borrow_mut(|share| {
        // A failed test leaves no state that could affect the next one.
        share.get_or_insert_with(|| MACHINE.read().unwrap_or_else(PoisonError::into_inner));
    });
}

/// Waits until no other test uses a window.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    // If all tests run on one thread, the share of the previous test is still held.
    SHARE.take();
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}
