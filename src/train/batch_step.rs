//! Losses and gradients of a batch of images.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::drop_rates::{DropRates, Dropper};
use super::image_step;
use super::loss::{Loss, LossReduction, cross_entropy};
use super::random::seeded;
use crate::labels::LabelMap;
use crate::model::{
    Features, JoinedFeatures, LastUpsampling, ModelSpec, Network, NoProbe, Output, ParameterNames, Probe, Products,
    TrainingMemory, TrainingNetwork, Weights, WeightsMismatch,
};

/// Images as network input, with their labels.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Normalised images, `[image, 3, height, width]`.
    pub values: Vec<f32>,
    /// Width and height in pixels, multiples of the size that the encoder requires.
    pub size: [usize; 2],
    /// A label map of this size for each image; ids that are not classes are ignored.
    pub labels: Vec<LabelMap>,
}

/// An output to train, and the weight of its loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The output.
    pub output: Output,
    /// The factor of its loss: 1 for a main head, 0.4 for an auxiliary head in the published SETR.
    pub weight: f64,
}

/// A network and how it is trained on a batch.
#[derive(Clone, Copy, Debug)]
pub struct Objective<'a> {
    /// The network.
    pub spec: &'a ModelSpec,
    /// The outputs to train.
    pub targets: &'a [Target],
    /// What losses are divided by.
    pub loss_reduction: LossReduction,
    /// The probabilities of drop path and dropout.
    pub drop_rates: DropRates,
    /// The random seed, a different one for each batch.
    pub seed: u64,
    /// The device to compute on.
    pub device: &'a Device,
    /// Memory that the batches of a training use one after another.
    pub memory: &'a TrainingMemory,
    /// How a [`TrainingNetwork`] multiplies; burn modules compute in f32.
    pub products: Products,
}

/// The losses and gradients of a batch.
#[derive(Debug, Default)]
pub struct BatchGradients {
    /// The mean loss of each target, before its weight.
    pub losses: Vec<f64>,
    /// Number of pixels that have a class, and of those that the first target predicts correctly.
    pub pixels: [u64; 2],
    /// The gradient of the weighted sum of losses, under the names of [`crate::model::tensors_of`].
    pub gradients: Weights,
    /// Mean and unbiased variance of the inputs of the batch norms, under the names of the running statistics.
    pub statistics: Weights,
}

/// Why training on a batch fails.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// The weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsMismatch),
    /// The device failed.
    #[error("the device failed ({0}); train on the CPU")]
    Device(String),
    /// The loss is not a number.
    #[error(
        "the loss is no longer a number; start again in another folder with a smaller learning rate or clipped \
         gradients, from the best bundle of this training (--init) or from its initial weights"
    )]
    NotFinite,
}

impl Objective<'_> {
    /// Runs the forward and backward pass of a batch.
    ///
    /// The loss of each target is computed in host memory at the size of the labels, with its gradient on the grid of
    /// the logits ([`cross_entropy`]); only this gradient is passed back through the network. On the CPU each core
    /// takes a part of the images. Where a [`TrainingNetwork`] covers all targets, they go through it one by one;
    /// otherwise burn modules take them through the encoder and Segmenter's decoders. Decoders with batch norms, such as
    /// SETR's, take the whole batch at once, because batch norms use its statistics.
    ///
    /// # Errors
    /// When the weights are not those of the network, the device fails or the loss is not finite.
    pub fn learn(&self, weights: &Weights, batch: &Batch) -> Result<BatchGradients, LearnError> {
        let outputs = self.targets.iter().map(|target| target.output);
        if *self.device == Device::flex() && TrainingNetwork::covers(self.spec, outputs) {
            return image_step::learn(self, weights, batch);
        }
        self.learn_by_modules(weights, batch)
    }

    /// As [`Objective::learn`], by burn modules for all targets and on every device.
    ///
    /// # Errors
    /// As [`Objective::learn`].
    pub fn learn_by_modules(&self, weights: &Weights, batch: &Batch) -> Result<BatchGradients, LearnError> {
        let pixel = self.loss_reduction.weight(&batch.labels, self.spec.classes);
        let threads = match *self.device == Device::flex() {
            true => rayon::current_num_threads().min(most_parts(weights, 3)),
            false => 1,
        };
        let device = self.device.clone().autodiff();
        let each = batch.labels.len().div_ceil(threads.max(1)).max(1);
        let values = 3 * batch.size[0] * batch.size[1];
        let images = batch.values.par_chunks(each * values);
        let shares = images.zip(batch.labels.par_chunks(each)).enumerate();
        let parts = shares.map(|(i, (image, labels))| {
            let mut part = MicroBatch::encode(self, weights, image, batch.size, (i * each, labels.len()), &device)?;
            part.learn_each(self, labels, pixel, &device)?;
            Ok(part)
        });
        let mut parts = parts.collect::<Result<Vec<MicroBatch>, LearnError>>()?;
        let mut learned = learn_whole(self, &mut parts, batch, pixel, &device)?;
        let backward: Vec<BatchGradients> = parts.into_par_iter().map(MicroBatch::backward).collect();
        for part in backward {
            learned.add(part);
        }
        learned.checked()
    }

    /// Targets whose decoders take the whole batch at once, or else those whose decoders do not, with their indices.
    fn targets_of(&self, whole: bool) -> impl Iterator<Item = (usize, &Target)> {
        self.targets.iter().enumerate().filter(move |(_, target)| {
            let decoder = self.spec.decoders.get(target.output.decoder);
            decoder.is_some_and(|decoder| decoder.head.has_batch_norm() == whole)
        })
    }
}

/// Maximum number of parts to run at once, each of which has `copies` of the weights and gradients.
pub(super) fn most_parts(weights: &Weights, copies: usize) -> usize {
    const MAX_BYTES: usize = 8 << 30;
    let of_part = copies * weights.parameters() * size_of::<f32>();
    (MAX_BYTES / of_part.max(1)).max(1)
}

impl BatchGradients {
    pub(super) fn new(targets: usize) -> Self {
        Self {
            losses: vec![0.0; targets],
            ..Self::default()
        }
    }

    /// The same, if the losses are finite.
    pub(super) fn checked(self) -> Result<Self, LearnError> {
        match self.losses.iter().all(|loss| loss.is_finite()) {
            true => Ok(self),
            false => Err(LearnError::NotFinite),
        }
    }

    /// Adds the losses and gradients of another part of the same batch, or of another batch.
    pub(super) fn add(&mut self, other: Self) {
        for (sum, loss) in self.losses.iter_mut().zip(other.losses) {
            *sum += loss;
        }
        self.pixels = [0, 1].map(|i| self.pixels[i] + other.pixels[i]);
        self.gradients.add(&other.gradients);
        self.statistics.add(&other.statistics);
    }

    /// Multiplies all sums except the numbers of pixels.
    pub(super) fn scale(&mut self, factor: f32) {
        self.losses.iter_mut().for_each(|loss| *loss *= f64::from(factor));
        self.gradients.scale(factor);
        self.statistics.scale(factor);
    }
}

/// Some images of a batch, between their forward and backward pass.
struct MicroBatch<'a> {
    network: Network,
    names: ParameterNames,
    features: Features,
    dropper: Dropper<'a>,
    learned: BatchGradients,
    /// A scalar whose gradient is that of the loss.
    surrogate: Option<Tensor<1>>,
}

impl<'a> MicroBatch<'a> {
    /// Runs the encoder over the images of a batch from `first` on.
    fn encode(
        objective: &Objective,
        weights: &Weights,
        image: &[f32],
        [width, height]: [usize; 2],
        (first, images): (usize, usize),
        device: &'a Device,
    ) -> Result<Self, LearnError> {
        let (network, names) = Network::build_named(objective.spec, &mut weights.clone(), device)?;
        let shape = [images, 3, height, width];
        let image = Tensor::<4>::from_data(TensorData::new(image.to_vec(), shape), device);
        let rngs = (first..first + images).map(|image| seeded(objective.seed, image as u64, 3));
        let mut dropper = Dropper::new(
            objective.drop_rates,
            objective.spec.encoder.layers(),
            rngs.collect(),
            device,
        );
        let features = network.encode(image, &mut dropper).map_err(|_| cancelled())?;
        Ok(Self {
            network,
            names,
            features,
            dropper,
            learned: BatchGradients::new(objective.targets.len()),
            surrogate: None,
        })
    }

    /// Adds the losses of decoders that treat each image separately.
    fn learn_each(
        &mut self,
        objective: &Objective,
        labels: &[LabelMap],
        pixel: f32,
        device: &Device,
    ) -> Result<(), LearnError> {
        for (i, target) in objective.targets_of(false) {
            let lost = Lost::of(
                &self.network,
                &self.features,
                target,
                labels,
                (objective.spec.classes, pixel),
                &mut self.dropper,
                device,
            )?;
            let surrogate = lost.note(&mut self.learned, i);
            self.add(surrogate);
        }
        Ok(())
    }

    fn add(&mut self, surrogate: Tensor<1>) {
        self.surrogate = Some(plus(self.surrogate.take(), surrogate));
    }

    fn backward(mut self) -> BatchGradients {
        if let Some(sum) = self.surrogate {
            self.learned.gradients = self.network.named_gradients(&self.names, &sum.backward());
        }
        self.learned
    }
}

fn plus(sum: Option<Tensor<1>>, more: Tensor<1>) -> Tensor<1> {
    match sum {
        Some(sum) => sum + more,
        None => more,
    }
}

/// Losses of decoders with batch norms, over the features of all parts at once. Their gradients for the features are
/// stored in the parts, to be passed back through the encoder with the rest.
fn learn_whole(
    objective: &Objective,
    parts: &mut [MicroBatch],
    batch: &Batch,
    pixel: f32,
    device: &Device,
) -> Result<BatchGradients, LearnError> {
    let mut learned = BatchGradients::new(objective.targets.len());
    let Some(first) = parts.first().filter(|_| objective.targets_of(true).next().is_some()) else {
        return Ok(learned);
    };
    let of_parts: Vec<&Features> = parts.iter().map(|part| &part.features).collect();
    let with_last = objective.targets_of(true).any(|(_, target)| {
        let decoder = objective.spec.decoders.get(target.output.decoder);
        decoder.is_some_and(|decoder| decoder.head.needs().tokens)
    });
    let Some(joined) = JoinedFeatures::of(&of_parts, with_last) else {
        return Ok(learned);
    };
    let mut sum: Option<Tensor<1>> = None;
    for (i, target) in objective.targets_of(true) {
        let sizes = (objective.spec.classes, pixel);
        let lost = Lost::of(
            &first.network,
            joined.features(),
            target,
            &batch.labels,
            sizes,
            &mut NoProbe,
            device,
        )?;
        let surrogate = lost.note(&mut learned, i);
        sum = Some(plus(sum, surrogate));
    }
    learned.statistics = first.network.batch_statistics(&first.names);
    let Some(sum) = sum else {
        return Ok(learned);
    };
    let gradients = sum.backward();
    learned.gradients = first.network.named_gradients(&first.names, &gradients);
    let mut start = 0;
    for part in parts.iter_mut() {
        for surrogate in joined.surrogate_losses(&gradients, &part.features, start) {
            part.add(surrogate);
        }
        start += part.features.images();
    }
    Ok(learned)
}

/// The loss of one output.
struct Lost {
    loss: Loss,
    /// A scalar whose gradient is that of the loss, times the target's weight.
    surrogate: Tensor<1>,
}

impl Lost {
    fn of(
        network: &Network,
        features: &Features,
        target: &Target,
        labels: &[LabelMap],
        (classes, pixel): (usize, f32),
        probe: &mut dyn Probe,
        device: &Device,
    ) -> Result<Self, LearnError> {
        let logits = network
            .decode(features, target.output, LastUpsampling::LeftOut, probe)
            .map_err(|_| cancelled())?;
        let values = logits.values.clone().try_into_data();
        let values = values.map_err(|why| LearnError::Device(why.to_string()))?;
        let values: Vec<f32> = values
            .try_into_vec()
            .map_err(|why| LearnError::Device(format!("{why:?}")))?;
        let mut loss = cross_entropy(&values, logits.grid, classes, labels, pixel);
        let shape = logits.values.dims();
        let gradient = TensorData::new(std::mem::take(&mut loss.gradient), shape);
        let gradient = Tensor::<3>::from_data(gradient, device);
        let surrogate = (logits.values * gradient).sum() * target.weight;
        Ok(Self { loss, surrogate })
    }

    /// Records the loss of target `i`, and returns the surrogate.
    fn note(self, learned: &mut BatchGradients, i: usize) -> Tensor<1> {
        learned.losses[i] = self.loss.value;
        if i == 0 {
            learned.pixels = self.loss.pixels;
        }
        self.surrogate
    }
}

/// The error of a cancelled step, which does not occur because nothing cancels a step.
fn cancelled() -> LearnError {
    LearnError::Device("cancelled".into())
}
