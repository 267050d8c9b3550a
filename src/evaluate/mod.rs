//! Scoring predictions over folders: which label map belongs to which picture, the scores, and how they are told.

mod pairs;
mod report;
mod scores;

pub use pairs::{Pair, PairError, pairs, pairs_of_list, truth_of};
pub use report::Evaluated;
pub use scores::{PictureScore, Scores};
