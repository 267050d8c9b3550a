//! The program from outside: arguments in; files, text and exit codes out.

#[path = "../bundles/mod.rs"]
mod bundles;
mod compare;
mod evaluate;
mod inside;
mod model_files;
mod models;
mod others;
mod program;
mod same_scores;
mod segment;
#[cfg(target_os = "linux")]
mod signals;
#[cfg(target_os = "linux")]
mod streams;
mod train;
