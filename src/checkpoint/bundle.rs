//! The project's own file: one `.safetensors` in half precision whose metadata holds spec, classes and provenance.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use half::f16;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::{Checkpoint, CheckpointError, Provenance};
use crate::labels::ClassSet;
use crate::model::{HostTensor, ModelSpec, Weights};
use crate::staged_file::StagedFile;

/// Metadata keys.
const FORMAT: &str = "segscope.format";
const SPEC: &str = "segscope.spec";
const CLASSES: &str = "segscope.classes";
const PROVENANCE: &str = "segscope.provenance";

/// Version of the layout that this program writes.
const VERSION: &str = "1";

/// Largest bundle that is read: ViT-L in f32 with room to spare.
const MOST_BYTES: u64 = 8 << 30;

/// Whether the file starts like a safetensors file: a header length and an opening brace.
pub(super) fn looks_like_safetensors(head: &[u8]) -> bool {
    head.len() > 8 && head[8] == b'{'
}

/// Reads a bundle file.
pub(super) fn open(path: &Path) -> Result<Checkpoint, CheckpointError> {
    let mut file = File::open(path).map_err(|e| CheckpointError::read(path, e))?;
    let length = file.metadata().map_err(|e| CheckpointError::read(path, e))?.len();
    let mut head = [0; 8];
    file.read_exact(&mut head).map_err(|e| CheckpointError::read(path, e))?;
    let header = u64::from_le_bytes(head);
    if header > length.saturating_sub(8) || length > MOST_BYTES {
        let why = format!("its header claims {header} bytes, the file has {length}");
        return Err(CheckpointError::damaged(path, why));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.take(MOST_BYTES).read_to_end(&mut bytes))
        .map_err(|e| CheckpointError::read(path, e))?;
    from_bytes(&bytes, path)
}

/// Reads a bundle from memory; `path` only names it in errors.
pub(super) fn from_bytes(bytes: &[u8], path: &Path) -> Result<Checkpoint, CheckpointError> {
    let damaged = |why: String| CheckpointError::damaged(path, why);
    let (_, header) =
        SafeTensors::read_metadata(bytes).map_err(|e| damaged(format!("it is no safetensors file ({e})")))?;
    let none = HashMap::new();
    let metadata = header.metadata().as_ref().unwrap_or(&none);
    match metadata.get(FORMAT).map(String::as_str) {
        Some(VERSION) => {}
        Some(other) => {
            return Err(damaged(format!(
                "expected bundle format {VERSION}, found {other}; use a newer Segscope"
            )));
        }
        None => {
            return Err(damaged(
                "expected a Segscope bundle, found safetensors without Segscope's metadata; \
                 make a bundle from a published checkpoint with segscope convert"
                    .into(),
            ));
        }
    }
    let spec: ModelSpec = json(metadata, SPEC).map_err(&damaged)?;
    let classes: ClassSet = json(metadata, CLASSES).map_err(&damaged)?;
    let provenance: Provenance = json(metadata, PROVENANCE).map_err(&damaged)?;
    if classes.len() != spec.classes {
        return Err(damaged(format!(
            "expected names for {} classes, found {}",
            spec.classes,
            classes.len()
        )));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| damaged(format!("it is damaged ({e})")))?;
    let mut weights = Weights::default();
    for (name, view) in tensors.iter() {
        let values = decode(view.dtype(), view.data())
            .ok_or_else(|| damaged(format!("{name}: expected F16, BF16 or F32, found {:?}", view.dtype())))?;
        let shape = view.shape().to_vec();
        weights.insert(name, HostTensor { shape, values });
    }
    Ok(Checkpoint {
        spec,
        classes,
        weights,
        provenance,
    })
}

/// Writes a bundle beside `path` and renames it.
pub(super) fn save(checkpoint: &Checkpoint, path: &Path) -> Result<(), CheckpointError> {
    let wrong = |source: std::io::Error| CheckpointError::Write {
        source,
        path: path.into(),
    };
    let as_json = |value: Result<String, serde_json::Error>| value.map_err(|e| wrong(std::io::Error::other(e)));
    let metadata = HashMap::from([
        (FORMAT.to_owned(), VERSION.to_owned()),
        (SPEC.to_owned(), as_json(serde_json::to_string(&checkpoint.spec))?),
        (CLASSES.to_owned(), as_json(serde_json::to_string(&checkpoint.classes))?),
        (
            PROVENANCE.to_owned(),
            as_json(serde_json::to_string(&checkpoint.provenance))?,
        ),
    ]);
    let stored: Vec<_> = checkpoint
        .weights
        .iter()
        .map(|(name, t)| (name, t.shape.as_slice(), encode(&t.values)))
        .collect();
    let views = stored
        .iter()
        .map(|(name, shape, (dtype, bytes))| Ok((*name, TensorView::new(*dtype, shape.to_vec(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|e| wrong(std::io::Error::other(e)))?;
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(|e| wrong(std::io::Error::other(e)))?;
    StagedFile::write(path, &bytes)
        .and_then(StagedFile::commit)
        .map_err(wrong)
}

fn json<T: serde::de::DeserializeOwned>(metadata: &HashMap<String, String>, key: &str) -> Result<T, String> {
    let text = metadata
        .get(key)
        .ok_or_else(|| format!("expected the metadata {key}, found none"))?;
    serde_json::from_str(text).map_err(|e| format!("the metadata {key} cannot be read ({e})"))
}

fn decode(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    match dtype {
        Dtype::F16 => Some(
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| f16::from_le_bytes(*b).to_f32())
                .collect(),
        ),
        Dtype::BF16 => Some(
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| half::bf16::from_le_bytes(*b).to_f32())
                .collect(),
        ),
        Dtype::F32 => Some(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
        _ => None,
    }
}

/// Half precision, or single where a value is too large for it.
fn encode(values: &[f32]) -> (Dtype, Vec<u8>) {
    if values.iter().all(|v| v.abs() <= f16::MAX.to_f32()) {
        let bytes = values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes());
        (Dtype::F16, bytes.collect())
    } else {
        (Dtype::F32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }
}
