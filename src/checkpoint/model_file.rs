//! A recognised model file, whose tensors are read when they are taken.

use std::path::{Path, PathBuf};

use super::file_tensors::FileTensors;
use super::source::Source;
use super::{Checkpoint, CheckpointError, OnRead, Peek, Plan};
use crate::model::{ModelSpec, TensorSource, tensors_of};

/// A model file in any published layout, of which only names, shapes and metadata have been read.
pub struct ModelFile {
    plan: Plan,
    source: Box<dyn Source>,
    path: PathBuf,
}

impl ModelFile {
    /// Recognises the file or folder `path`; see [`super::open_with()`] for `weights`.
    ///
    /// # Errors
    /// As [`super::open_with()`], except for errors in tensor values.
    pub fn open(path: &Path, weights: Option<&str>) -> Result<Self, CheckpointError> {
        let path = super::model_file(path)?;
        let (plan, source) = super::model_in(&path, weights)?;
        Ok(Self::new(plan, source, &path))
    }

    /// The embedded bundle with patch 8, 16 or 32.
    ///
    /// # Errors
    /// When there is no embedded bundle with this patch size.
    pub fn embedded(patch: usize) -> Result<Self, CheckpointError> {
        super::embedded(patch)
    }

    pub(super) fn new(plan: Plan, source: Box<dyn Source>, path: &Path) -> Self {
        Self {
            plan,
            source,
            path: path.into(),
        }
    }

    /// Encoder, decoders, sizes and inference settings.
    pub fn spec(&self) -> &ModelSpec {
        &self.plan.spec
    }

    /// The tensors of the network, to build it from. `on_read` receives the share that has been read and can cancel.
    pub fn tensors<'a>(&'a mut self, on_read: OnRead<'a>) -> impl TensorSource<Error = CheckpointError> + 'a {
        FileTensors::new(&self.plan.mapping, self.source.as_mut(), &self.path, on_read)
    }

    /// Reads and checks all tensors.
    ///
    /// # Errors
    /// As [`super::open()`].
    pub fn read(mut self, on_read: OnRead) -> Result<Checkpoint, CheckpointError> {
        let needed = tensors_of(&self.plan.spec);
        let mut tensors = FileTensors::new(&self.plan.mapping, self.source.as_mut(), &self.path, on_read);
        let weights = tensors.read_all(&needed)?;
        let Plan {
            spec,
            classes,
            provenance,
            mapping: _,
            zero_is_ignored,
            remarks,
        } = self.plan;
        Ok(Checkpoint {
            spec,
            classes,
            weights,
            provenance,
            zero_is_ignored,
            remarks,
        })
    }

    /// The contents without tensor values.
    pub fn into_peek(self) -> Peek {
        let tensors = tensors_of(&self.plan.spec);
        Peek {
            parameters: tensors.iter().map(|t| t.shape.iter().product::<usize>()).sum(),
            spec: self.plan.spec,
            classes: self.plan.classes,
            provenance: self.plan.provenance,
            zero_is_ignored: self.plan.zero_is_ignored,
            remarks: self.plan.remarks,
        }
    }
}

impl std::fmt::Debug for ModelFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ModelFile({}, {})", self.plan.spec.title(), self.path.display())
    }
}
