//! The program from outside: arguments in; files, text and exit codes out.

mod compare;
mod evaluate;
mod inside;
mod model_files;
mod models;
mod others;
mod program;
mod segment;
mod train;
