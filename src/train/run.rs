//! Training from one step to the next.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use fastrand::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::augment::{Augmentation, Sample, batch_of};
use super::gradients::{LearnError, Target, learn};
use super::loss::Averaging;
use super::optimiser::{OptimiserSpec, StepSize, clip_global_norm};
use super::schedule::PolySchedule;
use super::state::{StateError, TrainState};
use crate::evaluate::{Pair, Scores};
use crate::labels::{ClassSet, LabelMap, OpenLabelsError, TruthRules};
use crate::model::{ModelSpec, Network, NoProbe, Output};
use crate::photo::{Photo, PhotoError};
use crate::segment::{Run, Settings};

/// How a network is trained, whatever it is and on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// Pictures per step.
    pub batch: usize,
    /// Where random numbers begin.
    pub seed: u64,
    /// Steps from one validation to the next; 0 for none.
    pub validate_every: usize,
    /// The learning rate of decoders over that of the encoder (10 in mmsegmentation, 1 in rstrudel/segmenter).
    pub decoder_rate: f64,
    /// Largest common norm of all gradients.
    #[serde(default)]
    pub clip: Option<f64>,
    /// What losses are divided by.
    pub averaging: Averaging,
    /// The optimiser.
    pub optimiser: OptimiserSpec,
    /// The learning rate.
    pub schedule: PolySchedule,
    /// How pictures are changed.
    pub augmentation: Augmentation,
}

/// A training: everything but its state.
pub struct Training<'a> {
    /// How.
    pub config: &'a TrainConfig,
    /// Which network.
    pub spec: &'a ModelSpec,
    /// The classes.
    pub classes: &'a ClassSet,
    /// Ids that mean "no class", in place of the data set's.
    pub ignored: Option<Vec<u16>>,
    /// What is learnt from.
    pub pairs: &'a [Pair],
    /// What is scored; may be empty.
    pub validation: &'a [Pair],
    /// Where it is computed.
    pub device: &'a Device,
}

/// What happens while a network is trained.
#[derive(Debug)]
pub enum TrainEvent {
    /// A step was made.
    Step {
        /// How many there have been.
        iteration: usize,
        /// Its learning rate.
        rate: f64,
        /// Mean loss of each decoder.
        losses: Vec<f64>,
        /// Share of the labelled pixels of the batch that were right; `None` without any.
        accuracy: Option<f64>,
        /// How long it took.
        time: Duration,
    },
    /// The network was scored.
    Validated {
        /// After how many steps.
        iteration: usize,
        /// Scores of each decoder.
        scores: Vec<Scores>,
        /// Whether the mean of their mean IoU is the best so far.
        best: bool,
    },
}

/// Is told of everything that happens; `Break` ends the training between two steps.
pub type OnEvent<'a> = &'a mut dyn FnMut(&TrainState, &TrainEvent) -> ControlFlow<()>;

/// Why training ends early.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A picture.
    #[error(transparent)]
    Photo(#[from] PhotoError),
    /// There is no label map.
    #[error(transparent)]
    Open(#[from] OpenLabelsError),
    /// A label map does not fit.
    #[error("{why}: {path}", path = .path.display())]
    Labels {
        /// What is wrong with it.
        why: String,
        /// The file.
        path: PathBuf,
    },
    /// A step.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// A validation.
    #[error("validation: {0}")]
    Validation(String),
    /// There is nothing to learn from.
    #[error("expected pictures to learn from, found none")]
    NoPictures,
}

impl Training<'_> {
    /// Looks at all files before the first step; a sentence for each that cannot be used.
    pub fn offenders(&self) -> Vec<String> {
        let all = self.pairs.par_iter().chain(self.validation.par_iter());
        all.filter_map(|pair| self.sample(pair).err().map(|why| why.to_string()))
            .collect()
    }

    /// A picture with its labels.
    fn sample(&self, pair: &Pair) -> Result<(Photo, LabelMap), TrainError> {
        let photo = Photo::open(&pair.file)?;
        let failed = |why: String| TrainError::Labels {
            why,
            path: pair.truth.clone(),
        };
        let mut labels = LabelMap::open(&pair.truth)?;
        if [labels.width, labels.height] != [photo.width, photo.height] {
            return Err(failed(format!(
                "expected labels as large as the picture ({} x {}), found {} x {}",
                photo.width, photo.height, labels.width, labels.height
            )));
        }
        let name = pair.truth.file_name().unwrap_or_default().to_string_lossy();
        let mut rules = TruthRules::of(&self.classes.name, self.classes.len(), &name);
        if let Some(ignored) = &self.ignored {
            rules.ignored.clone_from(ignored);
        }
        rules.apply(&mut labels, self.classes.len()).map_err(|id| {
            failed(format!(
                "expected ids of {} classes or ignored ones, found {id}",
                self.classes.len()
            ))
        })?;
        Ok((photo, labels))
    }

    /// Goes on until all steps are made or `on_event` says `Break`.
    ///
    /// Which pictures a step takes and how they are changed depends on its number alone, so a training that was stopped
    /// goes on as if it had not been.
    ///
    /// # Errors
    /// When a file cannot be read, the device fails or the loss is not finite.
    pub fn run(&self, state: &mut TrainState, on_event: OnEvent) -> Result<(), TrainError> {
        if self.pairs.is_empty() {
            return Err(TrainError::NoPictures);
        }
        let targets: Vec<Target> = (0..self.spec.decoders.len())
            .map(|decoder| Target {
                output: Output::main(decoder),
                weight: 1.0,
            })
            .collect();
        loop {
            if self.is_validation_due(state) && self.validate_and_tell(state, on_event)?.is_break() {
                return Ok(());
            }
            if state.iteration >= self.config.schedule.iterations {
                return Ok(());
            }
            let start = Instant::now();
            let samples = self.samples(state.iteration)?;
            let batch = batch_of(samples, &self.spec.normalisation);
            let mut learned = learn(
                self.spec,
                &state.weights,
                &batch,
                &targets,
                self.config.averaging,
                self.device,
            )?;
            if let Some(most) = self.config.clip {
                clip_global_norm(&mut learned.gradients, most);
            }
            let rate = self.config.schedule.at(state.iteration);
            state.optimiser.step(&mut state.weights, &learned.gradients, |name| {
                self.step_size(name, rate)
            });
            state.iteration += 1;
            let [labelled, right] = learned.pixels;
            let step = TrainEvent::Step {
                iteration: state.iteration,
                rate,
                losses: learned.losses,
                accuracy: (labelled > 0).then(|| right as f64 / labelled as f64),
                time: start.elapsed(),
            };
            if on_event(state, &step).is_break() {
                return Ok(());
            }
        }
    }

    /// Whether the network is to be scored as it is: every so many steps, and after the last one. A training that was
    /// stopped meanwhile makes up for it.
    fn is_validation_due(&self, state: &TrainState) -> bool {
        let (every, at) = (self.config.validate_every, state.iteration);
        let is_due = at > 0 && (at.is_multiple_of(every) || at == self.config.schedule.iterations);
        every > 0 && !self.validation.is_empty() && is_due && state.validated != Some(at)
    }

    fn validate_and_tell(&self, state: &mut TrainState, on_event: OnEvent) -> Result<ControlFlow<()>, TrainError> {
        let scores = self.validate(state)?;
        let ious = scores.iter().filter_map(|scores| scores.confusion.mean_iou());
        let mean = ious.sum::<f64>() / scores.len().max(1) as f64;
        let best = state.best.is_none_or(|(before, _)| mean > before);
        if best {
            state.best = Some((mean, state.iteration));
        }
        state.validated = Some(state.iteration);
        let validated = TrainEvent::Validated {
            iteration: state.iteration,
            scores,
            best,
        };
        Ok(on_event(state, &validated))
    }

    /// How large a step of a parameter is.
    fn step_size(&self, name: &str, rate: f64) -> StepSize {
        let factor = match name.starts_with("decoders.") {
            true => self.config.decoder_rate,
            false => 1.0,
        };
        StepSize {
            rate: rate * factor,
            decays: decays(name),
        }
    }

    /// The order of the pictures in an epoch.
    fn order(&self, epoch: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.pairs.len()).collect();
        seeded(self.config.seed, epoch as u64, 1).shuffle(&mut order);
        order
    }

    /// The changed pictures of a step.
    fn samples(&self, iteration: usize) -> Result<Vec<Sample>, TrainError> {
        let (count, first) = (self.pairs.len(), iteration * self.config.batch);
        let last = first + self.config.batch;
        let first_epoch = first / count;
        let orders: Vec<Vec<usize>> = (first_epoch..last.div_ceil(count))
            .map(|epoch| self.order(epoch))
            .collect();
        (first..last)
            .into_par_iter()
            .map(|place| {
                let order = &orders[place / count - first_epoch];
                let (photo, labels) = self.sample(&self.pairs[order[place % count]])?;
                let mut rng = seeded(self.config.seed, place as u64, 2);
                let augmentation = &self.config.augmentation;
                Ok(augmentation.apply(&photo, &labels, self.classes.len(), &mut rng))
            })
            .collect()
    }

    /// Scores of each decoder over the validation pictures.
    fn validate(&self, state: &TrainState) -> Result<Vec<Scores>, TrainError> {
        let failed = |why: String| TrainError::Validation(why);
        let network =
            Network::build(self.spec, state.weights.clone(), self.device).map_err(|why| failed(why.to_string()))?;
        let settings = Settings::of(&self.spec.inference);
        let mut scores = vec![Scores::new(self.classes.len()); self.spec.decoders.len()];
        for pair in self.validation {
            let (photo, truth) = self.sample(pair)?;
            let passes = settings
                .passes(&photo, self.spec.encoder.patch)
                .map_err(|why| failed(why.to_string()))?;
            for (decoder, scores) in scores.iter_mut().enumerate() {
                let run = Run {
                    model: &network,
                    spec: self.spec,
                    output: Output::main(decoder),
                    device: self.device,
                };
                let prediction = run.stream(&passes, [photo.width, photo.height], &mut NoProbe);
                let prediction = prediction.map_err(|why| failed(why.to_string()))?;
                let seconds = prediction.timings.total().as_secs_f64();
                if !scores.add(&pair.name, &prediction.labels.map, &truth, seconds) {
                    return Err(failed(format!("{}: sizes differ", pair.name)));
                }
            }
        }
        Ok(scores)
    }
}

/// Whether weight decay holds for a parameter: for matrices, and neither for norms and biases nor for tokens and
/// embeddings (rstrudel segm/model: `no_weight_decay`).
fn decays(name: &str) -> bool {
    let is_matrix = name.ends_with(".weight") || name.ends_with(".proj_patch") || name.ends_with(".proj_classes");
    is_matrix && !name.contains("norm")
}

/// A generator for one purpose at one place.
fn seeded(seed: u64, place: u64, purpose: u64) -> Rng {
    // Odd constants of SplitMix64 keep neighbours apart.
    let mixed = seed
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(place.wrapping_mul(0xBF58_476D_1CE4_E5B9))
        .wrapping_add(purpose.wrapping_mul(0x94D0_49BB_1331_11EB));
    Rng::with_seed(mixed)
}

/// Where the files of a training lie.
#[derive(Clone, Debug)]
pub struct TrainFolder(PathBuf);

impl TrainFolder {
    /// In this folder.
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// What going on needs.
    pub fn state(&self) -> PathBuf {
        self.0.join("last.state.safetensors")
    }

    /// The bundle with the best validation.
    pub fn best(&self) -> PathBuf {
        self.0.join("best.safetensors")
    }

    /// The bundle after the last step.
    pub fn last(&self) -> PathBuf {
        self.0.join("last.safetensors")
    }

    /// A line for each step.
    pub fn log(&self) -> PathBuf {
        self.0.join("log.csv")
    }

    /// The configuration.
    pub fn config(&self) -> PathBuf {
        self.0.join("train.toml")
    }
}

#[cfg(test)]
mod tests {
    use super::decays;

    #[test]
    fn matrices_decay_and_nothing_else_does() {
        for name in [
            "encoder.blocks.0.attn.qkv.weight",
            "decoders.mask.proj_patch",
            "encoder.patch_embed.proj.weight",
        ] {
            assert!(decays(name), "{name}");
        }
        for name in [
            "encoder.blocks.0.norm1.weight",
            "encoder.blocks.0.attn.qkv.bias",
            "encoder.pos_embed",
            "encoder.cls_token",
            "decoders.mask.cls_emb",
            "decoders.mask.mask_norm.weight",
            "decoders.mask.proj_dec.bias",
        ] {
            assert!(!decays(name), "{name}");
        }
    }
}
