//! Whose turn it is: windows of the harness run side by side, a real one runs alone.
//!
//! Focus and mouse belong to the whole display, and what a real window shows is waited for with a deadline: with other
//! networks running beside it, that would tell how busy the machine is.

use std::cell::RefCell;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static MACHINE: RwLock<()> = RwLock::new(());

thread_local! {
    /// The share that the test on this thread has.
    static SHARE: RefCell<Option<RwLockReadGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Takes a share until the test ends, which is when its thread does.
pub fn share() {
    SHARE.with_borrow_mut(|share| {
        // A test that failed leaves nothing behind that could harm the next one.
        share.get_or_insert_with(|| MACHINE.read().unwrap_or_else(PoisonError::into_inner));
    });
}

/// Waits until nothing else runs.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    // With one thread for all tests, the share of the test before is still there.
    SHARE.take();
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}
