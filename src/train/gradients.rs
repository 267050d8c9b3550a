//! What a batch of pictures says about every parameter.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::loss::{Averaging, Loss, cross_entropy};
use crate::labels::LabelMap;
use crate::model::{LastUpsampling, ModelSpec, Network, NoProbe, Output, Weights, WeightsMismatch};

/// Pictures as a network takes them, with their labels.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Normalised pictures, `[picture, 3, height, width]`.
    pub image: Vec<f32>,
    /// Width and height, multiples of the patch.
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

/// What a batch says.
#[derive(Debug, Default)]
pub struct Learned {
    /// The mean loss of each target, before its weight.
    pub losses: Vec<f64>,
    /// Pixels that have a class, and those of them that the first target labels right.
    pub pixels: [u64; 2],
    /// The gradient of the weighted sum, under the names of [`crate::model::tensors_of`].
    pub gradients: Weights,
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
    #[error("the loss is not a number any more; use a smaller learning rate or clip the gradients")]
    NotFinite,
}

/// Runs a batch forwards and backwards.
///
/// The loss of each target is made in host memory at the size of the labels, with its gradient on the grid of the logits
/// ([`cross_entropy`]); only that goes back through the network. On the CPU each core takes a part of the pictures, for
/// most of what a network does backwards keeps one core busy.
///
/// # Errors
/// When the weights are not those of `spec`, the device fails or the loss is not finite.
pub fn learn(
    spec: &ModelSpec,
    weights: &Weights,
    batch: &Batch,
    targets: &[Target],
    averaging: Averaging,
    device: &Device,
) -> Result<Learned, LearnError> {
    let pixel = averaging.weight(&batch.labels, spec.classes);
    let threads = match *device == Device::flex() {
        true => rayon::current_num_threads().min(most_parts(weights)),
        false => 1,
    };
    let pictures = batch.labels.len().div_ceil(threads.max(1)).max(1);
    let values = 3 * batch.size[0] * batch.size[1];
    let parts: Vec<(&[f32], &[LabelMap])> = batch
        .image
        .chunks(pictures * values)
        .zip(batch.labels.chunks(pictures))
        .collect();
    let learned: Vec<Result<Learned, LearnError>> = parts
        .into_par_iter()
        .map(|(image, labels)| learn_part(spec, weights, (image, labels, batch.size), targets, pixel, device))
        .collect();
    let mut sum: Option<Learned> = None;
    for part in learned {
        let part = part?;
        match &mut sum {
            Some(sum) => sum.add(part),
            None => sum = Some(part),
        }
    }
    Ok(sum.unwrap_or_default())
}

/// Parts that may be at work at once: each has a copy of the weights and gradients of its own.
fn most_parts(weights: &Weights) -> usize {
    const MOST_BYTES: usize = 8 << 30;
    let of_part = 3 * weights.parameters() * size_of::<f32>();
    (MOST_BYTES / of_part.max(1)).max(1)
}

impl Learned {
    fn add(&mut self, other: Self) {
        for (sum, loss) in self.losses.iter_mut().zip(other.losses) {
            *sum += loss;
        }
        self.pixels = [0, 1].map(|i| self.pixels[i] + other.pixels[i]);
        self.gradients.add(&other.gradients);
    }
}

/// Learns from some pictures of a batch.
fn learn_part(
    spec: &ModelSpec,
    weights: &Weights,
    (image, labels, [width, height]): (&[f32], &[LabelMap], [usize; 2]),
    targets: &[Target],
    pixel: f32,
    device: &Device,
) -> Result<Learned, LearnError> {
    let device = device.clone().autodiff();
    let (network, names) = Network::build_named(spec, weights.clone(), &device)?;
    let shape = [labels.len(), 3, height, width];
    let image = Tensor::<4>::from_data(TensorData::new(image.to_vec(), shape), &device);
    // Nothing cancels it.
    let cancelled = |_| LearnError::Device("cancelled".into());
    let features = network.encode(image, &mut NoProbe).map_err(cancelled)?;
    let mut losses = Vec::new();
    let mut pixels = None;
    let mut sum: Option<Tensor<1>> = None;
    for target in targets {
        let decoded = network.decode(&features, target.output, LastUpsampling::LeftOut, &mut NoProbe);
        let logits = decoded.map_err(cancelled)?;
        let values = logits.values.clone().try_into_data();
        let values = values.map_err(|why| LearnError::Device(why.to_string()))?;
        let values: Vec<f32> = values
            .try_into_vec()
            .map_err(|why| LearnError::Device(format!("{why:?}")))?;
        let Loss {
            value,
            gradient,
            pixels: counted,
        } = cross_entropy(&values, logits.grid, spec.classes, labels, pixel);
        if !value.is_finite() {
            return Err(LearnError::NotFinite);
        }
        losses.push(value);
        pixels.get_or_insert(counted);
        let shape = logits.values.dims();
        let gradient = Tensor::<3>::from_data(TensorData::new(gradient, shape), &device);
        // A sum whose gradient with respect to the logits is the loss's own.
        let part = (logits.values * gradient).sum() * target.weight;
        sum = Some(match sum {
            Some(sum) => sum + part,
            None => part,
        });
    }
    let gradients = match sum {
        Some(sum) => network.named_gradients(&names, &sum.backward()),
        None => Weights::default(),
    };
    Ok(Learned {
        losses,
        pixels: pixels.unwrap_or_default(),
        gradients,
    })
}
