//! The files of a training in its output folder: plan, log, state and bundles.

use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::batch_step::LearnError;
use super::plan::Prepared;
use super::run::{TrainError, TrainEvent, Training};
use super::state::{StateError, TrainState};
use crate::checkpoint::{self, Checkpoint, CheckpointError, Provenance};
use crate::evaluate::csv_field;
use crate::model::{Output, UsualConfidence};
use crate::staged_file::StagedFile;

/// The output folder of a training, and the paths of its files.
#[derive(Clone, Debug)]
pub struct TrainFolder(PathBuf);

impl TrainFolder {
    /// The paths in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The state from which the training resumes.
    pub fn state(&self) -> PathBuf {
        self.0.join("last.state.safetensors")
    }

    /// The bundle with the best validation score.
    pub fn best(&self) -> PathBuf {
        self.0.join("best.safetensors")
    }

    /// The bundle after the last step.
    pub fn last(&self) -> PathBuf {
        self.0.join("last.safetensors")
    }

    /// The log, with a line for each step.
    pub fn log(&self) -> PathBuf {
        self.0.join("log.csv")
    }

    /// The validation scores, with a line for each validation.
    pub fn scores(&self) -> PathBuf {
        self.0.join("scores.csv")
    }

    /// The plan.
    pub fn plan(&self) -> PathBuf {
        self.0.join("train.toml")
    }
}

/// Why the files of a training cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The folder holds results of another training.
    #[error(
        "expected a folder without a training, found results of one; choose another folder: {path}",
        path = .0.display()
    )]
    Taken(PathBuf),
    /// A file cannot be written.
    #[error("cannot write ({0}): {path}", path = .1.display())]
    File(io::Error, PathBuf),
    /// The state cannot be written or read.
    #[error(transparent)]
    State(#[from] StateError),
    /// A bundle cannot be written.
    #[error(transparent)]
    Bundle(#[from] CheckpointError),
}

/// Why a training ends before it is done.
#[derive(Debug, thiserror::Error)]
pub enum CarryOutError {
    /// The training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A file of the training cannot be written.
    #[error(transparent)]
    Keep(#[from] RecordError),
    /// The training failed, and the steps before the failure cannot be saved.
    #[error("{0}; the steps before it cannot be saved: {1}")]
    Both(TrainError, Box<RecordError>),
}

/// Saves a training: every step in the log, the state at intervals, the best bundle and the last one.
#[derive(Debug)]
pub struct TrainingRecorder<'a> {
    folder: TrainFolder,
    prepared: &'a Prepared,
    log: std::fs::File,
    scores: std::fs::File,
    every: Duration,
    kept: Instant,
    /// How sure each decoder was in the last validation.
    confidence: Vec<Option<UsualConfidence>>,
}

impl<'a> TrainingRecorder<'a> {
    /// Creates the folder with an initial state, or reads the state that it holds; `every` is the minimum time between
    /// two saved states.
    ///
    /// # Errors
    /// When the folder holds results of another training that must not be overwritten, or nothing can be written.
    pub fn open(
        folder: &Path,
        prepared: &'a Prepared,
        overwrite: bool,
        every: Duration,
    ) -> Result<(Self, TrainState), RecordError> {
        std::fs::create_dir_all(folder).map_err(|why| RecordError::File(why, folder.into()))?;
        let folder = TrainFolder::new(folder);
        let state = match folder.state().is_file() && !overwrite {
            true => TrainState::load(&folder.state(), &prepared.identity)?,
            false => {
                // The state first: without it no training resumes from half-removed files.
                for file in [folder.state(), folder.best(), folder.last(), folder.log()] {
                    match file.exists() {
                        true if overwrite => std::fs::remove_file(&file).map_err(|why| RecordError::File(why, file))?,
                        true => return Err(RecordError::Taken(file)),
                        false => {}
                    }
                }
                let state = TrainState::new(prepared.weights.clone(), prepared.plan.training.optimiser);
                // From now on the same plan resumes here, whatever happens.
                state.save(&folder.state(), &prepared.identity)?;
                state
            }
        };
        write(&folder.plan(), &prepared.identity)?;
        let spec = &prepared.spec;
        let outputs: Vec<String> = spec.outputs().into_iter().map(|output| key(prepared, output)).collect();
        let losses = outputs
            .iter()
            .map(|key| csv_field(&format!("loss of {key}")).into_owned());
        let losses = losses.collect::<Vec<_>>().join(",");
        let log = format!("iteration,rate,seconds,accuracy,{losses}");
        let mains = spec.decoders.iter().map(|decoder| decoder.key.as_str());
        let scores = mains.flat_map(|key| ["mIoU", "pixel accuracy"].map(|score| format!("{score} of {key}")));
        let scores = scores.map(|heading| csv_field(&heading).into_owned());
        let scores = format!("iteration,{}", scores.collect::<Vec<_>>().join(","));
        let recorder = Self {
            log: continued(&folder.log(), &log, state.iteration)?,
            scores: continued(&folder.scores(), &scores, state.validated.unwrap_or(0))?,
            folder,
            prepared,
            every,
            kept: Instant::now(),
            confidence: Vec::new(),
        };
        Ok((recorder, state))
    }

    /// The output folder.
    pub fn folder(&self) -> &TrainFolder {
        &self.folder
    }

    /// Runs a training to its end or until it is stopped, and saves everything; `on_event` receives each event after it
    /// was saved.
    ///
    /// # Errors
    /// When the training fails or a file cannot be written. The steps before a failure are saved, unless the failure is
    /// a loss that is not finite.
    pub fn carry_out(
        &mut self,
        training: &Training,
        state: &mut TrainState,
        mut on_event: impl FnMut(&TrainEvent),
    ) -> Result<(), CarryOutError> {
        let mut unkept = None;
        let done = training.run(state, &mut |state, event| {
            if let Err(why) = self.take(state, event) {
                unkept = Some(why);
                return ControlFlow::Break(());
            }
            on_event(event);
            match (training.stops)() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        match (unkept, done) {
            (Some(why), _) => Err(why.into()),
            (None, Ok(())) => Ok(self.finish(state)?),
            (None, Err(why @ TrainError::Learn(LearnError::NotFinite))) => Err(why.into()),
            (None, Err(why)) => Err(match self.save_state(state) {
                Ok(()) => why.into(),
                Err(unkept) => CarryOutError::Both(why, Box::new(unkept)),
            }),
        }
    }

    /// Saves an event.
    fn take(&mut self, state: &TrainState, event: &TrainEvent) -> Result<(), RecordError> {
        match event {
            TrainEvent::Step {
                iteration,
                rate,
                losses,
                accuracy,
                time,
            } => {
                let accuracy = accuracy.map_or_else(String::new, |share| format!("{share:.6}"));
                let losses: Vec<String> = losses.iter().map(|loss| format!("{loss:.8}")).collect();
                let seconds = time.as_secs_f64();
                let line = format!("{iteration},{rate:.9},{seconds:.3},{accuracy},{}\n", losses.join(","));
                self.log
                    .write_all(line.as_bytes())
                    .map_err(|why| RecordError::File(why, self.folder.log()))?;
                if self.kept.elapsed() >= self.every {
                    self.save_state(state)?;
                }
            }
            TrainEvent::Validated {
                iteration,
                scores,
                confidence,
                best,
                ..
            } => {
                self.confidence.clone_from(confidence);
                let percent =
                    |share: Option<f64>| share.map_or_else(String::new, |share| format!("{:.4}", share * 100.0));
                let scores = scores.iter().flat_map(|scores| {
                    let confusion = &scores.confusion;
                    [percent(confusion.mean_iou()), percent(confusion.pixel_accuracy())]
                });
                let line = format!("{iteration},{}\n", scores.collect::<Vec<_>>().join(","));
                self.scores
                    .write_all(line.as_bytes())
                    .map_err(|why| RecordError::File(why, self.folder.scores()))?;
                if *best {
                    self.save_bundle(state, &self.folder.best())?;
                }
                self.save_state(state)?;
            }
        }
        Ok(())
    }

    /// Saves the state from which the training resumes.
    fn save_state(&mut self, state: &TrainState) -> Result<(), RecordError> {
        state.save(&self.folder.state(), &self.prepared.identity)?;
        self.kept = Instant::now();
        Ok(())
    }

    /// Saves the current state and the last bundle.
    fn finish(&mut self, state: &TrainState) -> Result<(), RecordError> {
        self.save_state(state)?;
        self.save_bundle(state, &self.folder.last())
    }

    fn save_bundle(&self, state: &TrainState, path: &Path) -> Result<(), RecordError> {
        let mut provenance = Provenance::new("trained by Segscope");
        provenance.add("steps", state.iteration.to_string());
        provenance.add("plan", self.prepared.plan.without_folders().text().unwrap_or_default());
        if let Some((iou, iteration)) = state.best {
            let text = format!("mIoU {:.2} after {iteration} steps", iou * 100.0);
            provenance.add("best validation", text);
        }
        let mut spec = self.prepared.spec.clone();
        for (decoder, usual) in spec.decoders.iter_mut().zip(&self.confidence) {
            decoder.usual_confidence = *usual;
        }
        let checkpoint = Checkpoint {
            spec,
            weights: state.to_keep().clone(),
            classes: self.prepared.classes.clone(),
            provenance,
            zero_is_ignored: Some(self.prepared.reader.zero_is_ignored()),
            remarks: Vec::new(),
        };
        Ok(checkpoint::save_bundle(&checkpoint, path)?)
    }
}

/// Name of an output in the tables: `mask`, or `pup layer 5` for an auxiliary head.
fn key(prepared: &Prepared, output: Output) -> String {
    let spec = &prepared.spec;
    let key = spec.decoders.get(output.decoder).map_or("", |decoder| &decoder.key);
    match spec.layer_of(output) {
        Some(layer) => format!("{key} layer {layer}"),
        None => key.to_owned(),
    }
}

/// Opens a table for appending lines.
///
/// Lines of steps after `steps`, which are repeated, are dropped. So is a line that a kill or a full disk has cut off,
/// because its cut-off number may be that of an earlier step.
fn continued(path: &Path, heading: &str, steps: usize) -> Result<std::fs::File, RecordError> {
    let before = match steps {
        0 => String::new(),
        _ => match std::fs::read_to_string(path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(RecordError::File(why, path.into())),
            text => text.unwrap_or_default(),
        },
    };
    let columns = heading.split(',').count();
    let number = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields.len() == columns).then(|| fields[0].parse::<usize>().ok())?
    };
    let kept = before
        .lines()
        .filter(|line| number(line).is_some_and(|number| number <= steps));
    let lines: Vec<&str> = std::iter::once(heading).chain(kept).collect();
    write(path, &(lines.join("\n") + "\n"))?;
    let file = std::fs::OpenOptions::new().append(true).open(path);
    file.map_err(|why| RecordError::File(why, path.into()))
}

fn write(path: &Path, text: &str) -> Result<(), RecordError> {
    StagedFile::replace(path, text.as_bytes()).map_err(|why| RecordError::File(why, path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_continues_after_its_last_complete_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.csv");
        // Step 3 is repeated, and a kill has left only the first digit of step 12.
        std::fs::write(&path, "iteration,loss\n1,0.5\n2,0.25\n3,0.125\n1").expect("a file");
        continued(&path, "iteration,loss", 2).expect("it can be written");
        let text = std::fs::read_to_string(&path).expect("text");
        assert_eq!(text, "iteration,loss\n1,0.5\n2,0.25\n");
    }
}
