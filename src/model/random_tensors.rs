//! Tensors for timing.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::spec::ModelSpec;
use super::tensor_source::TensorSource;
use super::tensors::{Role, TensorSpec, tensors_of};
use super::weights::{HostTensor, Weights};

/// Tensors of the right shapes with small pseudo-random values, each made when it is taken, for timing, which does not
/// depend on the values.
#[derive(Debug)]
pub struct RandomTensors {
    seed: u64,
    needed: BTreeMap<String, TensorSpec>,
}

impl RandomTensors {
    /// Tensors that depend on `seed` and on their names.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            needed: BTreeMap::new(),
        }
    }

    /// All tensors of a network.
    pub fn all(self, spec: &ModelSpec) -> Weights {
        let mut weights = Weights::default();
        for tensor in tensors_of(spec) {
            weights.insert(tensor.name.clone(), self.make(&tensor));
        }
        weights
    }

    fn make(&self, tensor: &TensorSpec) -> HostTensor {
        let mut hasher = DefaultHasher::new();
        (self.seed, &tensor.name).hash(&mut hasher);
        let mut random = fastrand::Rng::with_seed(hasher.finish());
        let is_factor = matches!(tensor.role, Role::Scale | Role::Variance);
        let centre = if is_factor { 1.0 } else { 0.0 };
        let count = tensor.shape.iter().product();
        HostTensor {
            shape: tensor.shape.clone(),
            values: (0..count).map(|_| centre + (random.f32() - 0.5) * 0.08).collect(),
        }
    }
}

impl TensorSource for RandomTensors {
    type Error = Infallible;

    fn start(&mut self, needed: &[TensorSpec]) -> Result<(), Infallible> {
        self.needed = needed
            .iter()
            .map(|tensor| (tensor.name.clone(), tensor.clone()))
            .collect();
        Ok(())
    }

    fn take(&mut self, name: &str) -> Result<HostTensor, Infallible> {
        match self.needed.get(name) {
            Some(tensor) => Ok(self.make(tensor)),
            None => unreachable!("{name} is not among the tensors that the network says it needs"),
        }
    }
}
