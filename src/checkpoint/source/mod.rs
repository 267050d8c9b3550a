//! Named tensors in files of several kinds, read one at a time: a large model is never in memory twice.

pub(super) mod npz;
pub(super) mod safetensors;
pub(super) mod torch;

use std::collections::BTreeMap;

use half::{bf16, f16};

use crate::model::HostTensor;

/// Shapes by name.
pub(super) type Shapes = BTreeMap<String, Vec<usize>>;

/// The tensors of one file, under the file's own names.
pub(super) trait Source {
    /// Names and shapes of all floating-point tensors.
    fn shapes(&self) -> &Shapes;

    /// Reads one of them.
    ///
    /// # Errors
    /// A clause that says what is wrong with its values.
    fn read(&mut self, name: &str) -> Result<HostTensor, String>;
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
