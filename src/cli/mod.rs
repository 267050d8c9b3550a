//! The command line: the same work without a window.

mod bench;
mod devices;
mod model_files;
mod segment;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::{self, Start};
use crate::engine::DeviceChoice;

/// See what a segmentation transformer sees.
#[derive(Debug, Parser)]
#[command(name = "segscope", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Pictures to open in the window; a sample without any
    pictures: Vec<PathBuf>,
    /// Model for the window: a published folder, a .pth or a bundle
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    model: Option<PathBuf>,
    /// Where the window computes
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceChoice,
    #[command(subcommand)]
    command: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    Segment(segment::Segment),
    Devices(devices::Devices),
    Info(model_files::Info),
    Convert(model_files::Convert),
    Bench(bench::Bench),
}

/// Runs the program with the process's arguments: 0 is success, 1 partial failure, 2 a wrong call or a wrong file.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let success = |()| ExitCode::SUCCESS;
    let done = match arguments.command {
        Some(Action::Segment(segment)) => segment.run(),
        Some(Action::Devices(devices)) => devices.run().map(success),
        Some(Action::Info(info)) => info.run().map(success),
        Some(Action::Convert(convert)) => convert.run().map(success),
        Some(Action::Bench(bench)) => bench.run().map(success),
        None => {
            let Arguments {
                pictures,
                model,
                device,
                ..
            } = arguments;
            app::run(Start {
                pictures,
                model,
                device,
            })
            .map(success)
            .map_err(Into::into)
        }
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("segscope: {}", described(&error));
            ExitCode::from(2)
        }
    }
}

/// An error with its causes, without those that its own sentence already names.
fn described(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
