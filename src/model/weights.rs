//! Named tensors in host memory, and how they differ from what a network needs.

use std::collections::BTreeMap;
use std::fmt;

use super::random_tensors::RandomTensors;
use super::spec::ModelSpec;
use super::tensor_source::TensorSource;
use super::tensors::TensorSpec;

/// One tensor in host memory, row-major, in PyTorch's orientation (a linear weight is `[out, in]`).
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// The values; as many as the product of `shape`.
    pub values: Vec<f32>,
}

/// Tensors by name (`encoder.blocks.0.norm1.weight`, `decoders.mask.cls_emb`); [`super::tensors_of`] lists a network's.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    tensors: BTreeMap<String, HostTensor>,
}

/// Name and shape of a tensor, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedShape {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

impl From<&TensorSpec> for NamedShape {
    fn from(tensor: &TensorSpec) -> Self {
        Self {
            name: tensor.name.clone(),
            shape: tensor.shape.clone(),
        }
    }
}

/// All differences between weights and what their spec needs.
#[derive(Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct WeightsMismatch {
    /// Tensors that are needed but missing.
    pub missing: Vec<NamedShape>,
    /// Tensors that are present but not needed.
    pub unexpected: Vec<NamedShape>,
    /// Tensors with another shape: the expected tensor and the shape that was found.
    pub misshapen: Vec<(NamedShape, Vec<usize>)>,
    /// Tensors that hold NaN or infinity.
    pub not_finite: Vec<String>,
}

impl fmt::Display for WeightsMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the weights do not fit the model")?;
        let shaped = |t: &NamedShape| format!("{} {:?}", shortened(&t.name), t.shape);
        write_some(f, "missing", self.missing.iter().map(shaped))?;
        let wrong = |(t, found): &(NamedShape, Vec<usize>)| {
            format!("{} expected {:?}, found {found:?}", shortened(&t.name), t.shape)
        };
        write_some(f, "wrong shape", self.misshapen.iter().map(wrong))?;
        write_some(f, "unexpected", self.unexpected.iter().map(shaped))?;
        write_some(
            f,
            "not a number or infinite",
            self.not_finite.iter().map(|name| shortened(name)),
        )
    }
}

/// Maximum number of tensors to list for one kind of difference; a wrong file can have hundreds.
const MAX_LISTED: usize = 12;

fn write_some(f: &mut fmt::Formatter<'_>, what: &str, items: impl ExactSizeIterator<Item = String>) -> fmt::Result {
    let more = items.len().saturating_sub(MAX_LISTED);
    for item in items.take(MAX_LISTED) {
        write!(f, "\n  {what}: {item}")?;
    }
    match more {
        0 => Ok(()),
        _ => write!(f, "\n  {what}: and {more} more"),
    }
}

/// A name, shortened because names come from files and can be of any length.
fn shortened(name: &str) -> String {
    name.chars().take(80).collect()
}

impl Weights {
    /// Adds or replaces a tensor.
    pub fn insert(&mut self, name: impl Into<String>, tensor: HostTensor) {
        self.tensors.insert(name.into(), tensor);
    }

    /// Removes a tensor and returns it.
    pub fn remove(&mut self, name: &str) -> Option<HostTensor> {
        self.tensors.remove(name)
    }

    /// The tensor with this name.
    pub fn get(&self, name: &str) -> Option<&HostTensor> {
        self.tensors.get(name)
    }

    /// Removes and returns all tensors, in alphabetical order of the names.
    pub fn drain(&mut self) -> impl Iterator<Item = (String, HostTensor)> {
        std::mem::take(&mut self.tensors).into_iter()
    }

    /// Names and tensors in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &HostTensor)> {
        self.tensors.iter().map(|(name, t)| (name.as_str(), t))
    }

    /// Adds the values of tensors with the same names, which must have the same shapes; copies tensors that are missing
    /// here.
    pub fn add(&mut self, other: &Self) {
        for (name, tensor) in &other.tensors {
            match self.tensors.get_mut(name) {
                Some(sum) => {
                    for (sum, value) in sum.values.iter_mut().zip(&tensor.values) {
                        *sum += value;
                    }
                }
                None => self.insert(name.clone(), tensor.clone()),
            }
        }
    }

    /// Multiplies every value.
    pub fn scale(&mut self, factor: f32) {
        for tensor in self.tensors.values_mut() {
            tensor.values.iter_mut().for_each(|value| *value *= factor);
        }
    }

    /// Moves tensors towards those with the same names by `share` of the difference.
    pub fn mix(&mut self, other: &Self, share: f32) {
        for (name, tensor) in &mut self.tensors {
            let Some(towards) = other.tensors.get(name) else {
                continue;
            };
            for (value, towards) in tensor.values.iter_mut().zip(&towards.values) {
                *value += (towards - *value) * share;
            }
        }
    }

    /// Number of values over all tensors.
    pub fn parameters(&self) -> usize {
        self.tensors.values().map(|t| t.values.len()).sum()
    }

    /// Compares the tensors with those that are needed (see [`super::tensors_of`]).
    ///
    /// # Errors
    /// Every missing, unexpected, wrongly shaped and non-finite tensor.
    pub fn check(&self, needed: &[TensorSpec]) -> Result<(), WeightsMismatch> {
        let mut mismatch = WeightsMismatch::default();
        for tensor in needed {
            match self.tensors.get(&tensor.name) {
                None => mismatch.missing.push(tensor.into()),
                Some(found) if found.shape != tensor.shape => {
                    mismatch.misshapen.push((tensor.into(), found.shape.clone()));
                }
                Some(found) if !found.values.iter().all(|v| v.is_finite()) => {
                    mismatch.not_finite.push(tensor.name.clone());
                }
                Some(_) => {}
            }
        }
        let names: std::collections::BTreeSet<&str> = needed.iter().map(|t| t.name.as_str()).collect();
        mismatch.unexpected = self
            .tensors
            .iter()
            .filter(|(name, _)| !names.contains(name.as_str()))
            .map(|(name, t)| NamedShape {
                name: name.clone(),
                shape: t.shape.clone(),
            })
            .collect();
        if mismatch == WeightsMismatch::default() {
            Ok(())
        } else {
            Err(mismatch)
        }
    }

    /// Weights of the right shapes with small pseudo-random values.
    pub fn random(spec: &ModelSpec, seed: u64) -> Self {
        RandomTensors::new(seed).all(spec)
    }
}

impl TensorSource for Weights {
    type Error = WeightsMismatch;

    fn start(&mut self, needed: &[TensorSpec]) -> Result<(), WeightsMismatch> {
        self.check(needed)
    }

    fn take(&mut self, name: &str) -> Result<HostTensor, WeightsMismatch> {
        self.tensors.remove(name).ok_or_else(|| WeightsMismatch {
            missing: vec![NamedShape {
                name: name.into(),
                shape: Vec::new(),
            }],
            ..WeightsMismatch::default()
        })
    }
}
