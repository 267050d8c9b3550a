//! Times training steps of a network with random weights: forward and backward pass, and AdamW.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::labels::LabelMap;
use crate::model::{ModelSpec, Products, TrainingMemory, Weights};
use crate::runtime::OpenDevice;
use crate::train::{Batch, DropRates, LossReduction, Objective, Optimiser, OptimiserSpec, StepSize, Target};

/// Durations of `steps` steps on one batch of `images` images of `size` x `size` pixels, multiplied by `products`, after
/// one step of warm-up.
pub(super) fn step_times(
    spec: &ModelSpec,
    device: &OpenDevice,
    [images, size]: [usize; 2],
    steps: usize,
    products: Products,
) -> Result<Vec<Duration>> {
    let mut weights = Weights::random(spec, 1);
    let mut random = fastrand::Rng::with_seed(1);
    let labels = (0..images).map(|_| LabelMap {
        width: size,
        height: size,
        ids: (0..size * size).map(|_| random.u16(..) % spec.classes as u16).collect(),
    });
    let labels = labels.collect();
    let batch = Batch {
        values: (0..images * 3 * size * size)
            .map(|_| random.f32() * 2.0 - 1.0)
            .collect(),
        size: [size; 2],
        labels,
    };
    let targets: Vec<Target> = spec
        .outputs()
        .into_iter()
        .map(|output| Target { output, weight: 1.0 })
        .collect();
    let mut optimiser = Optimiser::new(OptimiserSpec::AdamW {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.01,
    });
    let memory = TrainingMemory::default();
    let mut times = Vec::with_capacity(steps + 1);
    for step in 0..=steps {
        let start = Instant::now();
        let objective = Objective {
            spec,
            targets: &targets,
            loss_reduction: LossReduction::Labelled,
            drop_rates: DropRates::NONE,
            seed: step as u64,
            device: &device.device,
            memory: &memory,
            products,
        };
        let learned = objective.learn(&weights, &batch)?;
        optimiser.step(&mut weights, &learned.gradients, |_| StepSize {
            rate: 1e-4,
            decays: true,
        });
        times.push(start.elapsed());
    }
    Ok(times.split_off(1))
}
