//! `segscope evaluate`: scores of a model, or of predictions that are there, over a folder with its ground truth.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::output_choice::OutputChoice;
use super::run_flags::RunFlags;
use super::{described, source_of, write_text};
use crate::checkpoint;
use crate::engine::{DeviceChoice, ModelInfo, ModelSource, Output, Session, Task, peak_memory_mib, read_labels};
use crate::evaluate::{Evaluated, Pair, Scores, pairs};
use crate::labels::{ClassSet, LabelMap, SetFile, TruthRules};
use crate::photo::Photo;
use crate::segment::Settings;

/// Score a model, or predictions of another program, with the ground truth of a folder
#[derive(Debug, clap::Args)]
pub(super) struct Evaluate {
    /// Folder of pictures, with folders below it
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "predictions",
        conflicts_with = "predictions"
    )]
    images: Option<PathBuf>,
    /// Folder of predicted label maps (PNG with class ids) to score in place of a model
    #[arg(long, value_name = "DIR", conflicts_with = "model")]
    predictions: Option<PathBuf>,
    /// Folder of true label maps (PNG with ids), named as the pictures are
    #[arg(long, value_name = "DIR")]
    labels: PathBuf,
    /// A published folder, a .pth or a bundle; the embedded model without it
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    model: Option<PathBuf>,
    #[command(flatten)]
    output: OutputChoice,
    /// Ids of pixels without a class, in place of the data set's (255, and 11 for CamVid)
    #[arg(long, value_delimiter = ',', value_name = "ID,ID")]
    ignore: Option<Vec<u16>>,
    /// The ground truth's 0 means "no class", and its other ids are one more than their class, as in ADE20K
    #[arg(long)]
    zero_is_ignored: bool,
    /// Write the scores of the classes as comma-separated values
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
    Files(ClassSet),
}

impl Source {
    fn classes(&self) -> &ClassSet {
        match self {
            Self::Model { model, .. } => &model.classes,
            Self::Files(classes) => classes,
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
            Self::Files(_) => json!({ "model": null }),
        }
    }

    /// The label map for a file, and the time that the model took.
    fn predicted(&mut self, file: &Path, id: u64) -> Result<(LabelMap, Duration)> {
        match self {
            Self::Files(_) => Ok((LabelMap::open(file)?, Duration::ZERO)),
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
                let prediction = session.segment_in_passing(&task, &mut |_| ControlFlow::Continue(()))?;
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
        let files = self.images.as_ref().or(self.predictions.as_ref());
        let files = files.context("expected --images or --predictions, found neither")?;
        let pairs = pairs(files, &self.labels)?;
        let mut source = self.source()?;
        let mut of = source.described();
        of["pictures"] = files.display().to_string().into();
        of["labels"] = self.labels.display().to_string().into();
        of["ignored"] = json!([self.ignore, self.zero_is_ignored]);
        let fresh = Evaluated {
            of,
            classes: source.classes().clone(),
            total: pairs.len(),
            peak_mib: None,
            scores: Scores::new(source.classes().len()),
        };
        let mut evaluated = self.begun(fresh, &pairs)?;
        self.check_files()?;
        let of_file = self.run_flags.set_file()?.map(|file| file.rules);
        self.check_truths(&pairs, source.classes(), of_file.as_ref())?;
        let done = self.go_through(&pairs, &mut source, of_file.as_ref(), &mut evaluated);
        if let (Err(_), Some(path)) = (&done, &self.json) {
            // What was scored is good.
            write_text(path, &evaluated.json().to_string())?;
        }
        done?;
        print!("{}", evaluated.text());
        let json = format!("{:#}\n", evaluated.json());
        let outputs = [
            (&self.json, json),
            (&self.csv, evaluated.csv()),
            (&self.html, evaluated.page()),
        ];
        for (path, text) in outputs {
            if let Some(path) = path {
                write_text(path, &text)?;
                eprintln!("written: {}", path.display());
            }
        }
        Ok(())
    }

    fn source(&self) -> Result<Source> {
        if self.predictions.is_some() {
            let name = self.run_flags.set_name().context(
                "set: expected the class set of the predictions (such as camvid or ade20k), found none; add --set",
            )?;
            return Ok(Source::Files(SetFile::named(name)?.0));
        }
        let mut session = Session::new(self.device);
        session.limit_features(0);
        let source = source_of(self.model.as_ref());
        let model = session.load(source, &mut |_| ControlFlow::Continue(()))?;
        let output = self.output.of(&model.spec)?;
        let (model, settings) = self.run_flags.apply(&model)?;
        eprintln!("{} on {}", model.output_title(output), session.device()?.name);
        Ok(Source::Model {
            session: Box::new(session),
            model,
            output,
            settings,
        })
    }

    /// An unfinished evaluation of the same, or a new one.
    fn begun(&self, fresh: Evaluated, pairs: &[Pair]) -> Result<Evaluated> {
        let Some(path) = self.json.as_ref().filter(|path| path.is_file() && !self.overwrite) else {
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
                eprintln!("going on after {} pictures", kept.scores.pictures.len());
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
        for path in [&self.csv, &self.html].into_iter().flatten() {
            ensure!(
                self.overwrite || !path.exists(),
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
        of_file: Option<&TruthRules>,
        evaluated: &mut Evaluated,
    ) -> Result<()> {
        let classes = source.classes().clone();
        let bar = bar(pairs.len());
        let mut written = Instant::now();
        // They are counted in the order of the pairs.
        let done = evaluated.scores.pictures.len();
        for (id, pair) in pairs.iter().enumerate().skip(done) {
            bar.set_position(id as u64);
            bar.set_message(pair.name.clone());
            let (prediction, time) = source.predicted(&pair.file, id as u64)?;
            let mut truth = read_labels(&pair.truth, [prediction.width, prediction.height])?;
            self.apply_rules(&mut truth, &classes, of_file, &pair.truth)?;
            let counted = evaluated
                .scores
                .add(&pair.name, &prediction, &truth, time.as_secs_f64());
            ensure!(counted, "label maps differ in size: {}", pair.truth.display());
            evaluated.peak_mib = peak_memory_mib();
            if let Some(path) = self.json.as_ref().filter(|_| written.elapsed() > WRITTEN_EVERY) {
                write_text(path, &evaluated.json().to_string())?;
                written = Instant::now();
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Looks at all label maps before the first picture is run, which may take hours.
    fn check_truths(&self, pairs: &[Pair], classes: &ClassSet, of_file: Option<&TruthRules>) -> Result<()> {
        let check = |pair: &Pair| -> Result<()> {
            let mut map = LabelMap::open(&pair.truth)?;
            self.apply_rules(&mut map, classes, of_file, &pair.truth)
        };
        let wrong: Vec<String> = pairs
            .par_iter()
            .filter_map(|pair| check(pair).err().map(|why| described(&why)))
            .collect();
        ensure!(
            wrong.is_empty(),
            "{} of {} label maps cannot be used:\n  {}",
            wrong.len(),
            pairs.len(),
            wrong.join("\n  ")
        );
        Ok(())
    }

    /// Turns the ids of a label map into classes.
    fn apply_rules(
        &self,
        truth: &mut LabelMap,
        classes: &ClassSet,
        of_file: Option<&TruthRules>,
        path: &Path,
    ) -> Result<()> {
        let rules = self.rules(classes, of_file, path);
        rules.apply(truth, classes.len()).map_err(|id| {
            anyhow::anyhow!(
                "expected ids of {} classes or ignored ones {:?} in the ground truth, found {id}; name the data set with \
                 --set, or the ignored ids with --ignore: {}",
                classes.len(),
                rules.ignored,
                path.display()
            )
        })
    }

    fn rules(&self, classes: &ClassSet, of_file: Option<&TruthRules>, truth: &Path) -> TruthRules {
        let name = truth.file_name().unwrap_or_default().to_string_lossy();
        let of_set = || TruthRules::of(&classes.name, classes.len(), &name);
        let of_set = of_file.cloned().unwrap_or_else(of_set);
        TruthRules {
            ignored: self.ignore.clone().unwrap_or(of_set.ignored),
            zero_is_ignored: self.zero_is_ignored || of_set.zero_is_ignored,
            ids: of_set.ids,
        }
    }
}

/// A bar on a terminal, nothing elsewhere.
fn bar(pictures: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(pictures as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len}  {eta} left  {wide_msg}") {
        bar.set_style(style);
    }
    bar
}
