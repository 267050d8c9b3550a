//! Optimisers over tensors in host memory, with PyTorch's rules.
//!
//! Parameters, gradients and state are named tensors, so that a state can be saved and resumed exactly, whatever the
//! device that computed the gradients.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::model::Weights;

/// An optimiser and its constants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum OptimiserSpec {
    /// Stochastic gradient descent with momentum, without dampening (`torch.optim.SGD`).
    Sgd {
        /// Share of the last step that enters the next one.
        momentum: f32,
        /// Whether to use Nesterov momentum, which looks ahead.
        nesterov: bool,
        /// Added to the gradient, times the parameter.
        #[serde(rename = "weight-decay", alias = "weight_decay")]
        weight_decay: f32,
    },
    /// Adam with decoupled weight decay (`torch.optim.AdamW`).
    AdamW {
        /// Decay of the mean of gradients.
        beta1: f32,
        /// Decay of the mean of their squares.
        beta2: f32,
        /// Added to the square root of the mean of squares.
        epsilon: f32,
        /// Subtracted from the parameter, times the parameter and the learning rate.
        #[serde(rename = "weight-decay", alias = "weight_decay")]
        weight_decay: f32,
    },
}

/// An optimiser with its state.
#[derive(Clone, Debug)]
pub struct Optimiser {
    /// The optimiser and its constants.
    pub spec: OptimiserSpec,
    /// Number of completed steps.
    pub steps: u64,
    /// Momentum, or mean and mean square, by the name of the parameter.
    pub state: BTreeMap<String, [Vec<f32>; 2]>,
}

/// How one parameter is updated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepSize {
    /// Learning rate.
    pub rate: f64,
    /// Whether weight decay applies to it.
    pub decays: bool,
}

impl OptimiserSpec {
    /// Checks that every number is in its range.
    pub(super) fn check(&self) -> Result<(), String> {
        let numbers = match *self {
            Self::Sgd {
                momentum, weight_decay, ..
            } => vec![
                ("momentum", momentum, 0.0..=0.9999),
                ("weight-decay", weight_decay, 0.0..=100.0),
            ],
            Self::AdamW {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            } => vec![
                ("beta1", beta1, 0.0..=0.9999),
                ("beta2", beta2, 0.0..=0.999_99),
                ("epsilon", epsilon, 1e-20..=1.0),
                ("weight-decay", weight_decay, 0.0..=100.0),
            ],
        };
        let wrong = numbers.into_iter().find(|(_, value, range)| !range.contains(value));
        wrong.map_or(Ok(()), |(name, value, range)| {
            Err(format!(
                "{name}: expected {} to {}, found {value}",
                range.start(),
                range.end()
            ))
        })
    }
}

impl Optimiser {
    /// An optimiser before its first step.
    pub fn new(spec: OptimiserSpec) -> Self {
        Self {
            spec,
            steps: 0,
            state: BTreeMap::new(),
        }
    }

    /// Updates the weights that have `gradients`; `size` gives the step size of a parameter by its name.
    pub fn step(&mut self, weights: &mut Weights, gradients: &Weights, size: impl Fn(&str) -> StepSize) {
        self.steps += 1;
        for (name, gradient) in gradients.iter() {
            let Some(mut parameter) = weights.remove(name) else {
                continue;
            };
            let values = &mut parameter.values;
            let first = !self.state.contains_key(name);
            let [mean, square] = self.state.entry(name.to_owned()).or_default();
            mean.resize(values.len(), 0.0);
            let StepSize { rate, decays } = size(name);
            match self.spec {
                OptimiserSpec::Sgd {
                    momentum,
                    nesterov,
                    weight_decay,
                } => {
                    let decay = if decays { weight_decay } else { 0.0 };
                    let rate = rate as f32;
                    let all = values
                        .par_iter_mut()
                        .zip(mean.par_iter_mut())
                        .zip(gradient.values.par_iter());
                    all.for_each(|((value, mean), gradient)| {
                        let push = gradient + decay * *value;
                        *mean = if first { push } else { momentum * *mean + push };
                        *value -= rate * if nesterov { push + momentum * *mean } else { *mean };
                    });
                }
                OptimiserSpec::AdamW {
                    beta1,
                    beta2,
                    epsilon,
                    weight_decay,
                } => {
                    square.resize(values.len(), 0.0);
                    let steps = self.steps as f64;
                    let corrected = |beta: f32| 1.0 - f64::from(beta).powf(steps);
                    let step = (rate / corrected(beta1)) as f32;
                    let root = corrected(beta2).sqrt() as f32;
                    let kept = if decays {
                        1.0 - (rate * f64::from(weight_decay)) as f32
                    } else {
                        1.0
                    };
                    let state = mean.par_iter_mut().zip(square.par_iter_mut());
                    let all = values.par_iter_mut().zip(state).zip(gradient.values.par_iter());
                    all.for_each(|((value, (mean, square)), gradient)| {
                        *value *= kept;
                        *mean += (1.0 - beta1) * (gradient - *mean);
                        *square = beta2 * *square + (1.0 - beta2) * gradient * gradient;
                        *value -= step * *mean / (square.sqrt() / root + epsilon);
                    });
                }
            }
            weights.insert(name, parameter);
        }
    }
}

/// Scales gradients so that their common norm is at most `most`, as `torch.nn.utils.clip_grad_norm_` does; returns the
/// norm before.
pub fn clip_global_norm(gradients: &mut Weights, most: f64) -> f64 {
    let square = |values: &[f32]| values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
    let norm = gradients
        .iter()
        .map(|(_, tensor)| square(&tensor.values))
        .sum::<f64>()
        .sqrt();
    let factor = (most / (norm + 1e-6)) as f32;
    if factor < 1.0 {
        gradients.scale(factor);
    }
    norm
}
