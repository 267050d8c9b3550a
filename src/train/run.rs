//! The training loop.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use burn::tensor::Device;
use rayon::prelude::*;

use super::augment::{Sample, batch_of};
use super::batch_step::{BatchGradients, LearnError, Objective, Target};
use super::config::TrainConfig;
use super::drop_rates::DropRates;
use super::optimiser::{StepSize, clip_global_norm};
use super::parameters::{Parameters, Stepping};
use super::random::seeded;
use super::state::{StateError, TrainState};
use crate::datasets::{Pair, Survey, TruthError, TruthMap, TruthReader};
use crate::evaluate::Scores;
use crate::labels::{ClassSet, LabelMap};
use crate::model::{
    InferenceNetwork, Kernels, ModelSpec, NoProbe, Output, Precision, Products, TrainingMemory, UsualConfidence,
};
use crate::photo::{Photo, PhotoError};
use crate::segment::{InferenceConfig, InferenceRun};

/// A training without its state.
pub struct Training<'a> {
    /// The configuration.
    pub config: &'a TrainConfig,
    /// The network.
    pub spec: &'a ModelSpec,
    /// The classes.
    pub classes: &'a ClassSet,
    /// The reader of label maps.
    pub reader: &'a TruthReader,
    /// Training images with their label maps.
    pub pairs: &'a [Pair],
    /// Validation images with their label maps; may be empty.
    pub validation: &'a [Pair],
    /// The device to compute on.
    pub device: &'a Device,
    /// The kernels to validate with on the CPU.
    pub kernels: Kernels,
    /// How steps multiply; see [`TrainPrecision::products`](super::TrainPrecision::products).
    pub products: Products,
    /// Whether to stop; called for each file that is checked and each image that is scored.
    pub stops: &'a (dyn Fn() -> bool + Sync),
}

/// An event of a training.
#[derive(Debug)]
pub enum TrainEvent {
    /// A step was completed.
    Step {
        /// Number of completed steps.
        iteration: usize,
        /// Its learning rate.
        rate: f64,
        /// Mean loss of each trained output: for each decoder its main head, then its auxiliary heads.
        losses: Vec<f64>,
        /// Share of the batch's labelled pixels that the first output predicts correctly; `None` without labelled
        /// pixels.
        accuracy: Option<f64>,
        /// Its duration.
        time: Duration,
    },
    /// The network was scored.
    Validated {
        /// Number of completed steps.
        iteration: usize,
        /// Scores of each decoder.
        scores: Vec<Scores>,
        /// The label map of the first image from each decoder.
        shown: Vec<LabelMap>,
        /// How sure each decoder was, if there were enough images.
        confidence: Vec<Option<UsualConfidence>>,
        /// Whether the mean of their mean IoU is the best so far.
        best: bool,
    },
}

/// Receives every event; `Break` ends the training between two steps.
pub type OnEvent<'a> = &'a mut dyn FnMut(&TrainState, &TrainEvent) -> ControlFlow<()>;

/// Why training ends early.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// An image cannot be read.
    #[error(transparent)]
    Photo(#[from] PhotoError),
    /// A label map cannot be read.
    #[error(transparent)]
    Truth(#[from] TruthError),
    /// The label maps have no labelled pixels.
    #[error("{0}")]
    NothingLabelled(String),
    /// A step failed.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// The state cannot be saved or read.
    #[error(transparent)]
    State(#[from] StateError),
    /// A validation failed.
    #[error("validation: {0}")]
    Validation(String),
    /// Some files cannot be used.
    #[error(
        "{count} of {all} images or label maps cannot be used; repair them, or name ids that are not classes with \
         --ignore:\n  {listed}"
    )]
    Files {
        /// Number of images that cannot be used, or whose label maps cannot.
        count: usize,
        /// Number of all images.
        all: usize,
        /// One line for each of the first few.
        listed: String,
    },
    /// There are no training images.
    #[error("expected training images, found none")]
    NoImages,
}

impl Training<'_> {
    /// Checks all files before the first step.
    ///
    /// Returns surveys of the training and the validation files, and a sentence for each file that cannot be used.
    pub fn survey(&self) -> ([Survey; 2], Vec<String>) {
        let of = |pairs: &[Pair]| {
            let pairs = pairs.par_iter().filter(|_| !(self.stops)());
            Survey::of(pairs.map(|pair| self.sample(pair).map(|(_, truth)| truth)))
        };
        let (learnt, mut offenders) = of(self.pairs);
        let (validation, others) = of(self.validation);
        offenders.extend(others);
        ([learnt, validation], offenders)
    }

    /// Checks all files as [`Training::survey`] does, and returns findings about the ground truth, each a sentence.
    ///
    /// # Errors
    /// When files cannot be used, with a list of the first ones, or no pixel has a class.
    pub fn check_files(&self) -> Result<Vec<String>, TrainError> {
        const LISTED: usize = 10;
        let ([learnt, validation], offenders) = self.survey();
        if offenders.is_empty() {
            if (self.stops)() {
                // Not every file was checked.
                return Ok(Vec::new());
            }
            let ignored = self.reader.ignored();
            learnt.check(ignored).map_err(TrainError::NothingLabelled)?;
            let mut findings = learnt.findings(self.classes, ignored);
            if !self.validation.is_empty() {
                validation.check(ignored).map_err(TrainError::NothingLabelled)?;
                let of_validation = validation.findings(self.classes, ignored);
                findings.extend(of_validation.into_iter().map(|line| format!("validation: {line}")));
            }
            return Ok(findings);
        }
        let mut listed = offenders.iter().take(LISTED).cloned().collect::<Vec<_>>().join("\n  ");
        if offenders.len() > LISTED {
            listed += &format!("\n  and {} more", offenders.len() - LISTED);
        }
        Err(TrainError::Files {
            count: offenders.len(),
            all: self.pairs.len() + self.validation.len(),
            listed,
        })
    }

    /// An image with its labels.
    fn sample(&self, pair: &Pair) -> Result<(Photo, TruthMap), TrainError> {
        let photo = Photo::open(&pair.file)?;
        let truth = self.reader.read(&pair.truth, Some([photo.width, photo.height]))?;
        Ok((photo, truth))
    }

    /// Trains until all steps are made or `on_event` returns `Break`.
    ///
    /// The images of a step and their augmentation depend on its number alone, so a training that was stopped resumes
    /// as if it had not been stopped.
    ///
    /// # Errors
    /// When a file cannot be read, the device fails or the loss is not finite.
    pub fn run(&self, state: &mut TrainState, on_event: OnEvent) -> Result<(), TrainError> {
        if self.pairs.is_empty() {
            return Err(TrainError::NoImages);
        }
        let targets = self.targets();
        let parameters = Parameters::of(self.spec, self.config);
        let memory = TrainingMemory::default();
        loop {
            if self.is_validation_due(state) && self.validate_and_tell(state, on_event)?.is_break() {
                return Ok(());
            }
            if state.iteration >= self.config.schedule.iterations {
                return Ok(());
            }
            let start = Instant::now();
            let learned = self.learn(state, &targets, &memory)?;
            let rate = self.step(state, &learned, &parameters);
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

    /// Every main head, and every auxiliary head with the published weight of SETR
    /// (mmseg configs/_base_/models/setr_*.py: `loss_weight=0.4`).
    fn targets(&self) -> Vec<Target> {
        const AUXILIARY: f64 = 0.4;
        let target = |output: Output| Target {
            output,
            weight: if output.auxiliary.is_some() { AUXILIARY } else { 1.0 },
        };
        self.spec.outputs().into_iter().map(target).collect()
    }

    /// Losses and gradients of the next step: the mean over its batches.
    fn learn(
        &self,
        state: &TrainState,
        targets: &[Target],
        memory: &TrainingMemory,
    ) -> Result<BatchGradients, TrainError> {
        let batches = self.config.accumulate.max(1);
        let mut sum: Option<BatchGradients> = None;
        for batch in (0..batches).map(|i| state.iteration * batches + i) {
            let samples = self.samples(batch)?;
            let objective = Objective {
                spec: self.spec,
                targets,
                loss_reduction: self.config.loss_reduction,
                drop_rates: DropRates {
                    path: self.config.drop_path,
                    decoder: self.config.dropout,
                },
                seed: seeded(self.config.seed, batch as u64, 4).u64(..),
                device: self.device,
                memory,
                products: self.products,
            };
            let learned = objective.learn(&state.weights, &batch_of(samples, &self.spec.normalisation))?;
            match &mut sum {
                Some(sum) => sum.add(learned),
                None => sum = Some(learned),
            }
        }
        let mut learned = sum.unwrap_or_default();
        learned.scale(1.0 / batches as f32);
        // Without a limit nothing is scaled, and the norm still shows whether all values are finite.
        let norm = clip_global_norm(&mut learned.gradients, self.config.clip_norm.unwrap_or(f64::INFINITY));
        match norm.is_finite() {
            true => Ok(learned),
            false => Err(LearnError::NotFinite.into()),
        }
    }

    /// Updates the weights by the gradients; returns the learning rate.
    fn step(&self, state: &mut TrainState, learned: &BatchGradients, parameters: &Parameters) -> f64 {
        let iteration = state.iteration;
        state.optimiser.step(&mut state.weights, &learned.gradients, |name| {
            let Stepping { rate, decays } = parameters.stepping(name);
            StepSize {
                rate: self.config.schedule.scaled_at(iteration, rate),
                decays,
            }
        });
        // Running statistics move by a tenth towards those of the batch (PyTorch's and mmcv's momentum).
        state.weights.mix(&learned.statistics, 0.1);
        state.iteration += 1;
        if let Some(remains) = self.config.ema_decay {
            let mean = state.average.get_or_insert_with(|| state.weights.clone());
            // The decay is smaller at first, so that the EMA is a mean over the few steps made so far.
            let steps = state.iteration as f32;
            mean.mix(&state.weights, 1.0 - remains.min((steps + 1.0) / (steps + 10.0)));
        }
        self.config.schedule.at(iteration)
    }

    /// Whether a validation is due: at the configured interval and after the last step. A training that was stopped
    /// during a validation repeats it.
    fn is_validation_due(&self, state: &TrainState) -> bool {
        let (every, at) = (self.config.validate_every, state.iteration);
        let is_due = at > 0 && (at.is_multiple_of(every) || at == self.config.schedule.iterations);
        every > 0 && !self.validation.is_empty() && is_due && state.validated != Some(at)
    }

    fn validate_and_tell(&self, state: &mut TrainState, on_event: OnEvent) -> Result<ControlFlow<()>, TrainError> {
        let Some(Validation { scores, shown, means }) = self.validate(state)? else {
            // The validation is repeated when the training resumes.
            return Ok(ControlFlow::Break(()));
        };
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
            shown,
            confidence: means.into_iter().map(UsualConfidence::of).collect(),
            best,
        };
        Ok(on_event(state, &validated))
    }

    /// The order of the images in an epoch.
    fn order(&self, epoch: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.pairs.len()).collect();
        seeded(self.config.seed, epoch as u64, 1).shuffle(&mut order);
        order
    }

    /// The augmented images of a batch, by its number.
    fn samples(&self, batch: usize) -> Result<Vec<Sample>, TrainError> {
        let (count, first) = (self.pairs.len(), batch * self.config.batch_size);
        let last = first + self.config.batch_size;
        let first_epoch = first / count;
        let orders: Vec<Vec<usize>> = (first_epoch..last.div_ceil(count))
            .map(|epoch| self.order(epoch))
            .collect();
        (first..last)
            .into_par_iter()
            .map(|place| {
                let order = &orders[place / count - first_epoch];
                let (photo, truth) = self.sample(&self.pairs[order[place % count]])?;
                let labels = truth.map;
                let mut rng = seeded(self.config.seed, place as u64, 2);
                let augmentation = &self.config.augmentation;
                Ok(augmentation.apply(&photo, &labels, self.classes.len(), &mut rng))
            })
            .collect()
    }

    /// Scores of each decoder over the validation images, and its label map of the first one; `None` when stopped.
    fn validate(&self, state: &TrainState) -> Result<Option<Validation>, TrainError> {
        let failed = |why: String| TrainError::Validation(why);
        let mut weights = state.to_keep().clone();
        // f32, so that the scores do not depend on the processor.
        let network = InferenceNetwork::build(self.spec, &mut weights, self.device, Precision::F32, self.kernels)
            .map_err(|why| failed(why.to_string()))?;
        let mut shown = Vec::new();
        let settings = InferenceConfig::of(&self.spec.inference);
        let mut scores = vec![Scores::new(self.classes.len()); self.spec.decoders.len()];
        let mut means = vec![Vec::new(); scores.len()];
        for pair in self.validation {
            if (self.stops)() {
                return Ok(None);
            }
            let (photo, TruthMap { map: truth, .. }) = self.sample(pair)?;
            let passes = settings
                .passes(&photo, self.spec.encoder.multiple())
                .map_err(|why| failed(why.to_string()))?;
            let run = |decoder| InferenceRun {
                model: &network,
                spec: self.spec,
                output: Output::main(decoder),
                device: self.device,
            };
            // The encoder runs once for all decoders, because it takes most of the time.
            let start = Instant::now();
            let encoded = run(0).encode(&passes, [photo.width, photo.height], &mut NoProbe);
            let encoded = encoded.map_err(|why| failed(why.to_string()))?;
            let encoding = start.elapsed();
            for (decoder, scores) in scores.iter_mut().enumerate() {
                let prediction = run(decoder).predict(&encoded, encoding, &mut NoProbe);
                let prediction = prediction.map_err(|why| failed(why.to_string()))?;
                let seconds = prediction.timings.total().as_secs_f64();
                if !scores.add(&pair.name, &prediction.labels.map, &truth, seconds) {
                    return Err(failed(format!("{}: sizes differ", pair.name)));
                }
                means[decoder].push(prediction.labels.mean_confidence());
                if shown.len() < self.spec.decoders.len() {
                    shown.push(prediction.labels.map);
                }
            }
        }
        Ok(Some(Validation { scores, shown, means }))
    }
}

/// The result of a validation.
struct Validation {
    /// Scores of each decoder.
    scores: Vec<Scores>,
    /// The label map of the first image, by each decoder.
    shown: Vec<LabelMap>,
    /// Mean confidence of each image, by each decoder.
    means: Vec<Vec<f32>>,
}
