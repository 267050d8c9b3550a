//! The tensors of a network, read from its file when they are taken.

use std::collections::BTreeMap;
use std::path::Path;

use super::CheckpointError;
use super::source::Source;
use super::tensor_mapping::{OnRead, TensorMapping};
use crate::model::{HostTensor, NamedShape, TensorSource, TensorSpec, Weights, WeightsMismatch};

/// Reads the tensors of one network.
pub(super) struct FileTensors<'a> {
    mapping: &'a TensorMapping,
    source: &'a mut dyn Source,
    path: &'a Path,
    on_read: OnRead<'a>,
    needed: BTreeMap<String, TensorSpec>,
    /// Values in all tensors that the mapping takes, and in those that are read.
    total: usize,
    done: usize,
    not_finite: Vec<String>,
}

impl<'a> FileTensors<'a> {
    /// Nothing is read yet. `on_read` receives the share that has been read and can cancel.
    pub(super) fn new(
        mapping: &'a TensorMapping,
        source: &'a mut dyn Source,
        path: &'a Path,
        on_read: OnRead<'a>,
    ) -> Self {
        Self {
            mapping,
            source,
            path,
            on_read,
            needed: BTreeMap::new(),
            total: 0,
            done: 0,
            not_finite: Vec::new(),
        }
    }

    /// Reads all tensors of a network, which needs the tensors `needed`.
    ///
    /// # Errors
    /// As the functions of [`TensorSource`].
    pub(super) fn read_all(&mut self, needed: &[TensorSpec]) -> Result<Weights, CheckpointError> {
        self.start(needed)?;
        let mut weights = Weights::default();
        for tensor in needed {
            weights.insert(tensor.name.clone(), self.take(&tensor.name)?);
        }
        self.finish()?;
        Ok(weights)
    }

    fn mismatch(&self, mismatch: WeightsMismatch) -> CheckpointError {
        CheckpointError::Weights {
            source: self.mapping.in_the_files_names(mismatch),
            path: self.path.into(),
        }
    }
}

impl TensorSource for FileTensors<'_> {
    type Error = CheckpointError;

    /// # Errors
    /// Every tensor that is missing, has another shape or is unknown inside a block, under the file's names; and a
    /// needed entry that is not a readable tensor.
    fn start(&mut self, needed: &[TensorSpec]) -> Result<(), CheckpointError> {
        self.mapping.check_unread(self.source, self.path)?;
        let mismatch = self.mapping.check(self.source.shapes(), needed);
        mismatch.map_err(|source| CheckpointError::Weights {
            source,
            path: self.path.into(),
        })?;
        let named = |tensor: &TensorSpec| (tensor.name.clone(), tensor.clone());
        self.needed = needed.iter().map(named).collect();
        let unexpected = self.mapping.names().filter(|name| !self.needed.contains_key(*name));
        let unexpected: Vec<NamedShape> = unexpected
            .map(|name| NamedShape {
                name: name.into(),
                shape: Vec::new(),
            })
            .collect();
        let missing = needed.iter().filter(|tensor| self.mapping.step(&tensor.name).is_none());
        let missing: Vec<NamedShape> = missing.map(Into::into).collect();
        if !unexpected.is_empty() || !missing.is_empty() {
            return Err(self.mismatch(WeightsMismatch {
                missing,
                unexpected,
                ..WeightsMismatch::default()
            }));
        }
        self.total = self.mapping.values(self.source.shapes());
        let most = self.source.most_values();
        if self.total as u64 > most {
            let total = self.total;
            return Err(CheckpointError::damaged(
                self.path,
                format!("its tensors need {total} values, more than the {most} that the file can hold"),
            ));
        }
        Ok(())
    }

    /// # Errors
    /// When its values cannot be read or have another shape, and [`CheckpointError::Cancelled`].
    fn take(&mut self, name: &str) -> Result<HostTensor, CheckpointError> {
        let needed = self.needed.get(name);
        let (step, needed) = match (self.mapping.step(name), needed) {
            (Some(step), Some(needed)) => (step, needed),
            (_, needed) => {
                let missing = needed.map(Into::into).into_iter().collect();
                return Err(self.mismatch(WeightsMismatch {
                    missing,
                    ..WeightsMismatch::default()
                }));
            }
        };
        let damaged = |why: String| CheckpointError::damaged(self.path, format!("{}: {why}", step.from.join(", ")));
        let mut tensors = Vec::with_capacity(step.from.len());
        for name in &step.from {
            let tensor = self.source.read(name).map_err(damaged)?;
            self.done += tensor.values.len();
            tensors.push(tensor);
        }
        let tensor = step.make(tensors).map_err(damaged)?;
        if tensor.shape != needed.shape {
            return Err(self.mismatch(WeightsMismatch {
                misshapen: vec![(needed.into(), tensor.shape)],
                ..WeightsMismatch::default()
            }));
        }
        if !tensor.values.iter().all(|value| value.is_finite()) {
            self.not_finite.push(name.into());
        }
        if (self.on_read)(self.done as f32 / self.total.max(1) as f32).is_break() {
            return Err(CheckpointError::Cancelled);
        }
        Ok(tensor)
    }

    fn finish(&mut self) -> Result<(), CheckpointError> {
        let whole = self.source.finish();
        whole.map_err(|why| CheckpointError::damaged(self.path, why))?;
        if self.not_finite.is_empty() {
            return Ok(());
        }
        let mut not_finite = std::mem::take(&mut self.not_finite);
        not_finite.sort();
        Err(self.mismatch(WeightsMismatch {
            not_finite,
            ..WeightsMismatch::default()
        }))
    }
}
