//! Attention traces of a pass, and everything that is computed from them: rows, rollout, distance, similarity.
//!
//! A trace contains the queries and keys of each block, not its attention, whose size grows with the square of the
//! number of tokens. A row of attention then takes a few thousand multiplications, fast enough to follow the mouse.

mod components;
mod head_statistics;
mod recorder;
mod rollout;
mod row;
mod similarity;
mod sinks;
mod softmax;
mod trace;

pub use components::plane_of;
pub use head_statistics::{HeadMeans, HeadStatistics, uniform_distance};
pub use recorder::Recorder;
pub use rollout::{Fusion, Rollout};
pub use row::{Direction, Rows};
pub use trace::{AttentionTrace, LayerId, NetworkPart, Token, TracedLayer};
