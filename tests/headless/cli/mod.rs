//! The program from outside: arguments in; files, text and exit codes out.

mod compare;
mod confusion;
#[cfg(target_os = "linux")]
mod ending;
mod evaluate;
mod inside;
#[cfg(target_os = "linux")]
mod killed;
mod model_files;
mod models;
mod others;
mod program;
mod same_scores;
mod segment;
mod segment_folders;
#[cfg(target_os = "linux")]
mod signals;
#[cfg(target_os = "linux")]
mod streams;
mod train;
