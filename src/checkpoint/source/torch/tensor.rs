//! The description of one tensor: which storage, from where, in which steps.

use super::pickle::{Id, Pickle, Value};
use crate::checkpoint::source::{Float, count};
use crate::model::HostTensor;

/// Where one tensor lies in a file.
pub(super) struct TensorEntry {
    pub(super) float: Float,
    /// Key of the storage.
    pub(super) storage: String,
    /// First element in the storage.
    offset: usize,
    pub(super) shape: Vec<usize>,
    strides: Vec<usize>,
}

impl TensorEntry {
    /// Reads what `_rebuild_tensor_v2(storage, offset, size, stride, …)` was called with; `None` for a value that is
    /// no floating-point tensor (counters, strings). A parameter is the tensor that it was made of.
    pub(super) fn read(pickle: &Pickle, id: Id) -> Result<Option<Self>, String> {
        let Value::Call(name, arguments) = pickle.value(id) else {
            return Ok(None);
        };
        if name == "torch._utils._rebuild_parameter" {
            let data = pickle.items(*arguments).and_then(|items| items.first());
            // A parameter of a parameter is nothing that PyTorch writes.
            return match data.map(|data| pickle.value(*data)) {
                Some(Value::Call(inner, _)) if inner != name => Self::read(pickle, data.copied().unwrap_or(id)),
                _ => Ok(None),
            };
        }
        if !name.starts_with("torch._utils._rebuild_tensor") {
            return Ok(None);
        }
        let Some([storage, offset, shape, strides, ..]) = pickle.items(*arguments) else {
            return Err("expected storage, offset, size and stride, found fewer".into());
        };
        let Value::Persistent(storage) = pickle.value(*storage) else {
            return Err("expected a reference to a storage, found something else".into());
        };
        let (kind, key) = storage_of(pickle, *storage)?;
        let Some(float) = float_of(kind) else {
            return Ok(None);
        };
        let sizes = |id: Id| -> Option<Vec<usize>> {
            let items = pickle.items(id)?;
            items.iter().map(|i| usize::try_from(pickle.int(*i)?).ok()).collect()
        };
        let offset = pickle.int(*offset).and_then(|o| usize::try_from(o).ok());
        let (Some(offset), Some(shape), Some(strides)) = (offset, sizes(*shape), sizes(*strides)) else {
            return Err("expected sizes that are whole numbers, found something else".into());
        };
        if shape.contains(&0) {
            return Err(format!("expected a tensor with values, found the shape {shape:?}"));
        }
        if shape.len() != strides.len() || shape.len() > 8 {
            return Err(format!(
                "{} sizes and {} strides do not go together",
                shape.len(),
                strides.len()
            ));
        }
        Ok(Some(Self {
            float,
            storage: key.to_owned(),
            offset,
            shape,
            strides,
        }))
    }

    /// Checks that the tensor fits a storage of `available` elements.
    pub(super) fn check(&self, available: usize) -> Result<(), String> {
        let (Some(_), Some(last)) = (count(&self.shape).filter(|n| *n <= available), self.last()) else {
            return Err(format!(
                "shape {:?} needs more values than the file holds ({available})",
                self.shape
            ));
        };
        if last >= available {
            return Err(format!("it needs value {last} of a storage of {available}"));
        }
        Ok(())
    }

    /// The tensor out of the bytes of its whole storage, row-major.
    pub(super) fn tensor(&self, bytes: &[u8]) -> Result<HostTensor, String> {
        self.check(bytes.len() / self.float.width())?;
        let stored = self.float.decode(bytes);
        Ok(HostTensor {
            values: self.gather(stored),
            shape: self.shape.clone(),
        })
    }

    /// Index of the last element that the tensor touches, if it fits a `usize`.
    fn last(&self) -> Option<usize> {
        let sides = self.shape.iter().zip(&self.strides);
        sides.into_iter().try_fold(self.offset, |at, (side, stride)| {
            at.checked_add(side.saturating_sub(1).checked_mul(*stride)?)
        })
    }

    fn gather(&self, stored: Vec<f32>) -> Vec<f32> {
        let count: usize = self.shape.iter().product();
        let mut expected = 1;
        let contiguous = self.shape.iter().zip(&self.strides).rev().all(|(side, stride)| {
            let fits = *side == 1 || *stride == expected;
            expected *= side;
            fits
        });
        if contiguous && self.offset == 0 && stored.len() == count {
            return stored;
        }
        let mut index = vec![0; self.shape.len()];
        (0..count)
            .map(|_| {
                let at: usize = index.iter().zip(&self.strides).map(|(i, s)| i * s).sum();
                for (i, side) in index.iter_mut().zip(&self.shape).rev() {
                    *i += 1;
                    if *i < *side {
                        break;
                    }
                    *i = 0;
                }
                stored[self.offset + at]
            })
            .collect()
    }
}

/// Type and key of a storage, out of the tuple `('storage', type, key, …)` that refers to it.
pub(super) fn storage_of(pickle: &Pickle, reference: Id) -> Result<(&str, &str), String> {
    let Some([_, kind, key, ..]) = pickle.items(reference) else {
        return Err("expected the type and key of a storage, found fewer".into());
    };
    match (pickle.value(*kind), pickle.text(*key)) {
        (Value::Global(kind), Some(key)) => Ok((kind, key)),
        (_, _) => Err("expected the type and key of a storage, found something else".into()),
    }
}

/// How the values of a type of storage are stored, for floating-point types.
fn float_of(kind: &str) -> Option<Float> {
    match kind {
        "torch.HalfStorage" => Some(Float::F16),
        "torch.BFloat16Storage" => Some(Float::BF16),
        "torch.FloatStorage" => Some(Float::F32),
        "torch.DoubleStorage" => Some(Float::F64),
        _ => None,
    }
}

/// Bytes per element of a type of storage.
pub(super) fn element_width(kind: &str) -> Option<u64> {
    if let Some(float) = float_of(kind) {
        return Some(float.width() as u64);
    }
    match kind {
        "torch.LongStorage" => Some(8),
        "torch.IntStorage" => Some(4),
        "torch.ShortStorage" => Some(2),
        "torch.ByteStorage" | "torch.CharStorage" | "torch.BoolStorage" => Some(1),
        _ => None,
    }
}
