//! `segscope segment`: photos and folders to label maps and masks.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::engine::{DeviceChoice, ModelInfo, Output, PhotoSource, Session, Task};
use crate::export::{self, ExportError, Format, Subject};
use crate::photo::Photo;
use crate::segment::{Settings, Timings};

use super::output_choice::OutputChoice;
use super::run_flags::RunFlags;
use super::{described, expanded, source_of};

/// Segment pictures and write label maps and masks
#[derive(Debug, clap::Args)]
pub(super) struct Segment {
    /// Pictures, and folders of pictures
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A published folder, a .pth or a bundle; the embedded model without it
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    model: Option<PathBuf>,
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
        let pictures = expanded(&self.pictures)?;
        let mut session = Session::new(self.device);
        session.limit_features(0);
        let source = source_of(self.model.as_ref());
        let model = session.load(source, &mut |_| ControlFlow::Continue(()))?;
        let output = self.output.of(&model.spec)?;
        let (model, settings) = self.run_flags.apply(&model)?;
        let device = session.device()?.clone();
        if !self.json {
            eprintln!("{} on {}", model.output_title(output), device.name);
        }
        if let Some(note) = device.note.filter(|_| device.gpu_failed) {
            eprintln!("segscope: using the CPU: {note}");
        }
        let bar = self.bar(pictures.len());
        let mut failures = Vec::new();
        let mut stems = HashSet::new();
        for (id, picture) in pictures.iter().enumerate() {
            bar.set_message(picture.display().to_string());
            let stem = PhotoSource::Path(picture.clone()).stem();
            let done = if stems.contains(&stem) {
                Err(anyhow::anyhow!(
                    "another picture of this run has the same name; write this one to another folder"
                ))
            } else {
                self.one(&mut session, (&model, output), &settings, picture, id as u64, &bar)
            };
            match done {
                Ok((timings, written)) => {
                    stems.insert(stem);
                    self.report(picture, &timings, &written);
                }
                Err(error) => {
                    self.report_failure(picture, &error);
                    failures.push((picture, error));
                }
            }
            bar.set_position((id as u64 + 1) * STEPS);
        }
        bar.finish_and_clear();
        if !self.json {
            eprintln!(
                "{} of {} pictures segmented into {}",
                pictures.len() - failures.len(),
                pictures.len(),
                self.out.display()
            );
        }
        if failures.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("segscope: {} of {} pictures failed:", failures.len(), pictures.len());
        for (picture, error) in failures {
            let (name, why) = (picture.display().to_string(), described(&error));
            // Most sentences end with the path already.
            match why.contains(&name) {
                true => eprintln!("  {why}"),
                false => eprintln!("  {name}: {why}"),
            }
        }
        Ok(ExitCode::from(1))
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

    fn one(
        &self,
        session: &mut Session,
        (model, output): (&ModelInfo, Output),
        settings: &Settings,
        picture: &Path,
        id: u64,
        bar: &ProgressBar,
    ) -> Result<(Timings, Vec<PathBuf>)> {
        let options = export::Options {
            formats: self.formats.clone(),
            opacity: self.opacity,
            legend: self.legend,
            overwrite: self.overwrite,
            ..export::Options::default()
        };
        let stem = PhotoSource::Path(picture.into()).stem();
        if let Some(path) = export::taken(&options, &model.classes, &self.out, &stem) {
            // Before the network runs for nothing.
            return Err(ExportError::Exists { path }.into());
        }
        let photo = Photo::open(picture)?;
        let task = Task {
            model: model.id,
            output,
            photo: &photo,
            photo_id: id,
            settings,
        };
        let prediction = session.segment(&task, &mut |progress| {
            bar.set_position(id * STEPS + (progress.fraction * STEPS as f32) as u64);
            ControlFlow::Continue(())
        })?;
        let labels = &prediction.labels;
        let subject = Subject {
            photo: &photo,
            map: &labels.map,
            confidence: &labels.confidence,
            classes: &model.classes,
        };
        let written = export::write(&subject, &options, &self.out, &stem)?;
        Ok((prediction.timings, written))
    }

    fn report(&self, picture: &Path, timings: &Timings, written: &[PathBuf]) {
        if !self.json {
            return;
        }
        let ms = |time: Duration| (time.as_secs_f64() * 1e5).round() / 100.0;
        let line = json!({
            "picture": picture, "encode_ms": ms(timings.encode), "decode_ms": ms(timings.decode),
            "labels_ms": ms(timings.labels), "total_ms": ms(timings.total()), "written": written,
        });
        println!("{line}");
    }

    fn report_failure(&self, picture: &Path, error: &anyhow::Error) {
        if self.json {
            println!("{}", json!({ "picture": picture, "error": described(error) }));
        }
    }
}

/// Steps of the progress bar per picture.
const STEPS: u64 = 100;
