//! How a thread makes the window look.

/// Called after each answer or event, so that the window looks.
pub type Wake = Box<dyn Fn() + Send>;
