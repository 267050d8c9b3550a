//! All tests that need no window, in one binary, because each binary with burn and wgpu takes long to link.
//!
//! Tests run concurrently on the threads of one process. Tests of the process as a whole, such as of its memory use,
//! run in a separate process (`alone`).

mod alone;
mod annotate;
#[path = "../shared/bundles.rs"]
mod bundles;
mod cli;
mod engine;
mod export;
mod files;
mod parity;
mod readme;
mod real_input;
#[path = "../shared/repository.rs"]
mod repository;
mod rooms;
mod thoroughness;
mod training;
mod words;
