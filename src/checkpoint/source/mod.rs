//! Named tensors in files of several formats, read one at a time so that a large model is never in memory twice.

pub(super) mod npz;
pub(super) mod safetensors;
pub(super) mod torch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use half::{bf16, f16};

use super::CheckpointError;
use crate::model::HostTensor;

/// Tensor shapes by name.
pub(super) type Shapes = BTreeMap<String, Vec<usize>>;

/// Why an entry of a file cannot be read as a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Python would have to call this to make it, which is never done.
    Call(String),
    /// It is an object of this class.
    Object(String),
    /// Another reason, as a clause.
    Because(String),
}

impl Unread {
    pub(super) fn because(why: impl Into<String>) -> Self {
        Self::Because(why.into())
    }

    /// The error about the tensor `name`.
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

/// Unreadable entries by name.
pub(super) type UnreadByName = BTreeMap<String, Unread>;

/// The tensors of one file, under the file's own names.
pub(super) trait Source {
    /// Names and shapes of all floating-point tensors that can be read.
    fn shapes(&self) -> &Shapes;

    /// Entries that may be tensors but cannot be read.
    fn unread(&self) -> &UnreadByName {
        static NONE: UnreadByName = BTreeMap::new();
        &NONE
    }

    /// Name prefixes of the dictionaries that hold tensors: empty, or keys with a dot after each.
    fn places(&self) -> &BTreeSet<String> {
        static OUTERMOST: BTreeSet<String> = BTreeSet::new();
        &OUTERMOST
    }

    /// Upper bound on the number of values in the file.
    fn most_values(&self) -> u64 {
        u64::MAX
    }

    /// Reads the tensor `name`.
    ///
    /// # Errors
    /// A clause that says what is wrong with its values.
    fn read(&mut self, name: &str) -> Result<HostTensor, String>;

    /// Checks the file as a whole, after all needed tensors were read.
    ///
    /// # Errors
    /// A clause that says why the file is damaged.
    fn finish(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Storage type of little-endian floating-point values.
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

    /// The values in `bytes`; an incomplete last value is left out.
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

/// The number of values of a shape, if it fits in a `usize`.
pub(super) fn count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, side| n.checked_mul(*side))
}
