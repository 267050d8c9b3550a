//! `segscope segment`: segments images and folders, and writes label maps and masks.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::export::{self, FigureFormat, Format};
use crate::model::Precision;
use crate::runtime::ImageSource;
use crate::segment::Timings;
use crate::staged_file::folder_of;

use super::device_flags::DeviceFlags;
use super::image_files::{ImageFile, gathered, image_files_below};
use super::model_flags::ModelFlags;
use super::output_choice::OutputChoice;
use super::printing::{self, err};
use super::run_flags::RunFlags;
use super::segment_batch::{Batch, Done, Files, Place, Running};
use super::segment_exchange::{Exchange, Wanted};
use super::stopping;

/// Segment images and write label maps and masks
#[derive(Debug, clap::Args)]
pub(super) struct Segment {
    /// Images and folders of images
    #[arg(required = true, value_name = "IMAGE-or-FOLDER")]
    images: Vec<PathBuf>,
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Include subfolders, which are mirrored in the output folder
    #[arg(long)]
    recursive: bool,
    /// Template for output file names without extension: {name} of the image, {folder} that contains it, {model}
    /// [default: {name}]
    #[arg(long, value_name = "TEMPLATE")]
    name: Option<String>,
    #[command(flatten)]
    model: ModelFlags,
    #[command(flatten)]
    output: OutputChoice,
    #[command(flatten)]
    device: DeviceFlags,
    /// Files to write: labels (index PNG), color, overlay, classes, confidence, or formats of other programs with the
    /// labels of all images, such as coco-rle or cvat; segscope labels --help lists them
    #[arg(long, value_parser = Wanted::parse, value_delimiter = ',', default_value = "labels,color,overlay")]
    formats: Vec<Wanted>,
    /// Add a legend beside the overlay
    #[arg(long)]
    legend: bool,
    /// File format of an overlay with a legend
    #[arg(long, value_enum, default_value = "png", value_name = "FORMAT")]
    figures: FigureFormat,
    /// Opacity of the class colours in the overlay, 0 to 1
    #[arg(long, default_value_t = 0.5)]
    opacity: f32,
    /// Overwrite existing files
    #[arg(long)]
    overwrite: bool,
    /// Resume a batch: skip images whose files all exist, and keep existing files
    #[arg(long, conflicts_with = "overwrite")]
    skip_existing: bool,
    /// Print one JSON object per image, with timings in milliseconds
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run_flags: RunFlags,
}

impl Segment {
    pub(super) fn run(&self) -> Result<ExitCode> {
        self.check()?;
        let images = match self.recursive {
            true => {
                let results = Format::ALL.map(|format| self.out.join(format.folder()));
                image_files_below(&self.images, &results)?
            }
            false => gathered(&self.images)?,
        };
        stopping::listen()?;
        let mut session = self.device.session();
        session.limit_features(0);
        let model = self.model.load(&mut session)?;
        let output = self.output.of(&model.spec)?;
        let (model, settings) = self.run_flags.apply(&model)?;
        let device = session.device()?.clone();
        let title = model.output_title(output);
        if !self.json {
            err!("{title} on {} in {}", device.name, model.precision.key());
        }
        if let Some(note) = device.note.filter(|_| device.gpu_failed) {
            err!("segscope: using the CPU: {note}");
        }
        let exchange = Exchange::create(&self.formats, &self.out, &model.classes, self.overwrite)?;
        let bar = self.bar(images.len());
        let options = self.options();
        let say = |line: &str| bar.suspend(|| err!("segscope: {line}"));
        let running = Running {
            session: &mut session,
            model: &model,
            output,
            settings: &settings,
        };
        let files = Files {
            options: &options,
            out: &self.out,
            classes: &model.classes,
            opening: self.run_flags.opening(),
            exchange: &exchange,
            say: &say,
        };
        let places: Vec<Place> = images
            .iter()
            .map(|image| Place {
                image: &image.path,
                place: self.place_of(image, &title, &options),
            })
            .collect();
        let mut batch = Batch::new(running, files);
        // The files may still be needed when standard output is closed or full.
        let mut told = Ok(());
        let on_share = |i: usize, share: f32| {
            bar.set_message(places[i].image.display().to_string());
            bar.set_position(i as u64 * STEPS + (share * STEPS as f32) as u64);
        };
        batch.run(&places, on_share, |i, done| {
            if self.json
                && let Err(why) = report(places[i].image, model.precision, done)
            {
                told = Err(why);
            }
        });
        bar.finish_and_clear();
        batch.tell(images.len(), self.json);
        let code = batch.exit_code();
        for folder in exchange.finish()? {
            err!("labels of all images: {}", folder.display());
        }
        told?;
        Ok(code)
    }

    /// Checks what the parser of arguments cannot.
    fn check(&self) -> Result<()> {
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
        ensure!(
            !self.skip_existing || self.image_formats().len() == self.formats.len(),
            "expected formats with files of their own for each image, found one with the labels of all images; leave out \
             --skip-existing"
        );
        Ok(())
    }

    fn options(&self) -> export::Options {
        export::Options {
            formats: self.image_formats(),
            opacity: self.opacity,
            legend: self.legend,
            figures: self.figures,
            overwrite: self.overwrite,
            keep_existing: self.skip_existing,
            naming: self.name.clone().unwrap_or_default(),
            ..export::Options::default()
        }
    }

    fn image_formats(&self) -> Vec<Format> {
        let images = self.formats.iter().filter_map(|wanted| match wanted {
            Wanted::Images(format) => Some(*format),
            Wanted::Exchange(_) => None,
        });
        images.collect()
    }

    /// The path of an image's files below the folders of the formats, without extension.
    fn place_of(&self, image: &ImageFile, title: &str, options: &export::Options) -> String {
        let name = ImageSource::Path(image.path.clone()).stem();
        let stem = match &self.name {
            Some(_) => options.file_stem_in(&folder_name(&image.path), &name, title),
            // Unchanged, even if other systems refuse some of its characters.
            None => name,
        };
        let folders = image.below.iter().map(|part| part.to_string_lossy().into_owned());
        let parts: Vec<String> = folders.chain([stem]).collect();
        parts.join("/")
    }

    /// A progress bar on a terminal, nothing elsewhere.
    fn bar(&self, images: usize) -> ProgressBar {
        let target = if self.json {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(images as u64 * STEPS), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {eta} left  {wide_msg}") {
            bar.set_style(style);
        }
        bar
    }
}

/// The name of the folder that contains an image.
fn folder_name(image: &Path) -> String {
    let folder = folder_of(image).canonicalize().ok();
    let name = folder.as_deref().and_then(Path::file_name);
    name.unwrap_or_default().to_string_lossy().into_owned()
}

/// Prints the outcome of an image as a JSON object.
fn report(image: &Path, precision: Precision, done: &Done) -> Result<()> {
    let line = match done {
        Done::Written(timings, written) => written_line(image, precision, timings, written),
        Done::Skipped => json!({ "picture": image.display().to_string(), "skipped": "its files already exist" }),
        Done::Refused(why) | Done::Failed(why) => {
            json!({ "picture": image.display().to_string(), "error": super::described(why) })
        }
        Done::Dropped => return Ok(()),
    };
    printing::out!("{line}")
}

fn written_line(image: &Path, precision: Precision, timings: &Timings, written: &[PathBuf]) -> serde_json::Value {
    let ms = |time: Duration| (time.as_secs_f64() * 1e5).round() / 100.0;
    let written: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    json!({
        "picture": image.display().to_string(), "encode_ms": ms(timings.encode), "decode_ms": ms(timings.decode),
        "labels_ms": ms(timings.labels), "total_ms": ms(timings.total()), "precision": precision.key(),
        "written": written,
    })
}

/// Steps of the progress bar per image.
const STEPS: u64 = 100;
