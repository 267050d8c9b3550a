//! What a pass kept for looking inside, and everything that is read from it: rows, rollout, distance, similarity.
//!
//! A pass keeps each block's queries and keys, not its attention, which would grow with the square of the tokens. A row
//! of attention is then a few thousand multiplications: it follows the mouse.

mod components;
mod head_statistics;
mod kept;
mod recorder;
mod rollout;
mod row;
mod similarity;
mod softmax;

pub use components::plane_of;
pub use head_statistics::{HeadMeans, HeadStatistics, uniform_distance};
pub use kept::{Inside, Layer, Part, Place, Token};
pub use recorder::Recorder;
pub use rollout::{Fusion, Rollout};
pub use row::{Direction, Rows};
