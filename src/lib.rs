//! See what a segmentation transformer sees.
//!
//! The library behind the program `segscope`: Vision Transformers that segment photos, the files they come from, and
//! the window and command line around them. `ARCHITECTURE.md` says what each room does and which others it may use.

// Not in the manifest's lint table, because that also covers tests.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

pub mod annotate;
pub mod app;
pub mod attention;
pub mod catalogue;
pub mod checkpoint;
pub mod cli;
pub mod datasets;
pub mod engine;
pub mod evaluate;
pub mod export;
pub mod interchange;
pub mod labels;
pub mod model;
mod numeric;
pub mod photo;
pub mod runtime;
pub mod segment;
mod staged_file;
pub mod teach;
pub mod train;
