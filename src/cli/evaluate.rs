//! `segscope evaluate`: scores a model, or existing predictions, against ground truth.

mod inputs;
mod source;
mod truth;

use std::path::{Path, PathBuf};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::device_flags::DeviceFlags;
use super::model_flags::ModelFlags;
use super::output_choice::OutputChoice;
use super::printing::{self, err};
use super::reading_ahead::{ReadAhead, joined};
use super::run_flags::RunFlags;
use super::truth_flags::{TruthFlags, name_rule};
use super::{described, stopping, write_text};
use crate::datasets::{BeyondClasses, Pair, Pairs, TruthReader, digest, pairs, pairs_of_list};
use crate::evaluate::{Evaluated, Scores};
use crate::runtime::peak_memory_mib;
use crate::staged_file;
use inputs::{Input, Scored};
use source::Source;
use truth::{check_truths, doubts};

/// Score a model, or predictions of another program, against ground truth
#[derive(Debug, clap::Args)]
pub(super) struct Evaluate {
    /// Folder of images, including subfolders
    #[arg(long, value_name = "DIR", required_unless_present_any = ["predictions", "list"], conflicts_with = "predictions")]
    images: Option<PathBuf>,
    /// Folder of predicted label maps (PNG with class ids) to score instead of a model; - if the first file in each
    /// line of --list is a prediction
    #[arg(long, value_name = "DIR", conflicts_with = "model")]
    predictions: Option<PathBuf>,
    /// Predicted ids are one more than their class, and 0 is no class
    #[arg(long, requires = "predictions")]
    predictions_zero_is_ignored: bool,
    /// Predicted ids are label ids of the data set (Cityscapes)
    #[arg(long, requires = "predictions", conflicts_with = "predictions_zero_is_ignored")]
    predictions_label_ids: bool,
    /// Folder of ground truth (PNG with ids); how its files are named after the images is detected
    #[arg(long, value_name = "DIR", required_unless_present = "list", conflicts_with = "list")]
    labels: Option<PathBuf>,
    /// List of images to use instead of folders: an image (or a predicted label map) and its ground truth in each line,
    /// separated by a comma
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Name pattern of the ground truth, such as {stem}_mask.png [default: detected]
    #[arg(long, value_name = "NAME")]
    label_name: Option<String>,
    #[command(flatten)]
    model: ModelFlags,
    #[command(flatten)]
    output: OutputChoice,
    #[command(flatten)]
    truth: TruthFlags,
    /// Write the scores of each class as comma-separated values; - is standard output
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write all results as JSON; resumes an unfinished evaluation from this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write an HTML page with scores, confusion matrix and worst images
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Overwrite existing files
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    device: DeviceFlags,
    #[command(flatten)]
    run_flags: RunFlags,
}

/// Minimum time between two writes of an unfinished evaluation.
const WRITTEN_EVERY: Duration = Duration::from_secs(10);

impl Evaluate {
    pub(super) fn run(&self) -> Result<()> {
        let outputs = [&self.json, &self.csv, &self.html];
        printing::leave_stdout_to(outputs.into_iter().flatten().map(PathBuf::as_path))?;
        stopping::listen()?;
        let Pairs { pairs, remarks } = self.pairs()?;
        printing::notes(&remarks);
        let mut source = self.source(&pairs)?;
        let reader = self.reader(&source)?;
        let mut of = source.described();
        of["pictures"] = self.files().map(|files| files.display().to_string()).into();
        of["labels"] = self
            .labels
            .as_ref()
            .or(self.list.as_ref())
            .map(|labels| labels.display().to_string())
            .into();
        of["truth"] = json!(format!("{reader:?}"));
        of["files"] = json!(digest(&pairs));
        let fresh = Evaluated {
            of,
            classes: source.classes().clone(),
            total: pairs.len(),
            peak_mib: None,
            scores: Scores::new(source.classes().len()),
            beyond: BeyondClasses::default(),
        };
        let mut evaluated = self.begun(fresh, &pairs)?;
        self.check_files()?;
        check_truths(&pairs, source.classes(), &reader)?;
        let done = self.go_through(&pairs, &mut source, &reader, &mut evaluated);
        let kept = self.json.as_ref().filter(|path| staged_file::is_renamed_to(path));
        if let (Err(_), Some(path), false) = (&done, kept, evaluated.scores.images.is_empty()) {
            // The scores so far are valid. The error that ended the run is reported below and matters more than one
            // here.
            if let Err(why) = write_text(path, &evaluated.json().to_string()) {
                err!("segscope: {}", described(&why));
            }
        }
        if done.as_ref().is_err_and(stopping::is_why) {
            self.tell_stopped(&evaluated);
        }
        done?;
        printing::text(format_args!("{}", evaluated.text()))?;
        printing::notes(&doubts(&source, &evaluated));
        let json = format!("{:#}\n", evaluated.json());
        let outputs = [
            (&self.json, json),
            (&self.csv, evaluated.csv()),
            (&self.html, evaluated.page()),
        ];
        for (path, text) in outputs {
            if let Some(path) = path {
                write_text(path, &text)?;
                err!("written: {}", path.display());
            }
        }
        Ok(())
    }

    /// The folder of images or predictions.
    fn files(&self) -> Option<&PathBuf> {
        self.images.as_ref().or(self.predictions.as_ref())
    }

    fn pairs(&self) -> Result<Pairs> {
        if let Some(list) = &self.list {
            return Ok(pairs_of_list(list)?);
        }
        let files = self.files();
        let files =
            files.context("expected a folder of images or predictions, found none; add --images or --predictions")?;
        let labels = self
            .labels
            .as_ref()
            .context("expected --labels or --list, found neither")?;
        Ok(pairs(files, labels, name_rule(self.label_name.as_deref())?.as_ref())?)
    }

    /// Prints how far the evaluation came before a signal stopped it, and how to resume it.
    fn tell_stopped(&self, evaluated: &Evaluated) {
        let (done, all) = (evaluated.scores.images.len(), evaluated.total);
        let how = match &self.json {
            Some(path) if staged_file::is_renamed_to(path) => match self.overwrite {
                true => "; run the same command without --overwrite to resume",
                false => "; run the same command to resume",
            },
            _ => "; add --json FILE to be able to resume",
        };
        err!("stopped after {done} of {all} images{how}");
    }

    /// The reader of the ground truth.
    fn reader(&self, source: &Source) -> Result<TruthReader> {
        let of_file = self.run_flags.set_file()?.map(|file| file.rules);
        let of_model = match source {
            Source::Model { model, .. } => model.zero_is_ignored,
            Source::Files { .. } => None,
        };
        let reader = TruthReader::with(source.classes(), of_file.as_ref(), of_model, &self.truth.choices());
        self.truth.check(&reader)?;
        Ok(reader)
    }

    /// The unfinished evaluation to resume, or else a new one.
    fn begun(&self, fresh: Evaluated, pairs: &[Pair]) -> Result<Evaluated> {
        let Some(path) = self
            .json
            .as_ref()
            .filter(|path| staged_file::is_taken(path) && !self.overwrite)
        else {
            return Ok(fresh);
        };
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let kept: Option<Evaluated> = serde_json::from_str(&text).ok();
        let is_same = |kept: &Evaluated| {
            let names = kept.scores.images.iter().map(|image| &image.name);
            let same_names = names.eq(pairs.iter().map(|pair| &pair.name).take(kept.scores.images.len()));
            same_names && (&kept.of, &kept.classes, kept.total) == (&fresh.of, &fresh.classes, fresh.total)
        };
        match kept.filter(|kept| !kept.is_complete()) {
            Some(kept) if is_same(&kept) => {
                err!("resuming after {} images", kept.scores.images.len());
                Ok(kept)
            }
            Some(_) => bail!(
                "expected an unfinished evaluation of the same model and folders, found another; choose another file or \
                 add --overwrite: {}",
                path.display()
            ),
            None => bail!(
                "expected a new file, found an existing one; choose another or add --overwrite: {}",
                path.display()
            ),
        }
    }

    /// Checks before the run that its results can be written.
    fn check_files(&self) -> Result<()> {
        let outputs: Vec<&PathBuf> = [&self.json, &self.csv, &self.html].into_iter().flatten().collect();
        for (i, path) in outputs.iter().enumerate() {
            ensure!(
                !outputs[..i].contains(path),
                "expected a different file for each output, found one that is named twice: {}",
                path.display()
            );
        }
        for path in [&self.json, &self.csv, &self.html].into_iter().flatten() {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            ensure!(
                folder.is_none_or(Path::is_dir),
                "expected a folder to write to, found none: {}",
                path.display()
            );
        }
        for path in [&self.csv, &self.html].into_iter().flatten() {
            ensure!(
                self.overwrite || !staged_file::is_taken(path),
                "expected a new file, found an existing one; choose another or add --overwrite: {}",
                path.display()
            );
        }
        Ok(())
    }

    fn go_through(
        &self,
        pairs: &[Pair],
        source: &mut Source,
        reader: &TruthReader,
        evaluated: &mut Evaluated,
    ) -> Result<()> {
        let bar = bar(pairs.len());
        let mut written = Instant::now();
        // A stream cannot be replaced later, so it does not receive unfinished results.
        let unfinished = self.json.as_ref().filter(|path| staged_file::is_renamed_to(path));
        // Images are counted in the order of the pairs.
        let done = evaluated.scores.images.len();
        let inputs = &source.inputs();
        thread::scope(|scope| -> Result<()> {
            let mut reading: Option<ScopedJoinHandle<_>> = None;
            for (id, pair) in pairs.iter().enumerate().skip(done) {
                stopping::check()?;
                bar.set_position(id as u64);
                bar.set_message(pair.name.clone());
                let read = reading.take().map_or_else(|| inputs.read_ahead(pair, reader), joined);
                let Scored { input, truth } = match read {
                    ReadAhead::Alone => inputs.read(pair, reader)?,
                    ReadAhead::Here(read) => {
                        let next = pairs.get(id + 1);
                        reading = next.map(|next| scope.spawn(move || inputs.read_ahead(next, reader)));
                        read?
                    }
                };
                let (prediction, time) = match input {
                    Input::Photo(photo) => source.predicted(&photo, id as u64)?,
                    Input::Prediction(map) => {
                        evaluated.beyond.add(&map, source.classes().len());
                        (map, Duration::ZERO)
                    }
                };
                let counted = evaluated
                    .scores
                    .add(&pair.name, &prediction, &truth, time.as_secs_f64());
                ensure!(counted, "label maps differ in size: {}", pair.truth.display());
                evaluated.peak_mib = peak_memory_mib();
                if let Some(path) = unfinished.filter(|_| written.elapsed() > WRITTEN_EVERY) {
                    write_text(path, &evaluated.json().to_string())?;
                    written = Instant::now();
                }
            }
            Ok(())
        })?;
        bar.finish_and_clear();
        Ok(())
    }
}

/// A progress bar on a terminal, nothing elsewhere.
fn bar(images: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(images as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len}  {eta} left  {wide_msg}") {
        bar.set_style(style);
    }
    bar
}
