//! Segscope's bundle: one `.safetensors` in half precision whose metadata holds spec, classes, provenance and a
//! checksum.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crc32fast::Hasher;
use half::f16;
use safetensors::View;
use safetensors::tensor::Dtype;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::source::safetensors::SafetensorsFile;
use super::source::{Shapes, Source, UnreadByName};
use super::tensor_mapping::TensorMapping;
use super::{Checkpoint, CheckpointError, Plan, Provenance, check_spec};
use crate::labels::ClassSet;
use crate::model::{EncoderSpec, HostTensor, ModelSpec, in_decoder, tensors_of};
use crate::staged_file::StagedFile;

/// Metadata keys.
const FORMAT: &str = "segscope.format";
const SPEC: &str = "segscope.spec";
const CLASSES: &str = "segscope.classes";
const PROVENANCE: &str = "segscope.provenance";
const CHECKSUM: &str = "segscope.checksum";

/// Prefix of the eight hexadecimal digits of a checksum.
const CRC_32: &str = "crc32:";

/// Key for how ground truth for the model is read, as [`Truth`]; absent if the model's file did not record it.
const TRUTH: &str = "segscope.truth";

/// The format that this program writes: an encoder of any family, and any number of decoders, named `decoders.KEY.…`.
const VERSION: &str = "3";

/// Format 2: every encoder is a Vision Transformer, without a family in the spec.
const SINGLE_FAMILY_VERSION: &str = "2";

/// Format 1: like format 2, but with one decoder, named `decoder.…`.
const SINGLE_DECODER_VERSION: &str = "1";

/// How ground truth is read, as recorded in the model's original file.
#[derive(Debug, Serialize, Deserialize)]
struct Truth {
    zero_is_ignored: bool,
}

/// Whether a file has Segscope's metadata, of any version.
pub(super) fn has_layout(file: &SafetensorsFile) -> bool {
    file.metadata().contains_key(FORMAT)
}

/// Plans how to read a bundle. The returned source compares the tensors with the bundle's checksum.
pub(super) fn plan(file: SafetensorsFile, path: &Path) -> Result<(Plan, Box<dyn Source>), CheckpointError> {
    let damaged = |why: String| CheckpointError::damaged(path, why);
    let metadata = file.metadata();
    let version = metadata.get(FORMAT).map(String::as_str).unwrap_or_default();
    let spec = spec_of(version, json(metadata, SPEC).map_err(&damaged)?).map_err(&damaged)?;
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
    let mut mapping = TensorMapping::default();
    let mut stored_names = Vec::new();
    for tensor in tensors_of(&spec) {
        let stored = match version {
            SINGLE_DECODER_VERSION => single_decoder_name(&tensor.name),
            _ => tensor.name.clone(),
        };
        stored_names.push(stored.clone());
        mapping.take(tensor.name, stored);
    }
    let checksum = metadata
        .get(CHECKSUM)
        .map(|text| parsed(text))
        .transpose()
        .map_err(&damaged)?;
    let source = CheckedBundle {
        expected: checksum,
        of_metadata: metadata_checksum(metadata),
        names: stored_names,
        read: BTreeMap::new(),
        file,
    };
    let plan = Plan {
        remarks: mapping.left_out(&source).remarks(Vec::new()),
        mapping,
        spec,
        classes,
        provenance,
        zero_is_ignored: truth.map(|truth| truth.zero_is_ignored),
    };
    Ok((plan, Box::new(source)))
}

/// The tensors of a bundle, compared with its checksum after reading.
struct CheckedBundle {
    file: SafetensorsFile,
    /// `None` in bundles of versions that wrote no checksum.
    expected: Option<u32>,
    /// State of the checksum after the texts in the header.
    of_metadata: Hasher,
    /// Names of all tensors in the checksum, in its order.
    names: Vec<String>,
    /// Checksums of the tensors that were read.
    read: BTreeMap<String, u32>,
}

impl Source for CheckedBundle {
    fn shapes(&self) -> &Shapes {
        self.file.shapes()
    }

    fn unread(&self) -> &UnreadByName {
        self.file.unread()
    }

    fn read(&mut self, name: &str) -> Result<HostTensor, String> {
        let bytes = self.file.bytes(name)?;
        if self.expected.is_some() {
            self.read.insert(name.to_owned(), crc32fast::hash(&bytes));
        }
        self.file.decoded(name, &bytes)
    }

    fn finish(&self) -> Result<(), String> {
        let Some(expected) = self.expected else {
            return Ok(());
        };
        let of_tensors = self
            .names
            .iter()
            .filter_map(|name| Some((name.as_str(), *self.read.get(name)?)));
        let found = checksum(self.of_metadata.clone(), of_tensors);
        if found != expected {
            return Err(format!(
                "it is damaged: its checksum differs (expected {expected:08x}, found {found:08x}); copy or download the \
                 file again"
            ));
        }
        Ok(())
    }
}

/// State of the checksum after the texts in a bundle's header, except the checksum itself.
fn metadata_checksum(metadata: &HashMap<String, String>) -> Hasher {
    let mut hasher = Hasher::new();
    for text in [FORMAT, SPEC, CLASSES, PROVENANCE, TRUTH]
        .into_iter()
        .filter_map(|key| metadata.get(key))
    {
        hasher.update(text.as_bytes());
    }
    hasher
}

/// Checksum of a whole bundle: its texts, then name and checksum of each tensor.
fn checksum<'a>(of_metadata: Hasher, of_tensors: impl Iterator<Item = (&'a str, u32)>) -> u32 {
    let mut hasher = of_metadata;
    for (name, of_values) in of_tensors {
        hasher.update(name.as_bytes());
        hasher.update(&of_values.to_le_bytes());
    }
    hasher.finalize()
}

/// Parses the checksum in a bundle's metadata.
fn parsed(text: &str) -> Result<u32, String> {
    let digits = text
        .strip_prefix(CRC_32)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok());
    digits.ok_or_else(|| {
        format!("the metadata {CHECKSUM} cannot be read: expected {CRC_32} and eight digits, found {text:.40}")
    })
}

/// Parses the spec of a bundle of any supported format.
fn spec_of(version: &str, mut spec: Value) -> Result<ModelSpec, String> {
    match version {
        VERSION => {}
        SINGLE_FAMILY_VERSION => use_family(&mut spec),
        SINGLE_DECODER_VERSION => {
            use_family(&mut spec);
            use_decoder_list(&mut spec);
        }
        other => {
            return Err(format!(
                "expected bundle format {VERSION}, found {other:.40}; use a newer Segscope"
            ));
        }
    }
    let family = spec["encoder"]["family"].as_str();
    if let Some(other) = family.filter(|family| !EncoderSpec::FAMILIES.contains(family)) {
        return Err(format!(
            "expected an encoder of the family {}, found {other:.40}; use a newer Segscope",
            EncoderSpec::FAMILIES.join(" or ")
        ));
    }
    serde_json::from_value(spec).map_err(|e| format!("the metadata {SPEC} cannot be read ({e})"))
}

/// Adds the family of a Vision Transformer to the encoder.
fn use_family(spec: &mut Value) {
    if let Some(encoder) = spec.get_mut("encoder").and_then(Value::as_object_mut) {
        encoder.insert("family".into(), "vit".into());
    }
}

/// Converts `decoder: {name: …}` to a list of one decoder.
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
    in_decoder(name).map_or_else(|| name.to_owned(), |(_, rest)| format!("decoder.{rest}"))
}

/// Writes a bundle to a temporary file beside `path` and renames it.
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
    let needed = tensors_of(&checkpoint.spec);
    let of_tensors = needed.iter().filter_map(|tensor| {
        let stored = Stored::of(checkpoint.weights.get(&tensor.name)?);
        Some((tensor.name.as_str(), crc32fast::hash(&stored.data())))
    });
    let checksum = checksum(metadata_checksum(&metadata), of_tensors);
    metadata.insert(CHECKSUM.to_owned(), format!("{CRC_32}{checksum:08x}"));
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

/// A tensor as a bundle stores it, converted to bytes only when it is written.
struct Stored<'a> {
    tensor: &'a HostTensor,
    dtype: Dtype,
}

impl<'a> Stored<'a> {
    /// Half precision, or single precision if a value is too large for half.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DecoderKind, Variant, published};

    #[test]
    fn format_2_opens_like_format_3() {
        let spec = published(Variant::Tiny, 16, &DecoderKind::ALL, 3, 64);
        let now = serde_json::to_value(&spec).expect("a text");
        assert_eq!(now["encoder"]["family"], "vit");
        let mut before = now.clone();
        before["encoder"].as_object_mut().expect("an object").remove("family");
        assert_eq!(spec_of("3", now).as_ref(), Ok(&spec));
        assert_eq!(spec_of("2", before.clone()).as_ref(), Ok(&spec));
        assert!(spec_of("3", before).is_err(), "an encoder without a family");
    }

    #[test]
    fn a_spec_of_format_2_is_read() {
        let text = r#"{"encoder": {"dim": 192, "depth": 12, "heads": 3, "patch": 16, "grid": [4, 4], "class_token": true,
            "distilled": false, "final_norm": true, "norm_eps": 1e-5, "position_resize": "bilinear"},
            "decoders": [{"key": "mask", "head": {"name": "mask-transformer", "layers": 2, "heads": 3, "norm_eps": 1e-5}}],
            "classes": 3, "normalisation": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
            "inference": {"window": 64, "stride": 64, "short_side": null}}"#;
        let spec = spec_of("2", serde_json::from_str(text).expect("JSON"));
        let expected = published(Variant::Tiny, 16, &[DecoderKind::Mask], 3, 64);
        assert_eq!(spec, Ok(expected));
    }

    #[test]
    fn files_of_a_newer_segscope_are_refused() {
        let spec = published(Variant::Tiny, 16, &[DecoderKind::Mask], 3, 64);
        let mut other = serde_json::to_value(&spec).expect("a text");
        assert_eq!(
            spec_of("4", other.clone()),
            Err("expected bundle format 3, found 4; use a newer Segscope".into())
        );
        other["encoder"]["family"] = "resnet".into();
        assert_eq!(
            spec_of("3", other),
            Err("expected an encoder of the family vit, found resnet; use a newer Segscope".into())
        );
    }
}
