//! See what a segmentation transformer sees.
pub mod app;
pub mod checkpoint;
pub mod cli;
pub mod engine;
pub mod export;
pub mod labels;
pub mod model;
mod numeric;
pub mod photo;
pub mod segment;
