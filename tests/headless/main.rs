//! Everything that needs no window, in one binary: each one that links burn and wgpu takes long to link.
//!
//! Tests run side by side on the threads of one process. What is about the process as a whole, such as the memory that
//! it takes, is tested in a process of its own (`alone`).

mod alone;
#[path = "../shared/bundles.rs"]
mod bundles;
mod cli;
mod engine;
mod export;
mod files;
mod parity;
mod real_input;
#[path = "../shared/repository.rs"]
mod repository;
mod rooms;
mod thoroughness;
mod training;
