//! The command line: the same work without a window.

// They panic where the other end is closed or full; see `said`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod compare;
mod convert;
mod devices;
mod evaluate;
mod gathered;
mod info;
mod inside;
mod model_flags;
mod models;
mod output_choice;
mod run_flags;
mod said;
mod segment;
mod segment_batch;
mod stopping;
mod train;
mod train_flags;
mod training_progress;
mod truth_flags;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::app::{self, Start, Store};
use crate::checkpoint::{self, Checkpoint, CheckpointError};
use crate::export::Options;
use crate::photo::{self, Header, OpenOptions, Photo, PhotoRemark};
use crate::runtime::{DeviceChoice, MemoryNeed, ModelSource, available_memory};
use crate::staged_file::StagedFile;
use said::err;

/// See what a segmentation transformer sees.
#[derive(Debug, Parser)]
#[command(name = "segscope", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Pictures to open in the window; a sample without any
    pictures: Vec<PathBuf>,
    /// Model for the window: a published folder, a .pth or a bundle
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    model: Option<PathBuf>,
    /// Where the window computes [default: as in the settings]
    #[arg(long, value_enum)]
    device: Option<DeviceChoice>,
    /// Write the times of every frame of the window to this file, for measuring
    #[arg(long, value_name = "FILE", hide = true)]
    frame_log: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    Segment(segment::Segment),
    Devices(devices::Devices),
    Info(info::Info),
    Convert(convert::Convert),
    Models(models::Models),
    Attention(inside::Attention),
    Rollout(inside::RolloutOf),
    Distance(inside::Distance),
    Compare(compare::Compare),
    Evaluate(evaluate::Evaluate),
    Train(Box<train::Train>),
    Bench(bench::Bench),
}

/// Runs the program with the process's arguments: 0 is success, 1 partial failure, 2 a wrong call or a wrong file, and
/// 128 and a signal's number where that has ended it.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let success = |()| ExitCode::SUCCESS;
    let done = match arguments.command {
        Some(Action::Segment(segment)) => segment.run(),
        Some(Action::Devices(devices)) => devices.run().map(success),
        Some(Action::Info(info)) => info.run().map(success),
        Some(Action::Convert(convert)) => convert.run().map(success),
        Some(Action::Models(models)) => models.run().map(success),
        Some(Action::Attention(attention)) => attention.run().map(success),
        Some(Action::Rollout(rollout)) => rollout.run().map(success),
        Some(Action::Distance(distance)) => distance.run(),
        Some(Action::Compare(compare)) => compare.run().map(success),
        Some(Action::Evaluate(evaluate)) => evaluate.run().map(success),
        Some(Action::Train(train)) => train.run().map(success),
        Some(Action::Bench(bench)) => bench.run().map(success),
        None => {
            let Arguments {
                pictures,
                model,
                device,
                frame_log,
                ..
            } = arguments;
            no_mistyped_command(&pictures).and_then(|()| {
                app::run(Start {
                    pictures,
                    model,
                    device,
                    store: Store::usual(),
                    pictures_folder: pictures_folder(),
                    frame_log,
                })?;
                Ok(ExitCode::SUCCESS)
            })
        }
    };
    let code = done.unwrap_or_else(|error| {
        if !stopping::is_why(&error) {
            err!("segscope: {}", described(&error));
        }
        ExitCode::from(2)
    });
    stopping::exit_code().unwrap_or(code)
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

/// Opens a model to the end, with the weights under this key of its file where one is given.
fn open_model(path: &Path, weights: Option<&str>) -> Result<Checkpoint, CheckpointError> {
    checkpoint::open_with(path, weights, &mut |_| stopping::go_on())
}

/// Opens a picture for a run of so many classes, which may be exported. What it takes is said before it is decoded, and
/// what there is to say about the file afterwards; `say` prints a line.
fn open_photo(
    path: &Path,
    opening: OpenOptions,
    (classes, export): (usize, Option<&Options>),
    say: &dyn Fn(&str),
) -> anyhow::Result<Photo> {
    let need = MemoryNeed::of(&Header::read(path)?, classes, export);
    if let Some(word) = need.check(available_memory(), path)? {
        say(&word);
    }
    let photo = Photo::open_with(path, opening)?;
    for remark in &photo.remarks {
        let advice = match remark {
            PhotoRemark::FewBits { .. } => "; --stretch makes it bright",
            _ => "",
        };
        say(&format!("note: {remark}{advice}: {}", path.display()));
    }
    Ok(photo)
}

/// Where a person keeps pictures, as far as the system tells.
fn pictures_folder() -> PathBuf {
    let folder = |dirs: directories::UserDirs| dirs.picture_dir().unwrap_or(dirs.home_dir()).to_owned();
    directories::UserDirs::new().map(folder).unwrap_or_default()
}

/// A word that is no file is more likely a mistyped command than a picture.
fn no_mistyped_command(paths: &[PathBuf]) -> anyhow::Result<()> {
    let is_word = |path: &&PathBuf| !path.exists() && path.extension().is_none() && path.components().count() == 1;
    match paths.iter().find(is_word) {
        Some(word) => anyhow::bail!(
            "expected a command or a picture, found neither; see segscope --help: {}",
            word.display()
        ),
        None => Ok(()),
    }
}

/// The model that was named; the embedded one without any.
fn source_of(model: Option<&PathBuf>) -> ModelSource {
    model.cloned().map_or(ModelSource::Embedded, ModelSource::Path)
}

/// Writes a text beside its place, then renames it; `-` is standard output.
fn write_text(path: &Path, text: &str) -> anyhow::Result<()> {
    StagedFile::replace(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// The pictures given, folders replaced by what is in them.
fn expanded(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            all.extend(folder_pictures(path)?);
        } else {
            all.push(path.clone());
        }
    }
    Ok(all)
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
