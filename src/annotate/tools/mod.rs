//! Tools: from what the user does to the pixels that it means. None of them writes.

mod borders;
mod brush;
mod cells;
mod clean;
mod fill;
mod polygon;
mod wand;
mod wire;

pub use borders::{Changes, MOST as MOST_REACH, grown, shrunk, smoothed};
pub use brush::{Brush, Tip};
pub use cells::Cells;
pub use clean::Specks;
pub use fill::{all_like, connected, holes, region};
pub use polygon::inside;
pub use wand::{Alike, PatchValues};
pub use wire::edge_path;
