//! What `segscope train` tells and keeps while it runs.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::write_text;
use crate::checkpoint::{self, Checkpoint, Provenance};
use crate::labels::ClassSet;
use crate::model::ModelSpec;
use crate::train::{TrainEvent, TrainFolder, TrainState};

/// The state is kept at most this often.
const KEPT_EVERY: Duration = Duration::from_secs(60);

/// Tells of a training, and keeps it.
pub(super) struct Report<'a> {
    folder: &'a TrainFolder,
    config: &'a str,
    spec: &'a ModelSpec,
    classes: &'a ClassSet,
    log: std::fs::File,
    kept: Instant,
    /// What could not be kept or logged.
    failure: Option<anyhow::Error>,
}

impl<'a> Report<'a> {
    /// After so many steps; lines of the log about later ones, which are made again, are dropped.
    pub(super) fn new(
        folder: &'a TrainFolder,
        config: &'a str,
        spec: &'a ModelSpec,
        classes: &'a ClassSet,
        steps: usize,
    ) -> Result<Self> {
        let path = folder.log();
        let decoders: Vec<&str> = spec.decoders.iter().map(|decoder| decoder.key.as_str()).collect();
        let heading = format!("iteration,rate,seconds,accuracy,loss of {}", decoders.join(",loss of "));
        let before = match steps {
            0 => String::new(),
            _ => std::fs::read_to_string(&path).unwrap_or_default(),
        };
        let number = |line: &str| line.split(',').next()?.parse::<usize>().ok();
        let kept = before
            .lines()
            .filter(|line| number(line).is_some_and(|number| number <= steps));
        let lines: Vec<&str> = std::iter::once(heading.as_str()).chain(kept).collect();
        write_text(&path, &(lines.join("\n") + "\n"))?;
        let log = std::fs::OpenOptions::new().append(true).open(&path);
        let log = log.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            folder,
            config,
            spec,
            classes,
            log,
            kept: Instant::now(),
            failure: None,
        })
    }

    /// Ends the training when nothing can be kept any more.
    pub(super) fn take(&mut self, state: &TrainState, event: &TrainEvent) -> ControlFlow<()> {
        match self.try_take(state, event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(why) => {
                self.failure = Some(why);
                ControlFlow::Break(())
            }
        }
    }

    fn try_take(&mut self, state: &TrainState, event: &TrainEvent) -> Result<()> {
        match event {
            TrainEvent::Step {
                iteration,
                rate,
                losses,
                accuracy,
                time,
            } => {
                let seconds = time.as_secs_f64();
                let accuracy = accuracy.map_or_else(String::new, |share| format!("{share:.6}"));
                let texts: Vec<String> = losses.iter().map(|loss| format!("{loss:.8}")).collect();
                writeln!(
                    self.log,
                    "{iteration},{rate:.9},{seconds:.3},{accuracy},{}",
                    texts.join(",")
                )?;
                if iteration % 10 == 0 {
                    eprintln!("step {iteration}: loss {} in {seconds:.2} s", texts.join(" "));
                }
                if self.kept.elapsed() > KEPT_EVERY {
                    state.save(&self.folder.state(), self.config)?;
                    self.kept = Instant::now();
                }
            }
            TrainEvent::Validated {
                iteration,
                scores,
                best,
            } => {
                for (decoder, scores) in self.spec.decoders.iter().zip(scores) {
                    let percent = |value: Option<f64>| value.map_or(0.0, |value| value * 100.0);
                    let (iou, accuracy) = (scores.confusion.mean_iou(), scores.confusion.pixel_accuracy());
                    eprintln!(
                        "step {iteration}: {} mIoU {:.2}, pixel accuracy {:.2}{}",
                        decoder.key,
                        percent(iou),
                        percent(accuracy),
                        if *best { ", the best so far" } else { "" }
                    );
                }
                if *best {
                    self.save_bundle(state, &self.folder.best())?;
                }
                state.save(&self.folder.state(), self.config)?;
                self.kept = Instant::now();
            }
        }
        Ok(())
    }

    fn save_bundle(&self, state: &TrainState, path: &Path) -> Result<()> {
        let mut provenance = Provenance::new("trained by Segscope");
        provenance.add("steps", state.iteration.to_string());
        provenance.add("configuration", self.config);
        if let Some((iou, iteration)) = state.best {
            provenance.add(
                "best validation",
                format!("mIoU {:.2} after {iteration} steps", iou * 100.0),
            );
        }
        let checkpoint = Checkpoint {
            spec: self.spec.clone(),
            weights: state.weights.clone(),
            classes: self.classes.clone(),
            provenance,
        };
        checkpoint::save_bundle(&checkpoint, path)?;
        Ok(())
    }

    pub(super) fn finish(mut self, state: &TrainState) -> Result<()> {
        if let Some(why) = self.failure.take() {
            return Err(why);
        }
        state.save(&self.folder.state(), self.config)?;
        self.save_bundle(state, &self.folder.last())
    }
}
