//! The project's own file: one `.safetensors` in half precision whose metadata holds spec, classes and provenance.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use half::f16;
use safetensors::View;
use safetensors::tensor::Dtype;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::recipe::Recipe;
use super::source::safetensors::SafetensorsFile;
use super::{Checkpoint, CheckpointError, Plan, Provenance, check_spec};
use crate::labels::ClassSet;
use crate::model::{HostTensor, ModelSpec, tensors_of};
use crate::staged_file::StagedFile;

/// Metadata keys.
const FORMAT: &str = "segscope.format";
const SPEC: &str = "segscope.spec";
const CLASSES: &str = "segscope.classes";
const PROVENANCE: &str = "segscope.provenance";

/// How ground truth for the model is read, as [`Truth`]; bundles of models whose files did not say it have none.
const TRUTH: &str = "segscope.truth";

/// Version of the layout that this program writes: any number of decoders, named `decoders.KEY.…`.
const VERSION: &str = "2";

/// The version before: one decoder, named `decoder.…`.
const SINGLE_DECODER_VERSION: &str = "1";

/// What a model's own file said about ground truth.
#[derive(Debug, Serialize, Deserialize)]
struct Truth {
    zero_is_ignored: bool,
}

/// Whether a file has Segscope's metadata, of whatever version.
pub(super) fn is_it(file: &SafetensorsFile) -> bool {
    file.metadata().contains_key(FORMAT)
}

/// What to make of the tensors of a bundle.
pub(super) fn plan(file: &SafetensorsFile, path: &Path) -> Result<Plan, CheckpointError> {
    let damaged = |why: String| CheckpointError::damaged(path, why);
    let metadata = file.metadata();
    let version = metadata.get(FORMAT).map(String::as_str).unwrap_or_default();
    let mut spec: Value = json(metadata, SPEC).map_err(&damaged)?;
    match version {
        VERSION => {}
        SINGLE_DECODER_VERSION => use_decoder_list(&mut spec),
        other => {
            return Err(damaged(format!(
                "expected bundle format {VERSION}, found {other:.40}; use a newer Segscope"
            )));
        }
    }
    let spec: ModelSpec =
        serde_json::from_value(spec).map_err(|e| damaged(format!("the metadata {SPEC} cannot be read ({e})")))?;
    let classes: ClassSet = json(metadata, CLASSES).map_err(&damaged)?;
    let provenance: Provenance = json(metadata, PROVENANCE).map_err(&damaged)?;
    let truth: Option<Truth> = match metadata.contains_key(TRUTH) {
        true => Some(json(metadata, TRUTH).map_err(&damaged)?),
        false => None,
    };
    check_spec(&spec, path)?;
    if classes.len() != spec.classes {
        return Err(damaged(format!(
            "expected names for {} classes, found {}",
            spec.classes,
            classes.len()
        )));
    }
    let mut recipe = Recipe::default();
    for tensor in tensors_of(&spec) {
        let stored = match version {
            SINGLE_DECODER_VERSION => single_decoder_name(&tensor.name),
            _ => tensor.name.clone(),
        };
        recipe.take(tensor.name, stored);
    }
    Ok(Plan {
        recipe,
        spec,
        classes,
        provenance,
        zero_is_ignored: truth.map(|truth| truth.zero_is_ignored),
        remarks: Vec::new(),
    })
}

/// Turns `decoder: {name: …}` into a list of one decoder.
fn use_decoder_list(spec: &mut Value) {
    let Some(object) = spec.as_object_mut() else { return };
    let Some(head) = object.remove("decoder") else { return };
    let key = match head["name"].as_str() {
        Some("linear") => "linear",
        _ => "mask",
    };
    object.insert("decoders".into(), serde_json::json!([{ "key": key, "head": head }]));
}

/// `decoders.KEY.rest` as `decoder.rest`.
fn single_decoder_name(name: &str) -> String {
    let of_decoder = name.strip_prefix("decoders.").and_then(|rest| rest.split_once('.'));
    of_decoder.map_or_else(|| name.to_owned(), |(_, rest)| format!("decoder.{rest}"))
}

/// Writes a bundle beside `path` and renames it.
pub(super) fn save(checkpoint: &Checkpoint, path: &Path) -> Result<(), CheckpointError> {
    let wrong = |source: std::io::Error| CheckpointError::Write {
        source,
        path: path.into(),
    };
    let as_json = |value: Result<String, serde_json::Error>| value.map_err(|e| wrong(std::io::Error::other(e)));
    let mut metadata = HashMap::from([
        (FORMAT.to_owned(), VERSION.to_owned()),
        (SPEC.to_owned(), as_json(serde_json::to_string(&checkpoint.spec))?),
        (CLASSES.to_owned(), as_json(serde_json::to_string(&checkpoint.classes))?),
        (
            PROVENANCE.to_owned(),
            as_json(serde_json::to_string(&checkpoint.provenance))?,
        ),
    ]);
    if let Some(zero_is_ignored) = checkpoint.zero_is_ignored {
        let truth = as_json(serde_json::to_string(&Truth { zero_is_ignored }))?;
        metadata.insert(TRUTH.to_owned(), truth);
    }
    let tensors = checkpoint
        .weights
        .iter()
        .map(|(name, tensor)| (name, Stored::of(tensor)));
    StagedFile::fill(path, |staged| {
        safetensors::serialize_to_file(tensors, Some(metadata), staged).map_err(|e| match e {
            safetensors::SafeTensorError::IoError(e) => e,
            e => std::io::Error::other(e),
        })
    })
    .and_then(StagedFile::commit)
    .map_err(wrong)
}

fn json<T: serde::de::DeserializeOwned>(metadata: &HashMap<String, String>, key: &str) -> Result<T, String> {
    let text = metadata
        .get(key)
        .ok_or_else(|| format!("expected the metadata {key}, found none"))?;
    serde_json::from_str(text).map_err(|e| format!("the metadata {key} cannot be read ({e})"))
}

/// A tensor as a bundle stores it, turned into bytes when it is its turn to be written.
struct Stored<'a> {
    tensor: &'a HostTensor,
    dtype: Dtype,
}

impl<'a> Stored<'a> {
    /// Half precision, or single where a value is too large for it.
    fn of(tensor: &'a HostTensor) -> Self {
        let fits = tensor.values.iter().all(|v| v.abs() <= f16::MAX.to_f32());
        let dtype = if fits { Dtype::F16 } else { Dtype::F32 };
        Self { tensor, dtype }
    }
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.tensor.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let values = self.tensor.values.iter();
        Cow::Owned(match self.dtype {
            Dtype::F16 => values.flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
            _ => values.flat_map(|v| v.to_le_bytes()).collect(),
        })
    }

    fn data_len(&self) -> usize {
        self.tensor.values.len() * if self.dtype == Dtype::F16 { 2 } else { 4 }
    }
}
