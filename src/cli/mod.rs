//! The command line: the same work without a window.

// The standard macros panic where a stream is closed or full; see `printing`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod attention;
mod bench;
mod calibration;
mod compare;
mod completions;
mod convert;
mod device_flags;
mod devices;
mod evaluate;
mod image_files;
mod info;
mod labels;
mod man;
mod model_flags;
mod models;
mod output_choice;
mod printing;
mod reading_ahead;
mod run_flags;
mod segment;
mod segment_batch;
mod segment_exchange;
mod stopping;
mod teach;
mod teach_bench;
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
use printing::err;

/// See what a segmentation transformer sees.
#[derive(Debug, Parser)]
#[command(name = "segscope", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Images to open in the window [default: a sample]
    #[arg(value_name = "IMAGE-or-FOLDER")]
    images: Vec<PathBuf>,
    /// Model for the window: a published folder, a .pth file or a bundle
    #[arg(long, value_name = "FILE-or-FOLDER")]
    model: Option<PathBuf>,
    /// Device for the window [default: as in the settings]
    #[arg(long, value_enum)]
    device: Option<DeviceChoice>,
    /// Write the times of every frame of the window to this file, for measurements
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
    Attention(attention::Attention),
    Rollout(attention::RolloutOf),
    Distance(attention::Distance),
    Compare(compare::Compare),
    Evaluate(evaluate::Evaluate),
    Labels(labels::Labels),
    Teach(Box<teach::Teach>),
    #[command(hide = true)]
    TeachBench(teach_bench::TeachBench),
    Train(Box<train::Train>),
    Bench(bench::Bench),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Runs the program with the process's arguments.
///
/// The exit code is 0 on success, 1 on partial failure, 2 on a wrong call or a wrong file, and 128 plus the signal's
/// number after a signal.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.command.as_ref().is_some_and(Action::is_inference) {
        do_without_huge_pages();
    }
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
        Some(Action::Labels(labels)) => labels.run(),
        Some(Action::Teach(teach)) => teach.run(),
        Some(Action::TeachBench(bench)) => bench.run().map(success),
        Some(Action::Train(train)) => train.run().map(success),
        Some(Action::Bench(bench)) => bench.run().map(success),
        Some(Action::Completions(completions)) => completions.run().map(success),
        Some(Action::Man(man)) => man.run().map(success),
        None => {
            let Arguments {
                images,
                model,
                device,
                frame_log,
                ..
            } = arguments;
            no_mistyped_command(&images).and_then(|()| {
                app::run(Start {
                    images,
                    model,
                    device,
                    store: Store::usual(),
                    images_folder: images_folder(),
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

/// An error with its causes, except those that its message already contains.
fn described(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Opens a model with its weights, from the key `weights` of its file if one is given.
fn open_model(path: &Path, weights: Option<&str>) -> Result<Checkpoint, CheckpointError> {
    checkpoint::open_with(path, weights, &mut |_| stopping::keep_going())
}

/// Opens an image for a run with this number of classes, whose result may be exported.
///
/// `say` prints a line: before decoding the memory that a large run needs, afterwards remarks about the file.
fn open_photo(
    path: &Path,
    opening: OpenOptions,
    what_for: (usize, Option<&Options>),
    say: &dyn Fn(&str),
) -> anyhow::Result<Photo> {
    open_needing(path, memory_need(path, what_for)?, opening, say)
}

/// The memory for segmenting an image into a number of classes and, with options, writing the result.
fn memory_need(path: &Path, (classes, export): (usize, Option<&Options>)) -> anyhow::Result<MemoryNeed> {
    Ok(MemoryNeed::of(&Header::read(path)?, classes, export))
}

/// As [`open_photo`], with the need of the image.
fn open_needing(path: &Path, need: MemoryNeed, opening: OpenOptions, say: &dyn Fn(&str)) -> anyhow::Result<Photo> {
    if let Some(word) = need.check(available_memory(), path)? {
        say(&word);
    }
    let photo = Photo::open_with(path, opening)?;
    for remark in &photo.remarks {
        let advice = match remark {
            PhotoRemark::FewBits { .. } => "; add --stretch to brighten it",
            _ => "",
        };
        say(&format!("note: {remark}{advice}: {}", path.display()));
    }
    Ok(photo)
}

/// The user's folder for images, or else the home folder, if the system names them.
fn images_folder() -> PathBuf {
    let folder = |dirs: directories::UserDirs| dirs.picture_dir().unwrap_or(dirs.home_dir()).to_owned();
    directories::UserDirs::new().map(folder).unwrap_or_default()
}

/// Rejects a word that is not a file, which is more likely a mistyped command than an image.
fn no_mistyped_command(paths: &[PathBuf]) -> anyhow::Result<()> {
    let is_word = |path: &&PathBuf| !path.exists() && path.extension().is_none() && path.components().count() == 1;
    match paths.iter().find(is_word) {
        Some(word) => anyhow::bail!(
            "expected a command or an image, found neither; see segscope --help: {}",
            word.display()
        ),
        None => Ok(()),
    }
}

/// The named model, or else the embedded one.
fn source_of(model: Option<&PathBuf>) -> ModelSource {
    model.cloned().map_or(ModelSource::Embedded, ModelSource::Path)
}

/// Writes text to a temporary file beside the path and renames it; `-` is standard output.
fn write_text(path: &Path, text: &str) -> anyhow::Result<()> {
    StagedFile::replace(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// The given images, with folders replaced by the images in them.
fn expanded(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            all.extend(folder_images(path)?);
        } else {
            all.push(path.clone());
        }
    }
    Ok(all)
}

/// The images in a folder, at least one.
fn folder_images(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let found = photo::images_in(folder).with_context(|| format!("cannot list the folder {}", folder.display()))?;
    anyhow::ensure!(
        !found.is_empty(),
        "expected images in the folder, found none: {}",
        folder.display()
    );
    Ok(found)
}

impl Action {
    /// Whether it runs networks and trains none.
    fn is_inference(&self) -> bool {
        match self {
            Self::Segment(_) | Self::Attention(_) | Self::Rollout(_) | Self::Distance(_) => true,
            Self::Compare(_) | Self::Evaluate(_) | Self::Teach(_) | Self::TeachBench(_) => true,
            Self::Bench(bench) => !bench.is_training(),
            _ => false,
        }
    }
}

/// Asks the system for small pages: with huge ones the allocator's unused parts take a third of the memory of a small
/// network, and inference is no faster. Training, which allocates more, is faster with them, so the window keeps them.
fn do_without_huge_pages() {
    #[cfg(target_os = "linux")]
    if let Err(why) = rustix::thread::disable_transparent_huge_pages(true) {
        log::debug!("huge pages stay in use: {why}");
    }
}
