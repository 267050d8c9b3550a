//! Runs the program with arguments and checks files, output and exit codes.

mod attention;
mod compare;
mod confusion;
#[cfg(target_os = "linux")]
mod ending;
mod evaluate;
#[cfg(target_os = "linux")]
mod killed;
mod labels;
mod model_files;
mod models;
mod others;
mod precision;
mod program;
mod same_scores;
mod segment;
mod segment_folders;
#[cfg(target_os = "linux")]
mod signals;
#[cfg(target_os = "linux")]
mod streams;
mod teach;
mod train;
