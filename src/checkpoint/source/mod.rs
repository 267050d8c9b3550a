//! Named tensors in files of several kinds, read one at a time: a large model is never in memory twice.

pub(super) mod npz;
pub(super) mod safetensors;
pub(super) mod torch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use half::{bf16, f16};

use super::CheckpointError;
use crate::model::HostTensor;

/// Shapes by name.
pub(super) type Shapes = BTreeMap<String, Vec<usize>>;

/// Why something in a file is no tensor whose values can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Python would have to call this, which is never done.
    Call(String),
    /// An object of this class.
    Object(String),
    /// A clause that says why.
    Because(String),
}

impl Unread {
    pub(super) fn because(why: impl Into<String>) -> Self {
        Self::Because(why.into())
    }

    /// What to say of the tensor `name`.
    pub(super) fn error(&self, name: &str, path: &Path) -> CheckpointError {
        let name: String = name.chars().take(80).collect();
        match self {
            Self::Call(call) => CheckpointError::Refused {
                name: call.clone(),
                path: path.into(),
            },
            Self::Object(class) => CheckpointError::damaged(
                path,
                format!("{name}: expected a tensor, found a Python object of the class {class}"),
            ),
            Self::Because(why) => CheckpointError::damaged(path, format!("{name}: {why}")),
        }
    }
}

/// What is no readable tensor, by name.
pub(super) type UnreadByName = BTreeMap<String, Unread>;

/// The tensors of one file, under the file's own names.
pub(super) trait Source {
    /// Names and shapes of all floating-point tensors that can be read.
    fn shapes(&self) -> &Shapes;

    /// What may have been meant as a tensor and cannot be read.
    fn unread(&self) -> &UnreadByName {
        static NONE: UnreadByName = BTreeMap::new();
        &NONE
    }

    /// What stands before the names of each dictionary that holds tensors: nothing, or keys with a dot behind each.
    fn places(&self) -> &BTreeSet<String> {
        static OUTERMOST: BTreeSet<String> = BTreeSet::new();
        &OUTERMOST
    }

    /// No more values than this can be in the file.
    fn most_values(&self) -> u64 {
        u64::MAX
    }

    /// Reads one of them.
    ///
    /// # Errors
    /// A clause that says what is wrong with its values.
    fn read(&mut self, name: &str) -> Result<HostTensor, String>;

    /// Called when everything that is needed was read.
    ///
    /// # Errors
    /// A clause that says what shows that the file is damaged.
    fn finish(&self) -> Result<(), String> {
        Ok(())
    }
}

/// How floating-point values are stored, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Float {
    F16,
    BF16,
    F32,
    F64,
}

impl Float {
    /// Bytes per value.
    pub(super) fn width(self) -> usize {
        match self {
            Self::F16 | Self::BF16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Values of `bytes`; a rest that is no whole value is left out.
    pub(super) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => values(bytes, |b| f16::from_le_bytes(b).to_f32()),
            Self::BF16 => values(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Self::F32 => values(bytes, f32::from_le_bytes),
            Self::F64 => values(bytes, |b| f64::from_le_bytes(b) as f32),
        }
    }
}

fn values<const WIDTH: usize>(bytes: &[u8], decode: impl Fn([u8; WIDTH]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|b| decode(*b)).collect()
}

/// The number of values of a shape, if it fits a `usize`.
pub(super) fn count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, side| n.checked_mul(*side))
}
