//! Tensors out of a file that `torch.save` wrote (PyTorch 1.6 or newer: a zip archive with one pickle in it).

mod pickle;

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use half::{bf16, f16};
use zip::ZipArchive;

use super::CheckpointError;
use crate::model::HostTensor;
use pickle::{Id, Pickle, PickleError, Value};

/// Bytes per value of the narrowest type that is read.
const NARROWEST: usize = 2;

type Archive = ZipArchive<BufReader<File>>;

/// Largest pickle that is read: descriptions of tensors, not their values. ViT-L has 60 KiB.
const MOST_PICKLE_BYTES: u64 = 64 << 20;

/// A `.pth` file whose pickle has been read; tensors are read on demand.
pub(super) struct TorchFile {
    archive: Archive,
    /// Length of the whole file: no entry can be longer, whatever it claims.
    length: u64,
    /// Folder of all entries inside the archive, with a slash at the end.
    root: String,
    pickle: Pickle,
}

/// Where one tensor lies in the file.
struct TensorEntry {
    dtype: Dtype,
    /// Entry below `data/`.
    storage: String,
    /// First element in the storage.
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

#[derive(Clone, Copy)]
enum Dtype {
    F16,
    BF16,
    F32,
    F64,
}

impl TorchFile {
    pub(super) fn open(path: &Path) -> Result<Self, CheckpointError> {
        let damaged = |why: String| CheckpointError::damaged(path, why);
        let file = File::open(path).map_err(|e| CheckpointError::read(path, e))?;
        let length = file.metadata().map_err(|e| CheckpointError::read(path, e))?.len();
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| {
            damaged(format!(
                "expected a zip archive as torch.save writes it, found none that can be read ({e})"
            ))
        })?;
        let Some(name) = archive
            .file_names()
            .filter_map(Result::ok)
            .find(|n| n == "data.pkl" || n.ends_with("/data.pkl"))
            .map(Cow::into_owned)
        else {
            return Err(damaged("expected data.pkl inside the archive, found none".into()));
        };
        let root = name.trim_end_matches("data.pkl").to_owned();
        let order = read_entry(&mut archive, &format!("{root}byteorder"), 16).unwrap_or_default();
        if order == b"big" {
            return Err(damaged(
                "it was written on a big-endian machine; save it again on another".into(),
            ));
        }
        let bytes = read_entry(&mut archive, &name, MOST_PICKLE_BYTES).map_err(damaged)?;
        let pickle = Pickle::read(&bytes).map_err(|e| match e {
            PickleError::Refused(name) => CheckpointError::Refused {
                name: name.chars().take(120).collect(),
                path: path.into(),
            },
            PickleError::Damaged(why) => CheckpointError::damaged(path, why),
        })?;
        Ok(Self {
            archive,
            length,
            root,
            pickle,
        })
    }

    /// Keys of the outermost dictionary.
    pub(super) fn keys(&self) -> Vec<&str> {
        let entries = self.pickle.entries(self.pickle.root()).unwrap_or_default();
        entries.iter().filter_map(|(k, _)| self.pickle.text(*k)).collect()
    }

    /// Reads every floating-point tensor of the dictionary under `key` for whose name `wanted` says yes, as f32.
    pub(super) fn tensors(
        &mut self,
        key: &str,
        wanted: impl Fn(&str) -> bool,
        mut take: impl FnMut(String, HostTensor),
    ) -> Result<(), String> {
        let Some(dict) = self.pickle.entry(self.pickle.root(), key) else {
            return Err(format!("expected the key \"{key}\", found {:?}", self.keys()));
        };
        let Some(entries) = self.pickle.entries(dict) else {
            return Err(format!(
                "expected a dictionary of tensors under \"{key}\", found something else"
            ));
        };
        let named: Vec<(String, Id)> = entries
            .iter()
            .filter_map(|(k, v)| Some((self.pickle.text(*k)?.to_owned(), *v)))
            .filter(|(name, _)| wanted(name))
            .collect();
        // Many names may point at one storage, and each becomes a tensor of its own.
        let most = usize::try_from(self.length).unwrap_or(usize::MAX) / NARROWEST;
        let mut total = 0usize;
        for (name, id) in named {
            let Some(entry) = tensor_entry(&self.pickle, id).map_err(|why| format!("{name}: {why}"))? else {
                continue;
            };
            let tensor = self.read_tensor(&entry).map_err(|why| format!("{name}: {why}"))?;
            total = total.saturating_add(tensor.values.len());
            if total > most {
                return Err(format!(
                    "its tensors claim more than the {most} values that the file can hold"
                ));
            }
            take(name, tensor);
        }
        Ok(())
    }

    fn read_tensor(&mut self, entry: &TensorEntry) -> Result<HostTensor, String> {
        let name = format!("{}data/{}", self.root, entry.storage);
        let mut file = self
            .archive
            .by_name(&name)
            .map_err(|e| format!("its values are missing ({e})"))?;
        let width = entry.dtype.width();
        // Stored, not compressed: a claimed size above the file's own is a lie, and no memory is taken for it.
        if file.compression() != zip::CompressionMethod::Stored {
            return Err("its values are compressed, which torch.save never does".into());
        }
        let length = file.size().min(file.compressed_size()).min(self.length);
        let available = usize::try_from(length).unwrap_or(usize::MAX) / width;
        let count = entry
            .shape
            .iter()
            .try_fold(1usize, |n, side| n.checked_mul(*side))
            .filter(|n| *n <= available);
        let (Some(count), Some(last)) = (count, entry.last()) else {
            return Err(format!(
                "shape {:?} needs more values than the file holds ({available})",
                entry.shape
            ));
        };
        if count > 0 && last >= available {
            return Err(format!("it needs value {last} of a storage of {available}"));
        }
        let mut bytes = Vec::with_capacity(available * width);
        file.by_ref()
            .take((available * width) as u64)
            .read_to_end(&mut bytes)
            .map_err(|e| format!("its values cannot be read ({e})"))?;
        if bytes.len() < available * width {
            return Err("its values end too early".into());
        }
        let stored = entry.dtype.decode(&bytes);
        Ok(HostTensor {
            values: entry.gather(stored, count),
            shape: entry.shape.clone(),
        })
    }
}

impl TensorEntry {
    /// Index of the last element that the tensor touches, if it fits a `usize`.
    fn last(&self) -> Option<usize> {
        let sides = self.shape.iter().zip(&self.strides);
        sides.into_iter().try_fold(self.offset, |at, (side, stride)| {
            at.checked_add(side.saturating_sub(1).checked_mul(*stride)?)
        })
    }

    /// The tensor's values in row-major order.
    fn gather(&self, stored: Vec<f32>, count: usize) -> Vec<f32> {
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

impl Dtype {
    fn of_storage(name: &str) -> Option<Self> {
        match name {
            "torch.HalfStorage" => Some(Self::F16),
            "torch.BFloat16Storage" => Some(Self::BF16),
            "torch.FloatStorage" => Some(Self::F32),
            "torch.DoubleStorage" => Some(Self::F64),
            _ => None,
        }
    }

    fn width(self) -> usize {
        match self {
            Self::F16 | Self::BF16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| f16::from_le_bytes(*b).to_f32())
                .collect(),
            Self::BF16 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| bf16::from_le_bytes(*b).to_f32())
                .collect(),
            Self::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Self::F64 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| f64::from_le_bytes(*b) as f32)
                .collect(),
        }
    }
}

/// Reads what `_rebuild_tensor_v2(storage, offset, size, stride, …)` was called with; `None` for a value that is no
/// floating-point tensor (counters, strings).
fn tensor_entry(pickle: &Pickle, id: Id) -> Result<Option<TensorEntry>, String> {
    let Value::Call(name, arguments) = pickle.value(id) else {
        return Ok(None);
    };
    if !name.starts_with("torch._utils._rebuild_tensor") {
        return Ok(None);
    }
    let Some([storage, offset, shape, strides, ..]) = pickle.items(*arguments) else {
        return Err("expected storage, offset, size and stride, found fewer".into());
    };
    let Value::Persistent(storage) = pickle.value(*storage) else {
        return Err("expected a reference to a storage, found something else".into());
    };
    let Some([_, kind, key, ..]) = pickle.items(*storage) else {
        return Err("expected the type and key of a storage, found fewer".into());
    };
    let Value::Global(kind) = pickle.value(*kind) else {
        return Err("expected the type of a storage, found something else".into());
    };
    let Some(dtype) = Dtype::of_storage(kind) else {
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
    let key = pickle.text(*key).unwrap_or_default().to_owned();
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
    Ok(Some(TensorEntry {
        dtype,
        storage: key,
        offset,
        shape,
        strides,
    }))
}

fn read_entry(archive: &mut Archive, name: &str, most: u64) -> Result<Vec<u8>, String> {
    let mut file = archive
        .by_name(name)
        .map_err(|e| format!("{name} cannot be read ({e})"))?;
    if file.size() > most {
        return Err(format!("{name} claims {} bytes, more than {most}", file.size()));
    }
    let mut bytes = Vec::new();
    file.by_ref()
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("{name} cannot be read ({e})"))?;
    Ok(bytes)
}
