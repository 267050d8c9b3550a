//! The description of one tensor: storage, offset, shape and strides.

use super::pickle::{Id, Pickle, Value, is_plain};
use crate::checkpoint::source::{Float, Unread, count};
use crate::model::HostTensor;

/// Maximum number of dimensions of a tensor.
const MAX_DIMENSIONS: usize = 8;

/// Location and layout of one tensor in a file.
pub(super) struct TensorEntry {
    pub(super) float: Float,
    /// Key of the storage.
    pub(super) storage: String,
    /// First element in the storage.
    offset: usize,
    pub(super) shape: Vec<usize>,
    strides: Vec<usize>,
}

/// A value of a dictionary, classified by whether it is a tensor.
pub(super) enum Described {
    Tensor(TensorEntry),
    /// An entry that may be a tensor but cannot be read.
    Unread(Unread),
    /// Counters, texts, numbers.
    Other,
}

/// Classifies a value. A tensor is a call of `_rebuild_tensor_v2(storage, offset, size, stride, …)`.
pub(super) fn describe(pickle: &Pickle, id: Id) -> Described {
    let (name, arguments) = match pickle.value(id) {
        Value::Call(name, arguments) => (&**name, *arguments),
        Value::Object(class) => return Described::Unread(Unread::Object(class.to_string())),
        _ => return Described::Other,
    };
    let (name, arguments) = inner_call(pickle, name, arguments);
    if !name.starts_with("torch._utils._rebuild_tensor") {
        return Described::Unread(match is_plain(name) {
            true => Unread::because(format!("it is stored by {name}, which is not supported")),
            false => Unread::Call(name.to_owned()),
        });
    }
    let arguments = pickle.items(arguments).unwrap_or_default();
    // Only types without their own storage class have a seventh argument.
    let kind = arguments.get(6).and_then(|id| match pickle.value(*id) {
        Value::Global(kind) => Some(&**kind),
        _ => None,
    });
    // Hooks and other arguments follow these four; no value depends on them.
    let described = match (kind, arguments) {
        (Some(kind), _) => Ok(not_read(kind)),
        (None, [storage, offset, shape, strides, ..]) => {
            TensorEntry::read(pickle, [*storage, *offset, *shape, *strides])
        }
        (None, _) => Err("expected storage, offset, size and stride, found fewer".into()),
    };
    match (described, unknown_call(pickle, arguments)) {
        (Ok(described), _) => described,
        (Err(_), Some(call)) => Described::Unread(Unread::Call(call)),
        (Err(why), None) => Described::Unread(Unread::because(why)),
    }
}

/// Classifies a tensor of a type other than the supported floating-point ones.
fn not_read(kind: &str) -> Described {
    if is_counter(kind) {
        return Described::Other;
    }
    Described::Unread(Unread::because(format!(
        "it is stored as {kind:.80}, which is not supported; expected float32, float16, bfloat16 or float64"
    )))
}

/// The inner call of a tensor with extra attributes, which is stored as a call with the function that rebuilds the
/// tensor.
fn inner_call<'a>(pickle: &'a Pickle, name: &'a str, arguments: Id) -> (&'a str, Id) {
    if name == "torch._tensor._rebuild_from_type_v2"
        && let Some([function, _, inner, ..]) = pickle.items(arguments)
        && let Value::Global(function) = pickle.value(*function)
    {
        return (&**function, *inner);
    }
    (name, arguments)
}

/// The first call among the storage, offset, size and stride of a tensor, or inside one of them.
fn unknown_call(pickle: &Pickle, arguments: &[Id]) -> Option<String> {
    let call = |id: &Id| match pickle.value(*id) {
        Value::Call(name, _) | Value::Object(name) => Some(name.to_string()),
        _ => None,
    };
    let inside = |id: &Id| {
        let id = match pickle.value(*id) {
            Value::Persistent(reference) => reference,
            _ => id,
        };
        call(id).or_else(|| pickle.items(*id)?.iter().take(16).find_map(call))
    };
    arguments.iter().take(4).find_map(inside)
}

impl TensorEntry {
    fn read(pickle: &Pickle, [storage, offset, shape, strides]: [Id; 4]) -> Result<Described, String> {
        let Value::Persistent(storage) = pickle.value(storage) else {
            return Err("expected a reference to a storage, found something else".into());
        };
        let (kind, key) = storage_of(pickle, *storage)?;
        let Some(float) = float_of(kind) else {
            return Ok(not_read(kind));
        };
        let sizes = |id: Id| -> Option<Vec<usize>> {
            let items = pickle.items(id).filter(|items| items.len() <= MAX_DIMENSIONS)?;
            items.iter().map(|i| usize::try_from(pickle.int(*i)?).ok()).collect()
        };
        let offset = pickle.int(offset).and_then(|o| usize::try_from(o).ok());
        let (Some(offset), Some(shape), Some(strides)) = (offset, sizes(shape), sizes(strides)) else {
            return Err("expected up to eight sizes that are whole numbers, found something else".into());
        };
        if shape.contains(&0) {
            return Err(format!("expected a tensor with values, found the shape {shape:?}"));
        }
        if shape.len() != strides.len() {
            return Err(format!(
                "expected as many strides as sizes, found {} sizes and {} strides",
                shape.len(),
                strides.len()
            ));
        }
        Ok(Described::Tensor(Self {
            float,
            storage: key.to_owned(),
            offset,
            shape,
            strides,
        }))
    }

    /// Checks that the tensor fits in a storage of `available` values.
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

    /// Reads the tensor from the bytes of its whole storage, row-major.
    pub(super) fn tensor(&self, bytes: &[u8]) -> Result<HostTensor, String> {
        self.check(bytes.len() / self.float.width())?;
        let stored = self.float.decode(bytes);
        Ok(HostTensor {
            values: self.gather(stored),
            shape: self.shape.clone(),
        })
    }

    /// Index of the last element that the tensor uses, if it fits in a `usize`.
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

/// Type and key of a storage, from the tuple `('storage', type, key, …)` that refers to it.
pub(super) fn storage_of(pickle: &Pickle, reference: Id) -> Result<(&str, &str), String> {
    let Some([_, kind, key, ..]) = pickle.items(reference) else {
        return Err("expected the type and key of a storage, found fewer".into());
    };
    match (pickle.value(*kind), pickle.text(*key)) {
        (Value::Global(kind), Some(key)) => Ok((&**kind, key)),
        (_, _) => Err("expected the type and key of a storage, found something else".into()),
    }
}

/// The storage type of the values in a floating-point storage; `None` for other storages.
fn float_of(kind: &str) -> Option<Float> {
    match kind {
        "torch.HalfStorage" => Some(Float::F16),
        "torch.BFloat16Storage" => Some(Float::BF16),
        "torch.FloatStorage" => Some(Float::F32),
        "torch.DoubleStorage" => Some(Float::F64),
        _ => None,
    }
}

/// Whether values of a type, given by its name or its storage class, are whole numbers or Booleans.
fn is_counter(kind: &str) -> bool {
    matches!(
        kind,
        "torch.LongStorage"
            | "torch.IntStorage"
            | "torch.ShortStorage"
            | "torch.ByteStorage"
            | "torch.CharStorage"
            | "torch.BoolStorage"
            | "torch.uint16"
            | "torch.uint32"
            | "torch.uint64"
    )
}

/// Bytes per element of a type of storage.
pub(super) fn element_width(kind: &str) -> Option<u64> {
    if let Some(float) = float_of(kind) {
        return Some(float.width() as u64);
    }
    match kind {
        "torch.ComplexDoubleStorage" => Some(16),
        "torch.LongStorage" | "torch.ComplexFloatStorage" => Some(8),
        "torch.IntStorage" | "torch.QInt32Storage" => Some(4),
        "torch.ShortStorage" => Some(2),
        "torch.ByteStorage"
        | "torch.CharStorage"
        | "torch.BoolStorage"
        | "torch.QInt8Storage"
        | "torch.QUInt8Storage"
        | "torch.QUInt4x2Storage"
        | "torch.QUInt2x4Storage"
        // Types without their own storage class, such as float8, counted in bytes.
        | "torch.UntypedStorage"
        | "torch.storage.UntypedStorage" => Some(1),
        _ => None,
    }
}
