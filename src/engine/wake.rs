//! The callback that wakes the window.

/// Called after each answer or event, so that the window polls.
pub type Wake = Box<dyn Fn() + Send>;
