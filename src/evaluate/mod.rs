//! Scoring predictions over folders: the scores, and how they are told.

mod report;
mod scores;

pub use report::Evaluated;
pub use scores::{PictureScore, Scores};
