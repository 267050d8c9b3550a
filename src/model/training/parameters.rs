//! The parameters of a network in host memory, and their gradients.

use std::ops::Index;

use super::memory::TrainingMemory;
use crate::model::weights::{HostTensor, NamedShape, Weights, WeightsMismatch};
use crate::numeric::Products;

/// A parameter of a [`Parameters`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot(usize);

/// The tensors of a network that are trained, as they are stored.
#[derive(Debug)]
pub(super) struct Parameters<'a> {
    tensors: Vec<(String, &'a HostTensor)>,
    /// Where passes over them take their memory.
    pub(super) memory: TrainingMemory,
    /// How passes over them multiply.
    pub(super) products: Products,
}

impl<'a> Parameters<'a> {
    /// No parameters yet.
    pub(super) fn new(memory: TrainingMemory, products: Products) -> Self {
        Self {
            tensors: Vec::new(),
            memory,
            products,
        }
    }

    /// Adds the tensor `name` of `weights`.
    pub(super) fn add(&mut self, weights: &'a Weights, name: String) -> Result<Slot, WeightsMismatch> {
        let Some(tensor) = weights.get(&name) else {
            let shape = Vec::new();
            return Err(WeightsMismatch {
                missing: vec![NamedShape { name, shape }],
                ..WeightsMismatch::default()
            });
        };
        self.tensors.push((name, tensor));
        Ok(Slot(self.tensors.len() - 1))
    }

    /// The tensor in a slot.
    pub(super) fn tensor(&self, slot: Slot) -> &'a HostTensor {
        self.tensors[slot.0].1
    }

    /// Gradients of zero.
    pub(super) fn zero_gradients(&self) -> Gradients {
        let zeros = |(_, tensor): &(String, &HostTensor)| vec![0.0; tensor.values.len()];
        Gradients(self.tensors.iter().map(zeros).collect())
    }

    /// The gradients under the names of their parameters.
    pub(super) fn named(&self, gradients: Gradients) -> Weights {
        let mut named = Weights::default();
        for ((name, tensor), values) in self.tensors.iter().zip(gradients.0) {
            let shape = tensor.shape.clone();
            named.insert(name.clone(), HostTensor { shape, values });
        }
        named
    }
}

impl Index<Slot> for Parameters<'_> {
    type Output = [f32];

    fn index(&self, slot: Slot) -> &[f32] {
        &self.tensors[slot.0].1.values
    }
}

/// The gradient of each parameter of a [`Parameters`], summed over images.
#[derive(Debug)]
pub(super) struct Gradients(Vec<Vec<f32>>);

impl Gradients {
    /// The gradient of a parameter.
    pub(super) fn of(&mut self, slot: Slot) -> &mut [f32] {
        &mut self.0[slot.0]
    }

    /// The gradients of a weight and of the bias after it.
    pub(super) fn pair(&mut self, weight: Slot, bias: Slot) -> [&mut [f32]; 2] {
        match self.0.get_disjoint_mut([weight.0, bias.0]) {
            Ok([weight, bias]) => [weight, bias],
            Err(_) => unreachable!("a weight and its bias are two parameters"),
        }
    }
}
