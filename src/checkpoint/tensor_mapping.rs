//! Maps the tensors of a file to those of a network, as a list of steps that one loop carries out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;

use super::CheckpointError;
use super::source::{Shapes, Source};
use super::unused_tensors::{UnusedTensors, blocks_of, is_counter};
use crate::model::{HostTensor, NamedShape, TensorSpec, WeightsMismatch};

/// Receives the share of a file that has been read, 0..=1; `Break` cancels reading.
pub type OnRead<'a> = &'a mut dyn FnMut(f32) -> ControlFlow<()>;

/// Makes one tensor from those that a step names.
type TensorTransform = Box<dyn Fn(Vec<HostTensor>) -> Result<HostTensor, String>>;

/// Where one tensor of a network comes from.
pub(super) struct Step {
    /// Its name in the network.
    name: String,
    /// Names in the file, in the order in which `make` takes them.
    pub(super) from: Vec<String>,
    /// `None` takes the single tensor unchanged.
    make: Option<TensorTransform>,
}

impl Step {
    /// The tensor, from those of the file.
    ///
    /// # Errors
    /// A clause that says why they do not fit.
    pub(super) fn make(&self, tensors: Vec<HostTensor>) -> Result<HostTensor, String> {
        match &self.make {
            Some(make) => make(tensors),
            None => only(tensors),
        }
    }
}

/// All tensors of a network and where they come from.
#[derive(Default)]
pub(super) struct TensorMapping {
    steps: Vec<Step>,
    /// Tensors of the file that the published code does not use.
    ignored: BTreeSet<String>,
}

impl TensorMapping {
    /// Takes a tensor of the file unchanged, under another name.
    pub(super) fn take(&mut self, name: impl Into<String>, from: impl Into<String>) {
        self.steps.push(Step {
            name: name.into(),
            from: vec![from.into()],
            make: None,
        });
    }

    /// Takes a weight and a bias.
    pub(super) fn take_pair(&mut self, name: &str, from: &str) {
        for part in ["weight", "bias"] {
            self.take(format!("{name}.{part}"), format!("{from}.{part}"));
        }
    }

    /// Takes the batch norm after a convolution: `name.norm.…`.
    pub(super) fn take_batch_norm(&mut self, name: &str, from: &str) {
        for (part, theirs) in [
            ("weight", "weight"),
            ("bias", "bias"),
            ("mean", "running_mean"),
            ("variance", "running_var"),
        ] {
            self.take(format!("{name}.norm.{part}"), format!("{from}.{theirs}"));
        }
    }

    /// Makes a tensor from any number of the file's tensors.
    pub(super) fn make(
        &mut self,
        name: impl Into<String>,
        from: Vec<String>,
        make: impl Fn(Vec<HostTensor>) -> Result<HostTensor, String> + 'static,
    ) {
        self.steps.push(Step {
            name: name.into(),
            from,
            make: Some(Box::new(make)),
        });
    }

    /// Marks a tensor of the file as unused on purpose.
    pub(super) fn ignore(&mut self, name: impl Into<String>) {
        self.ignored.insert(name.into());
    }

    /// Marks every tensor whose name starts with `prefix` as unused on purpose.
    pub(super) fn ignore_all(&mut self, shapes: &Shapes, prefix: &str) {
        let names = shapes.keys().filter(|name| name.starts_with(prefix));
        self.ignored.extend(names.cloned());
    }

    /// The tensors of the file that this network does not need.
    pub(super) fn left_out(&self, source: &dyn Source) -> UnusedTensors {
        let used = self.used();
        let unused = source
            .shapes()
            .keys()
            .filter(|name| !used.contains(name.as_str()) && !self.ignored.contains(*name));
        UnusedTensors::new(unused.cloned(), &used)
    }

    /// Names in the file that the steps take.
    fn used(&self) -> BTreeSet<&str> {
        let names = self.steps.iter().flat_map(|step| &step.from);
        names.map(String::as_str).collect()
    }

    /// Names of the tensors that the steps make.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.name.as_str())
    }

    /// How the tensor `name` of the network is made.
    pub(super) fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// Number of values in all tensors that the steps take.
    pub(super) fn values(&self, shapes: &Shapes) -> usize {
        let of = |name: &String| shapes.get(name).map_or(0, |shape| shape.iter().product::<usize>());
        let names = self.steps.iter().flat_map(|step| &step.from);
        names.map(of).fold(0usize, usize::saturating_add)
    }

    /// Refuses an unreadable entry that is needed or is inside a block of the network.
    pub(super) fn check_unread(&self, source: &dyn Source, path: &Path) -> Result<(), CheckpointError> {
        let used = self.used();
        let blocks = blocks_of(&used);
        let in_block = |name: &str| !is_counter(name) && blocks.iter().any(|block| name.starts_with(block));
        let wanted = |name: &str| used.contains(name) || in_block(name);
        match source.unread().iter().find(|(name, _)| wanted(name)) {
            Some((name, why)) => Err(why.error(name, path)),
            None => Ok(()),
        }
    }

    /// Compares the file's tensors with those that the steps take.
    ///
    /// # Errors
    /// Every tensor that is missing, has another shape or is unknown inside a block, under the file's names.
    pub(super) fn check(&self, shapes: &Shapes, needed: &[TensorSpec]) -> Result<(), WeightsMismatch> {
        let needed: BTreeMap<&str, &Vec<usize>> = needed.iter().map(|t| (t.name.as_str(), &t.shape)).collect();
        let mut seen = BTreeSet::new();
        let mut mismatch = WeightsMismatch::default();
        for step in &self.steps {
            // The expected shape is only known for tensors that are taken unchanged.
            let expected = needed.get(step.name.as_str()).filter(|_| step.make.is_none());
            for name in &step.from {
                let tensor = || NamedShape {
                    name: name.clone(),
                    shape: expected.map(|shape| (*shape).clone()).unwrap_or_default(),
                };
                match (shapes.get(name), expected) {
                    (None, _) if !seen.contains(name) => mismatch.missing.push(tensor()),
                    (Some(found), Some(expected)) if found != *expected => {
                        mismatch.misshapen.push((tensor(), found.clone()));
                    }
                    (_, _) => {}
                }
                seen.insert(name);
            }
        }
        let used = self.used();
        let blocks = blocks_of(&used);
        let unexpected = shapes.iter().filter(|(name, _)| {
            let is_unused = !used.contains(name.as_str()) && !self.ignored.contains(*name);
            is_unused && !is_counter(name) && blocks.iter().any(|block| name.starts_with(block))
        });
        mismatch.unexpected = unexpected
            .map(|(name, shape)| NamedShape {
                name: name.clone(),
                shape: shape.clone(),
            })
            .collect();
        if mismatch == WeightsMismatch::default() {
            Ok(())
        } else {
            Err(mismatch)
        }
    }

    /// The same differences under the names in the file.
    pub(super) fn in_the_files_names(&self, mut mismatch: WeightsMismatch) -> WeightsMismatch {
        let theirs = |ours: &mut String| {
            if let Some(step) = self.steps.iter().find(|step| step.name == *ours) {
                *ours = step.from.join(", ");
            }
        };
        mismatch.missing.iter_mut().for_each(|tensor| theirs(&mut tensor.name));
        mismatch
            .misshapen
            .iter_mut()
            .for_each(|(tensor, _)| theirs(&mut tensor.name));
        mismatch.not_finite.iter_mut().for_each(theirs);
        mismatch
    }
}

/// The single tensor that a step takes.
pub(super) fn only(mut tensors: Vec<HostTensor>) -> Result<HostTensor, String> {
    match (tensors.pop(), tensors.is_empty()) {
        (Some(tensor), true) => Ok(tensor),
        (_, _) => Err("expected one tensor".into()),
    }
}

/// A tensor of zeros, for a bias that the file lacks.
pub(super) fn zeros(shape: Vec<usize>) -> impl Fn(Vec<HostTensor>) -> Result<HostTensor, String> {
    move |_| {
        Ok(HostTensor {
            values: vec![0.0; shape.iter().product()],
            shape: shape.clone(),
        })
    }
}

/// `[rows, columns]` to `[columns, rows]`.
pub(super) fn transposed(tensors: Vec<HostTensor>) -> Result<HostTensor, String> {
    let HostTensor { shape, values } = only(tensors)?;
    let [rows, columns] = shape[..] else {
        return Err(format!("expected two dimensions, found {shape:?}"));
    };
    Ok(HostTensor {
        values: (0..columns)
            .flat_map(|c| (0..rows).map(move |r| r * columns + c))
            .map(|i| values[i])
            .collect(),
        shape: vec![columns, rows],
    })
}

/// The same values in another shape.
pub(super) fn reshaped(shape: Vec<usize>) -> impl Fn(Vec<HostTensor>) -> Result<HostTensor, String> {
    move |tensors| {
        let tensor = only(tensors)?;
        if tensor.values.len() != shape.iter().product::<usize>() {
            return Err(format!(
                "expected as many values as {shape:?} has, found {:?}",
                tensor.shape
            ));
        }
        Ok(HostTensor {
            values: tensor.values,
            shape: shape.clone(),
        })
    }
}
