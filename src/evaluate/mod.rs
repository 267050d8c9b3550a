//! Scoring predictions over folders: the scores, and how they are told.

mod csv;
mod report;
mod scores;

pub(crate) use csv::field as csv_field;
pub use report::Evaluated;
pub use scores::{PictureScore, Scores};
