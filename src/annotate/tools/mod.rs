//! Tools: from what the user does to the pixels that it means. None of them writes.

mod brush;
mod clean;
mod fill;
mod polygon;

pub use brush::{Brush, Tip};
pub use clean::Specks;
pub use fill::{all_like, connected, holes, region};
pub use polygon::inside;
