//! The command line: the same work without a window.

mod bench;
mod devices;
mod model_files;
mod segment;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::app::{self, Start};
use crate::engine::DeviceChoice;
use crate::photo;

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
            shown(pictures).and_then(|pictures| {
                app::run(Start {
                    pictures,
                    model,
                    device,
                })?;
                Ok(ExitCode::SUCCESS)
            })
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

/// The pictures for the window: folders replaced by what is in them.
fn shown(paths: Vec<PathBuf>) -> anyhow::Result<Vec<PathBuf>> {
    let mut pictures = Vec::new();
    for path in paths {
        if path.is_dir() {
            pictures.extend(folder_pictures(&path)?);
        } else if !path.exists() && path.extension().is_none() && path.components().count() == 1 {
            // More likely a mistyped command than a picture.
            anyhow::bail!(
                "expected a command or a picture, found neither; see segscope --help: {}",
                path.display()
            );
        } else {
            pictures.push(path);
        }
    }
    Ok(pictures)
}

/// The pictures in a folder, at least one.
fn folder_pictures(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let found = photo::pictures_in(folder).with_context(|| format!("cannot list the folder {}", folder.display()))?;
    anyhow::ensure!(
        !found.is_empty(),
        "expected pictures in the folder, found none: {}",
        folder.display()
    );
    Ok(found)
}
