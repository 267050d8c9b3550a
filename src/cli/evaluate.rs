//! `segscope evaluate`: scores of a model, or of predictions that are there, over a folder with its ground truth.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::output_choice::OutputChoice;
use super::run_flags::RunFlags;
use super::said::{self, err};
use super::truth_flags::{TruthFlags, name_rule};
use super::{source_of, stopping, write_text};
use crate::checkpoint;
use crate::datasets::{
    BeyondClasses, Look, Pair, Pairs, PredictionReader, SetFile, Submission, Survey, TruthReader, digest, pairs,
    pairs_of_list,
};
use crate::engine::{DeviceChoice, ModelInfo, ModelSource, Output, Session, Task, peak_memory_mib};
use crate::evaluate::{Evaluated, Scores};
use crate::labels::{ClassSet, LabelMap};
use crate::photo::Photo;
use crate::segment::Settings;
use crate::staged_file;

/// Score a model, or predictions of another program, with the ground truth of a folder
#[derive(Debug, clap::Args)]
pub(super) struct Evaluate {
    /// Folder of pictures, with folders below it
    #[arg(long, value_name = "DIR", required_unless_present_any = ["predictions", "list"], conflicts_with = "predictions")]
    images: Option<PathBuf>,
    /// Folder of predicted label maps (PNG with class ids) to score in place of a model; with --list, the list's first files
    /// are predictions and no folder is named
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "", conflicts_with = "model")]
    predictions: Option<PathBuf>,
    /// Ids of the predictions are one more than their class, and 0 is none
    #[arg(long, requires = "predictions")]
    predictions_zero_is_ignored: bool,
    /// Ids of the predictions are label ids of the data set (Cityscapes)
    #[arg(long, requires = "predictions", conflicts_with = "predictions_zero_is_ignored")]
    predictions_label_ids: bool,
    /// Folder of true label maps (PNG with ids); how they are named after the pictures is found by itself
    #[arg(long, value_name = "DIR", required_unless_present = "list", conflicts_with = "list")]
    labels: Option<PathBuf>,
    /// A list with a picture (or a predicted label map) and its true label map in each line, separated by a comma, in place
    /// of the folders
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// How label maps are named, such as {stem}_mask.png
    #[arg(long, value_name = "NAME")]
    label_name: Option<String>,
    /// A published folder, a .pth or a bundle; the embedded model without it
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    model: Option<PathBuf>,
    #[command(flatten)]
    output: OutputChoice,
    #[command(flatten)]
    truth: TruthFlags,
    /// Write the scores of the classes as comma-separated values; - is standard output
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write everything as JSON; an unfinished file of the same evaluation is gone on from
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a page with scores, confusion matrix and worst pictures
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write over existing files
    #[arg(long)]
    overwrite: bool,
    /// Where to compute
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceChoice,
    #[command(flatten)]
    run_flags: RunFlags,
}

/// An unfinished evaluation is written at most this often.
const WRITTEN_EVERY: Duration = Duration::from_secs(10);

/// What predicts.
enum Source {
    Model {
        session: Box<Session>,
        model: std::sync::Arc<ModelInfo>,
        output: Output,
        settings: Settings,
    },
    /// The files are predictions.
    Files {
        classes: ClassSet,
        reader: PredictionReader,
        beyond: BeyondClasses,
    },
}

impl Source {
    fn classes(&self) -> &ClassSet {
        match self {
            Self::Model { model, .. } => &model.classes,
            Self::Files { classes, .. } => classes,
        }
    }

    /// What is scored, for people and for telling whether two evaluations are the same.
    fn described(&self) -> Value {
        match self {
            Self::Model {
                model,
                output,
                settings,
                ..
            } => json!({
                "model": model.output_title(*output), "file": file_text(&model.source), "parameters": model.parameters,
                "settings": format!("{settings:?}"),
            }),
            Self::Files { reader, .. } => json!({ "model": null, "ids": format!("{reader:?}") }),
        }
    }

    /// The label map for a file, and the time that the model took.
    fn predicted(&mut self, file: &Path, id: u64) -> Result<(LabelMap, Duration)> {
        match self {
            Self::Files {
                classes,
                reader,
                beyond,
            } => {
                let map = reader.read(file)?;
                beyond.add(&map, classes.len());
                Ok((map, Duration::ZERO))
            }
            Self::Model {
                session,
                model,
                output,
                settings,
            } => {
                let photo = Photo::open(file)?;
                let task = Task {
                    model: model.id,
                    output: *output,
                    photo: &photo,
                    photo_id: id,
                    settings,
                };
                let prediction = session.segment_in_passing(&task, &mut |_| stopping::go_on())?;
                let time = prediction.timings.total();
                Ok((prediction.labels.map, time))
            }
        }
    }
}

/// Where a model is, how large its file is and when it was written: another file is another evaluation.
fn file_text(source: &ModelSource) -> String {
    let ModelSource::Path(path) = source else {
        return source.name();
    };
    let file = checkpoint::model_file(path).unwrap_or_else(|_| path.clone());
    let about = std::fs::metadata(&file).map(|about| (about.len(), about.modified().ok()));
    format!("{} {about:?}", file.canonicalize().unwrap_or(file).display())
}

impl Evaluate {
    pub(super) fn run(&self) -> Result<()> {
        let outputs = [&self.json, &self.csv, &self.html];
        said::leave_stdout_to(outputs.into_iter().flatten().map(PathBuf::as_path))?;
        stopping::listen()?;
        let Pairs { pairs, remarks } = self.pairs()?;
        said::notes(&remarks);
        let mut source = self.source(&pairs)?;
        let reader = self.reader(&source, &pairs)?;
        let mut of = source.described();
        of["pictures"] = self.files().map(|files| files.display().to_string()).into();
        of["labels"] = self
            .labels
            .as_ref()
            .or(self.list.as_ref())
            .map(|labels| labels.display().to_string())
            .into();
        of["truth"] = json!(format!("{reader:?}"));
        of["files"] = json!(digest(&pairs, Look::SizesAndTimes));
        let fresh = Evaluated {
            of,
            classes: source.classes().clone(),
            total: pairs.len(),
            peak_mib: None,
            scores: Scores::new(source.classes().len()),
        };
        let mut evaluated = self.begun(fresh, &pairs)?;
        self.check_files()?;
        check_truths(&pairs, source.classes(), &reader)?;
        let done = self.go_through(&pairs, &mut source, &reader, &mut evaluated);
        if let (Err(_), Some(path)) = (&done, &self.json) {
            // What was scored is good.
            write_text(path, &evaluated.json().to_string())?;
        }
        if done.as_ref().is_err_and(stopping::is_why) {
            self.tell_stopped(&evaluated);
        }
        done?;
        said::text(format_args!("{}", evaluated.text()))?;
        said::notes(&doubts(&source, &evaluated));
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

    /// The folder of pictures or predictions.
    fn files(&self) -> Option<&PathBuf> {
        self.images.as_ref().or(self.predictions.as_ref())
    }

    fn pairs(&self) -> Result<Pairs> {
        if let Some(list) = &self.list {
            return Ok(pairs_of_list(list)?);
        }
        let files = self.files().filter(|files| !files.as_os_str().is_empty());
        let files =
            files.context("expected a folder of pictures or predictions, found none; add --images or --predictions")?;
        let labels = self
            .labels
            .as_ref()
            .context("expected --labels or --list, found neither")?;
        Ok(pairs(files, labels, name_rule(self.label_name.as_deref())?.as_ref())?)
    }

    /// How far it came before a signal ended it, and how it goes on.
    fn tell_stopped(&self, evaluated: &Evaluated) {
        let (done, all) = (evaluated.scores.pictures.len(), evaluated.total);
        let how = match &self.json {
            Some(path) if staged_file::is_renamed_to(path) => match self.overwrite {
                true => "; the same command without --overwrite goes on",
                false => "; the same command goes on",
            },
            _ => "; add --json FILE to be able to go on",
        };
        err!("stopped after {done} of {all} pictures{how}");
    }

    fn source(&self, pairs: &[Pair]) -> Result<Source> {
        if self.predictions.is_some() {
            let name = self.run_flags.set_name().context(
                "set: expected the class set of the predictions (such as camvid, ade20k or numbered), found none; add --set",
            )?;
            let classes = match name {
                "numbered" => self.numbered(pairs)?,
                name => SetFile::named(name)?.0,
            };
            let ids = match (self.predictions_zero_is_ignored, self.predictions_label_ids) {
                (true, _) => Submission::OneMore,
                (_, true) => Submission::LabelIds,
                _ => Submission::Classes,
            };
            return Ok(Source::Files {
                reader: PredictionReader::new(&classes, ids),
                classes,
                beyond: BeyondClasses::default(),
            });
        }
        let mut session = Session::new(self.device);
        session.limit_features(0);
        let source = source_of(self.model.as_ref());
        let model = session.load(source, &mut |_| stopping::go_on())?;
        let output = self.output.of(&model.spec)?;
        let (model, settings) = self.run_flags.apply(&model)?;
        said::notes(&model.remarks);
        err!("{} on {}", model.output_title(output), session.device()?.name);
        Ok(Source::Model {
            session: Box::new(session),
            model,
            output,
            settings,
        })
    }

    /// As many numbered classes as there are ids in predictions and ground truth.
    fn numbered(&self, pairs: &[Pair]) -> Result<ClassSet> {
        let ignored = self.truth.ignore.clone().unwrap_or_else(|| vec![255]);
        let largest = |path: &PathBuf| -> Result<Option<u16>> {
            let ids = LabelMap::open(path)?.ids.into_iter();
            Ok(ids.filter(|id| !ignored.contains(id)).max())
        };
        let files: Vec<&PathBuf> = pairs.iter().flat_map(|pair| [&pair.file, &pair.truth]).collect();
        let largest = files.into_par_iter().map(largest).collect::<Result<Vec<_>>>()?;
        let count = largest.into_iter().flatten().max().map_or(1, |id| usize::from(id) + 1);
        let from_one = self.truth.zero_is_ignored == Some(true) && self.predictions_zero_is_ignored;
        let count = count - usize::from(from_one && count > 1);
        err!("segscope: note: {count} numbered classes, as the ids in the files");
        Ok(ClassSet::numbered(count))
    }

    /// What reads the ground truth.
    fn reader(&self, source: &Source, pairs: &[Pair]) -> Result<TruthReader> {
        let of_file = self.run_flags.set_file()?.map(|file| file.rules);
        let of_model = match source {
            Source::Model { model, .. } => model.zero_is_ignored,
            Source::Files { .. } => None,
        };
        let reader = TruthReader::with(source.classes(), of_file.as_ref(), of_model, &self.truth.choices());
        let truths: Vec<&Path> = pairs.iter().map(|pair| pair.truth.as_path()).collect();
        Ok(reader.settled(&truths))
    }

    /// An unfinished evaluation of the same, or a new one.
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
            let names = kept.scores.pictures.iter().map(|picture| &picture.name);
            let same_names = names.eq(pairs.iter().map(|pair| &pair.name).take(kept.scores.pictures.len()));
            same_names && (&kept.of, &kept.classes, kept.total) == (&fresh.of, &fresh.classes, fresh.total)
        };
        match kept.filter(|kept| !kept.is_complete()) {
            Some(kept) if is_same(&kept) => {
                err!("going on after {} pictures", kept.scores.pictures.len());
                Ok(kept)
            }
            Some(_) => bail!(
                "expected an unfinished evaluation of the same model and folders, found another; choose another file or \
                 add --overwrite: {}",
                path.display()
            ),
            None => bail!(
                "expected no such file yet, found one; choose another or add --overwrite: {}",
                path.display()
            ),
        }
    }

    /// Refuses to begin where the end could not be written.
    fn check_files(&self) -> Result<()> {
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
                "expected no such file yet, found one; choose another or add --overwrite: {}",
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
        // What is written to cannot be replaced by what comes later.
        let unfinished = self.json.as_ref().filter(|path| staged_file::is_renamed_to(path));
        // They are counted in the order of the pairs.
        let done = evaluated.scores.pictures.len();
        for (id, pair) in pairs.iter().enumerate().skip(done) {
            stopping::check()?;
            bar.set_position(id as u64);
            bar.set_message(pair.name.clone());
            let (prediction, time) = source.predicted(&pair.file, id as u64)?;
            let truth = reader.read(&pair.truth, Some([prediction.width, prediction.height]))?;
            let counted = evaluated
                .scores
                .add(&pair.name, &prediction, &truth.map, time.as_secs_f64());
            ensure!(counted, "label maps differ in size: {}", pair.truth.display());
            evaluated.peak_mib = peak_memory_mib();
            if let Some(path) = unfinished.filter(|_| written.elapsed() > WRITTEN_EVERY) {
                write_text(path, &evaluated.json().to_string())?;
                written = Instant::now();
            }
        }
        bar.finish_and_clear();
        Ok(())
    }
}

/// Looks at all label maps before the first picture is run, which may take hours, and says what they hold.
fn check_truths(pairs: &[Pair], classes: &ClassSet, reader: &TruthReader) -> Result<()> {
    let look = |pair: &Pair| match reader.read(&pair.truth, None) {
        Ok(truth) => {
            let mut survey = Survey::default();
            survey.add(&truth);
            (survey, Vec::new())
        }
        Err(why) => (Survey::default(), vec![why.to_string()]),
    };
    let (survey, wrong) = pairs
        .par_iter()
        .filter(|_| !stopping::is_asked())
        .map(look)
        .reduce(Default::default, |(survey, mut wrong), (other, more)| {
            wrong.extend(more);
            (survey.merged(other), wrong)
        });
    stopping::check()?;
    ensure!(
        wrong.is_empty(),
        "{} of {} label maps cannot be used:\n  {}",
        wrong.len(),
        pairs.len(),
        wrong.join("\n  ")
    );
    survey.check(reader.ignored()).map_err(anyhow::Error::msg)?;
    for finding in survey.findings(classes, reader.ignored()) {
        err!("{finding}");
    }
    Ok(())
}

/// Share of pixels from which on a shifted numbering is worth a word.
const SUSPICIOUS: f64 = 0.3;

/// What in the scores speaks against the rules by which ids were read.
fn doubts(source: &Source, evaluated: &Evaluated) -> Vec<String> {
    let confusion = &evaluated.scores.confusion;
    let accuracy = confusion.pixel_accuracy().unwrap_or(0.0);
    let fits = |offset: isize| {
        let shifted = confusion.shifted_accuracy(offset);
        shifted.filter(|share| *share > SUSPICIOUS && *share > 2.0 * accuracy)
    };
    let mut doubts = Vec::new();
    if let Source::Files { classes, beyond, .. } = source {
        doubts.extend(beyond.finding(classes));
    }
    let said = |share: f64, whose: &str, flag: &str| {
        format!(
            "{:.1} % of the pixels would be right if the ids of the {whose} were one more than their class; if they are, \
             add {flag}",
            share * 100.0
        )
    };
    if let Some(share) = fits(-1) {
        doubts.push(said(share, "ground truth", "--zero-is-ignored"));
    }
    if let (Some(share), Source::Files { .. }) = (fits(1), source) {
        doubts.push(said(share, "predictions", "--predictions-zero-is-ignored"));
    }
    doubts
}

/// A bar on a terminal, nothing elsewhere.
fn bar(pictures: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(pictures as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len}  {eta} left  {wide_msg}") {
        bar.set_style(style);
    }
    bar
}
