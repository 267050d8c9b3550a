//! Losses and gradients of a batch in host memory, one image after another on each core.

use rayon::prelude::*;

use super::batch_step::{Batch, BatchGradients, LearnError, Objective, most_parts};
use super::drop_rates::Dropper;
use super::loss::cross_entropy;
use super::random::seeded;
use crate::labels::LabelMap;
use crate::model::{Kept, Lesson, Output, Stage, TrainingNetwork, Weights};

/// See [`Objective::learn`]; all targets are covered by a [`TrainingNetwork`].
pub(super) fn learn(objective: &Objective, weights: &Weights, batch: &Batch) -> Result<BatchGradients, LearnError> {
    let outputs: Vec<Output> = objective.targets.iter().map(|target| target.output).collect();
    let network = TrainingNetwork::new(
        objective.spec,
        outputs.iter().copied(),
        weights,
        objective.memory,
        objective.products,
    )?;
    let pixel = objective.loss_reduction.weight(&batch.labels, objective.spec.classes);
    let parts = rayon::current_num_threads().min(most_parts(weights, 1));
    let each = batch.labels.len().div_ceil(parts.max(1)).max(1);
    let values = 3 * batch.size[0] * batch.size[1];
    let images = batch.values.par_chunks(each * values);
    let shares = images.zip(batch.labels.par_chunks(each)).enumerate();
    let parts = shares.map(|(i, (pixels, labels))| {
        let mut learned = BatchGradients::new(objective.targets.len());
        let mut gradients = network.zero_gradients();
        for (k, (pixels, labels)) in pixels.chunks_exact(values).zip(labels).enumerate() {
            let mut lesson = ImageLesson {
                objective,
                labels,
                pixel,
                dropper: dropper(objective, i * each + k),
                learned: &mut learned,
            };
            network.learn(pixels, batch.size, &outputs, &mut lesson, &mut gradients);
        }
        learned.gradients = network.named(gradients);
        learned
    });
    let mut learned = BatchGradients::new(objective.targets.len());
    for part in parts.collect::<Vec<_>>() {
        learned.add(part);
    }
    learned.checked()
}

/// The dropper of one image of a batch.
fn dropper<'a>(objective: &Objective<'a>, image: usize) -> Dropper<'a> {
    let rngs = vec![seeded(objective.seed, image as u64, 3)];
    Dropper::new(
        objective.drop_rates,
        objective.spec.encoder.layers(),
        rngs,
        objective.device,
    )
}

/// The labels of an image, and where its losses go.
struct ImageLesson<'a> {
    objective: &'a Objective<'a>,
    labels: &'a LabelMap,
    /// The weight of each pixel.
    pixel: f32,
    dropper: Dropper<'a>,
    learned: &'a mut BatchGradients,
}

impl Lesson for ImageLesson<'_> {
    fn kept(&mut self, stage: Stage, tokens: usize, dim: usize) -> Kept {
        self.dropper.kept(stage, 0, tokens, dim)
    }

    fn gradient(&mut self, target: usize, logits: &[f32], grid: [usize; 2]) -> Vec<f32> {
        let labels = std::slice::from_ref(self.labels);
        let loss = cross_entropy(logits, grid, self.objective.spec.classes, labels, self.pixel);
        self.learned.losses[target] += loss.value;
        if target == 0 {
            self.learned.pixels = [0, 1].map(|i| self.learned.pixels[i] + loss.pixels[i]);
        }
        let weight = self.objective.targets[target].weight as f32;
        let mut gradient = loss.gradient;
        gradient.iter_mut().for_each(|x| *x *= weight);
        gradient
    }
}
