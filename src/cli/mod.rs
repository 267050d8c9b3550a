//! The command line: the same work without a window.

mod bench;
mod model_files;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// See what a segmentation transformer sees.
#[derive(Debug, Parser)]
#[command(name = "segscope", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Pictures to open in the window
    pictures: Vec<PathBuf>,
    #[command(subcommand)]
    command: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    Info(model_files::Info),
    Convert(model_files::Convert),
    Bench(bench::Bench),
}

/// Runs the program with the process's arguments: 0 is success, 1 partial failure, 2 a wrong call or a wrong file.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(Action::Info(info)) => info.run(),
        Some(Action::Convert(convert)) => convert.run(),
        Some(Action::Bench(bench)) => bench.run(),
        None => Ok(()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("segscope: {error:#}");
            ExitCode::from(2)
        }
    }
}
