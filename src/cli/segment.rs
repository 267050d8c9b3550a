//! `segscope segment`: photos and folders to label maps and masks.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::export::{self, Format};
use crate::runtime::{DeviceChoice, PhotoSource, Session};
use crate::segment::Timings;
use crate::staged_file::folder_of;

use super::gathered::{Gathered, gathered, gathered_below};
use super::model_flags::ModelFlags;
use super::output_choice::OutputChoice;
use super::run_flags::RunFlags;
use super::said::{self, err};
use super::segment_batch::{Batch, Done, Running};
use super::stopping;

/// Segment pictures and write label maps and masks
#[derive(Debug, clap::Args)]
pub(super) struct Segment {
    /// Pictures, and folders of pictures
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Go into the folders below folders, too; the output folder gets the same folders
    #[arg(long)]
    recursive: bool,
    /// Template for names of files without their ending [default: {name}]: {name} of the picture, {folder} that it lies in,
    /// {model}
    #[arg(long, value_name = "TEMPLATE")]
    name: Option<String>,
    #[command(flatten)]
    model: ModelFlags,
    #[command(flatten)]
    output: OutputChoice,
    /// Where to compute
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceChoice,
    /// What to write
    #[arg(long, value_enum, value_delimiter = ',', default_value = "labels,color,overlay")]
    formats: Vec<Format>,
    /// Put a legend beside the overlay
    #[arg(long)]
    legend: bool,
    /// How much of the class colours shows in the overlay, 0 to 1
    #[arg(long, default_value_t = 0.5)]
    opacity: f32,
    /// Write over existing files
    #[arg(long)]
    overwrite: bool,
    /// Go on with a batch: leave out pictures whose files are all there, and keep files that are
    #[arg(long, conflicts_with = "overwrite")]
    skip_existing: bool,
    /// Print one JSON object per picture, with timings in milliseconds
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run_flags: RunFlags,
}

impl Segment {
    pub(super) fn run(&self) -> Result<ExitCode> {
        if !(0.0..=1.0).contains(&self.opacity) {
            bail!("opacity: expected 0 to 1, found {}", self.opacity);
        }
        if let Some(name) = &self.name {
            let rest = ["{name}", "{folder}", "{model}"]
                .iter()
                .fold(name.clone(), |rest, word| rest.replace(word, ""));
            ensure!(
                !rest.contains(['{', '}']),
                "name: expected {{name}}, {{folder}} and {{model}} only, found {name}"
            );
        }
        let pictures = match self.recursive {
            true => {
                let results = Format::ALL.map(|format| self.out.join(format.folder()));
                gathered_below(&self.pictures, &results)?
            }
            false => gathered(&self.pictures)?,
        };
        stopping::listen()?;
        let mut session = Session::new(self.device);
        session.limit_features(0);
        let model = self.model.load(&mut session)?;
        let output = self.output.of(&model.spec)?;
        let (model, settings) = self.run_flags.apply(&model)?;
        let device = session.device()?.clone();
        let title = model.output_title(output);
        if !self.json {
            err!("{title} on {}", device.name);
        }
        if let Some(note) = device.note.filter(|_| device.gpu_failed) {
            err!("segscope: using the CPU: {note}");
        }
        let bar = self.bar(pictures.len());
        let running = Running {
            session: &mut session,
            model: &model,
            output,
            settings: &settings,
            opening: self.run_flags.opening(),
            say: &|line| bar.suspend(|| err!("segscope: {line}")),
        };
        let options = self.options();
        let mut batch = Batch::new(running, &options, &self.out);
        // Others may still want the files when nobody reads standard output any more, or it is full.
        let mut told = Ok(());
        for (id, picture) in pictures.iter().enumerate() {
            if stopping::is_asked() {
                break;
            }
            bar.set_message(picture.path.display().to_string());
            let place = id as u64 * STEPS;
            let done = batch.take(&picture.path, &self.place_of(picture, &title, &options), |share| {
                bar.set_position(place + (share * STEPS as f32) as u64);
            });
            if self.json {
                told = told.and(report(&picture.path, &done));
            }
            batch.count(&picture.path, done);
            bar.set_position(place + STEPS);
        }
        bar.finish_and_clear();
        batch.tell(pictures.len(), self.json);
        told?;
        Ok(batch.exit_code())
    }

    fn options(&self) -> export::Options {
        export::Options {
            formats: self.formats.clone(),
            opacity: self.opacity,
            legend: self.legend,
            overwrite: self.overwrite,
            keep_existing: self.skip_existing,
            naming: self.name.clone().unwrap_or_default(),
            ..export::Options::default()
        }
    }

    /// Where the files of a picture go below the folders of the formats, without ending.
    fn place_of(&self, picture: &Gathered, title: &str, options: &export::Options) -> String {
        let name = PhotoSource::Path(picture.path.clone()).stem();
        let stem = match &self.name {
            Some(_) => options.file_stem_in(&folder_name(&picture.path), &name, title),
            // As it is, whatever other systems may refuse in it.
            None => name,
        };
        let folders = picture.below.iter().map(|part| part.to_string_lossy().into_owned());
        let parts: Vec<String> = folders.chain([stem]).collect();
        parts.join("/")
    }

    /// A bar on a terminal, nothing elsewhere.
    fn bar(&self, pictures: usize) -> ProgressBar {
        let target = if self.json {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(pictures as u64 * STEPS), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {eta} left  {wide_msg}") {
            bar.set_style(style);
        }
        bar
    }
}

/// The name of the folder that a picture lies in.
fn folder_name(picture: &Path) -> String {
    let folder = folder_of(picture).canonicalize().ok();
    let name = folder.as_deref().and_then(Path::file_name);
    name.unwrap_or_default().to_string_lossy().into_owned()
}

/// Prints what became of a picture, as a JSON object.
fn report(picture: &Path, done: &Done) -> Result<()> {
    let line = match done {
        Done::Written(timings, written) => written_line(picture, timings, written),
        Done::Skipped => json!({ "picture": picture.display().to_string(), "skipped": "its files are there already" }),
        Done::Refused(why) | Done::Failed(why) => {
            json!({ "picture": picture.display().to_string(), "error": super::described(why) })
        }
        Done::Dropped => return Ok(()),
    };
    said::out!("{line}")
}

fn written_line(picture: &Path, timings: &Timings, written: &[PathBuf]) -> serde_json::Value {
    let ms = |time: Duration| (time.as_secs_f64() * 1e5).round() / 100.0;
    let written: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    json!({
        "picture": picture.display().to_string(), "encode_ms": ms(timings.encode), "decode_ms": ms(timings.decode),
        "labels_ms": ms(timings.labels), "total_ms": ms(timings.total()), "written": written,
    })
}

/// Steps of the progress bar per picture.
const STEPS: u64 = 100;
