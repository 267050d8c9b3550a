//! What a batch of pictures says about every parameter.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::dropping::{Dropper, Dropping};
use super::loss::{Averaging, Loss, cross_entropy};
use super::random::seeded;
use crate::labels::LabelMap;
use crate::model::{
    Features, JoinedFeatures, LastUpsampling, ModelSpec, Network, NoProbe, Output, ParameterNames, Probe, Weights,
    WeightsMismatch,
};

/// Pictures as a network takes them, with their labels.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Normalised pictures, `[picture, 3, height, width]`.
    pub image: Vec<f32>,
    /// Width and height, multiples of the encoder's.
    pub size: [usize; 2],
    /// A label map of this size for each; ids that are no classes are ignored.
    pub labels: Vec<LabelMap>,
}

/// An output that is trained, and how much its loss counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Which.
    pub output: Output,
    /// Its loss is multiplied by this: 1 for a main output, 0.4 for an auxiliary head in the published SETR.
    pub weight: f64,
}

/// What is to be learnt, whatever the batch.
#[derive(Clone, Copy, Debug)]
pub struct Objective<'a> {
    /// The network.
    pub spec: &'a ModelSpec,
    /// Its outputs that are trained.
    pub targets: &'a [Target],
    /// What losses are divided by.
    pub averaging: Averaging,
    /// What is left out at random.
    pub dropping: Dropping,
    /// Where its random numbers begin; another one for each batch.
    pub seed: u64,
    /// Where it is computed.
    pub device: &'a Device,
}

/// What a batch says.
#[derive(Debug, Default)]
pub struct Learned {
    /// The mean loss of each target, before its weight.
    pub losses: Vec<f64>,
    /// Pixels that have a class, and those of them that the first target labels right.
    pub pixels: [u64; 2],
    /// The gradient of the weighted sum, under the names of [`crate::model::tensors_of`].
    pub gradients: Weights,
    /// Mean and unbiased variance of what went through the batch norms, under the names of the running ones.
    pub statistics: Weights,
}

/// Why a batch cannot be learnt from.
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
        "the loss is not a number any more; begin anew in another folder with a smaller learning rate or clipped gradients, from \
         the best bundle of this training (--init) or from where it began"
    )]
    NotFinite,
}

impl Objective<'_> {
    /// Runs a batch forwards and backwards.
    ///
    /// The loss of each target is made in host memory at the size of the labels, with its gradient on the grid of the
    /// logits ([`cross_entropy`]); only that goes back through the network. On the CPU each core takes a part of the
    /// pictures through encoder and Segmenter's decoders, for most of what a network does backwards keeps one core busy.
    /// Decoders with batch norms, as SETR's, see the whole batch at once: batch norms go by its statistics.
    ///
    /// # Errors
    /// When the weights are not those of the network, the device fails or the loss is not finite.
    pub fn learn(&self, weights: &Weights, batch: &Batch) -> Result<Learned, LearnError> {
        let pixel = self.averaging.weight(&batch.labels, self.spec.classes);
        let threads = match *self.device == Device::flex() {
            true => rayon::current_num_threads().min(most_parts(weights)),
            false => 1,
        };
        let device = self.device.clone().autodiff();
        let pictures = batch.labels.len().div_ceil(threads.max(1)).max(1);
        let values = 3 * batch.size[0] * batch.size[1];
        let images = batch.image.par_chunks(pictures * values);
        let shares = images.zip(batch.labels.par_chunks(pictures)).enumerate();
        let parts = shares.map(|(i, (image, labels))| {
            let mut part = Part::encode(self, weights, image, batch.size, (i * pictures, labels.len()), &device)?;
            part.learn_each(self, labels, pixel, &device)?;
            Ok(part)
        });
        let mut parts = parts.collect::<Result<Vec<Part>, LearnError>>()?;
        let mut learned = learn_whole(self, &mut parts, batch, pixel, &device)?;
        let backward: Vec<Learned> = parts.into_par_iter().map(Part::backward).collect();
        for part in backward {
            learned.add(part);
        }
        match learned.losses.iter().all(|loss| loss.is_finite()) {
            true => Ok(learned),
            false => Err(LearnError::NotFinite),
        }
    }

    /// Trained outputs whose decoders do or do not see the whole batch at once, with their place among the targets.
    fn targets_of(&self, whole: bool) -> impl Iterator<Item = (usize, &Target)> {
        self.targets.iter().enumerate().filter(move |(_, target)| {
            let decoder = self.spec.decoders.get(target.output.decoder);
            decoder.is_some_and(|decoder| decoder.head.has_batch_norm() == whole)
        })
    }
}

/// Parts that may be at work at once: each has a copy of the weights and gradients of its own.
fn most_parts(weights: &Weights) -> usize {
    const MOST_BYTES: usize = 8 << 30;
    let of_part = 3 * weights.parameters() * size_of::<f32>();
    (MOST_BYTES / of_part.max(1)).max(1)
}

impl Learned {
    fn new(targets: usize) -> Self {
        Self {
            losses: vec![0.0; targets],
            ..Self::default()
        }
    }

    /// Adds what another part of the same batch says, or another batch.
    pub(super) fn add(&mut self, other: Self) {
        for (sum, loss) in self.losses.iter_mut().zip(other.losses) {
            *sum += loss;
        }
        self.pixels = [0, 1].map(|i| self.pixels[i] + other.pixels[i]);
        self.gradients.add(&other.gradients);
        self.statistics.add(&other.statistics);
    }

    /// Multiplies everything that is summed but the numbers of pixels.
    pub(super) fn scale(&mut self, factor: f32) {
        self.losses.iter_mut().for_each(|loss| *loss *= f64::from(factor));
        self.gradients.scale(factor);
        self.statistics.scale(factor);
    }
}

/// Some pictures of a batch, between their way forwards and their way backwards.
struct Part<'a> {
    network: Network,
    names: ParameterNames,
    features: Features,
    dropper: Dropper<'a>,
    learned: Learned,
    /// A number whose gradient is that of the loss.
    surrogate: Option<Tensor<1>>,
}

impl<'a> Part<'a> {
    /// Runs the encoder over the pictures of a batch from `first` on.
    fn encode(
        objective: &Objective,
        weights: &Weights,
        image: &[f32],
        [width, height]: [usize; 2],
        (first, pictures): (usize, usize),
        device: &'a Device,
    ) -> Result<Self, LearnError> {
        let (network, names) = Network::build_named(objective.spec, weights.clone(), device)?;
        let shape = [pictures, 3, height, width];
        let image = Tensor::<4>::from_data(TensorData::new(image.to_vec(), shape), device);
        let rngs = (first..first + pictures).map(|picture| seeded(objective.seed, picture as u64, 3));
        let mut dropper = Dropper::new(
            objective.dropping,
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
            learned: Learned::new(objective.targets.len()),
            surrogate: None,
        })
    }

    /// Losses of decoders that treat each picture by itself.
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

    fn backward(mut self) -> Learned {
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

/// Losses of decoders with batch norms, over the features of all parts at once. What they say about the features is
/// left with the parts, to go back through the encoder with the rest.
fn learn_whole(
    objective: &Objective,
    parts: &mut [Part],
    batch: &Batch,
    pixel: f32,
    device: &Device,
) -> Result<Learned, LearnError> {
    let mut learned = Learned::new(objective.targets.len());
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
        for surrogate in joined.passed_back(&gradients, &part.features, start) {
            part.add(surrogate);
        }
        start += part.features.pictures();
    }
    Ok(learned)
}

/// What an output has got wrong.
struct Lost {
    loss: Loss,
    /// A number whose gradient is that of the loss, times the target's weight.
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

    /// Notes the loss as that of target `i`.
    fn note(self, learned: &mut Learned, i: usize) -> Tensor<1> {
        learned.losses[i] = self.loss.value;
        if i == 0 {
            learned.pixels = self.loss.pixels;
        }
        self.surrogate
    }
}

/// Nothing cancels a step; if something did, it would be said so.
fn cancelled() -> LearnError {
    LearnError::Device("cancelled".into())
}
