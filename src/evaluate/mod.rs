//! Scores of predictions over folders, and their reports.

mod csv;
mod report;
mod scores;

pub(crate) use csv::field as csv_field;
pub use report::Evaluated;
pub use scores::{ImageScore, Scores};
