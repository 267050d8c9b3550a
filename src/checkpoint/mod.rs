//! Reads model files. Each layout has its own source file here and produces a [`Checkpoint`].
//!
//! A layout maps a file's tensors to those of a network with a `TensorMapping`; no values are read before the mapping
//! is complete. So a wrong file is reported at once, and a large one is never in memory twice.

mod augreg;
mod backbone;
mod bundle;
mod error;
mod file_tensors;
mod merge;
mod meta;
mod mmseg;
mod model_file;
mod model_path;
mod not_followed;
mod official_setr;
mod published_settings;
mod rstrudel;
mod shapes;
mod side_file;
mod sigmoid;
mod source;
mod taught;
mod tensor_mapping;
mod timm;
mod unrecognised;
mod unused_tensors;
mod variant;
mod vit_names;
mod weight_sets;

use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use backbone::Backbone;
pub use error::CheckpointError;
pub use model_file::ModelFile;
pub use model_path::{MODEL_ENDINGS, ends_like_a_model, files_of, model_file};
pub use published_settings::{System, proposed, settings_for_set};
pub use tensor_mapping::OnRead;

use crate::labels::ClassSet;
use crate::model::{ModelSpec, Weights};
use backbone::BackbonePlan;
use meta::Meta;
use source::npz::NpzFile;
use source::safetensors::SafetensorsFile;
use source::torch::TorchFile;
use source::{Source, Unread};
use tensor_mapping::TensorMapping;

/// The bundles embedded in the program: ViT-Tiny with patch 8, 16 and 32, fine-tuned on CamVid (see `NOTICE.md`). Patch
/// 16 has all five decoders, the others mask and linear; the mask transformer comes first in each.
const EMBEDDED: [(usize, &[u8]); 3] = [
    (8, include_bytes!("../../assets/models/vit-t-8-camvid.safetensors")),
    (16, include_bytes!("../../assets/models/vit-t-16-camvid.safetensors")),
    (32, include_bytes!("../../assets/models/vit-t-32-camvid.safetensors")),
];

/// A model read from a file, with everything needed to build and run it.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Encoder, decoders, sizes and inference settings.
    pub spec: ModelSpec,
    /// Names and colours of the classes.
    pub classes: ClassSet,
    /// The tensors, checked against `spec`.
    pub weights: Weights,
    /// Origin of the weights.
    pub provenance: Provenance,
    /// Whether 0 in ground truth means "no class" and other ids are one more than their class, if the file records it
    /// (`reduce_zero_label` of mmsegmentation).
    pub zero_is_ignored: Option<bool>,
    /// Remarks on what was assumed or left out when the file was opened, one sentence each. A bundle does not store
    /// them.
    pub remarks: Vec<String>,
}

/// The contents of a model file, without tensor values.
#[derive(Clone, Debug)]
pub struct Peek {
    /// Encoder, decoders, sizes and inference settings.
    pub spec: ModelSpec,
    /// Names and colours of the classes.
    pub classes: ClassSet,
    /// Origin of the weights.
    pub provenance: Provenance,
    /// Number of parameters, without those that no decoder uses.
    pub parameters: usize,
    /// As [`Checkpoint::zero_is_ignored`].
    pub zero_is_ignored: Option<bool>,
    /// As [`Checkpoint::remarks`].
    pub remarks: Vec<String>,
}

/// The origin of a model, for display: layout, data set, licence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The layout that the weights were first read from.
    pub layout: String,
    /// Further notes, as name and text.
    #[serde(default)]
    pub notes: Vec<(String, String)>,
}

impl Provenance {
    /// A provenance with a layout and no notes.
    pub fn new(layout: &str) -> Self {
        Self {
            layout: layout.into(),
            notes: Vec::new(),
        }
    }

    /// Adds a note, replacing one of the same name.
    pub fn add(&mut self, name: &str, text: impl Into<String>) {
        self.notes.retain(|(other, _)| other != name);
        self.notes.push((name.into(), text.into()));
    }
}

/// How a layout turns a file's tensors into a model.
struct Plan {
    spec: ModelSpec,
    classes: ClassSet,
    provenance: Provenance,
    mapping: TensorMapping,
    /// As [`Checkpoint::zero_is_ignored`].
    zero_is_ignored: Option<bool>,
    /// As [`Checkpoint::remarks`].
    remarks: Vec<String>,
}

/// A recognised file: the plan for reading it and its tensors.
enum Recognised {
    Model(Plan, Box<dyn Source>),
    Backbone(BackbonePlan, Box<dyn Source>),
}

/// Opens a model from a bundle or from a file in any published layout, recognised by content. `path` is a file, or a
/// folder that holds one. `on_read` receives the share that has been read and can cancel.
///
/// # Errors
/// A sentence that says what was expected, what was found and in which file; it lists every tensor that does not fit.
/// [`CheckpointError::Cancelled`] when `on_read` returns `Break`.
pub fn open(path: &Path, on_read: OnRead) -> Result<Checkpoint, CheckpointError> {
    open_with(path, None, on_read)
}

/// Like [`open()`], but reads the weights under the key `weights` of the file, such as `model_ema` or
/// `state_dict.teacher`; `.` is the outermost dictionary, and `None` chooses the most usual key.
///
/// # Errors
/// As [`open()`], and when the key holds no weights of a model; the error lists the keys that do.
pub fn open_with(path: &Path, weights: Option<&str>, on_read: OnRead) -> Result<Checkpoint, CheckpointError> {
    ModelFile::open(path, weights)?.read(on_read)
}

/// Reads what a model file contains, without tensor values.
///
/// # Errors
/// As [`open()`], except for errors in tensor values.
pub fn peek(path: &Path) -> Result<Peek, CheckpointError> {
    ModelFile::open(path, None).map(ModelFile::into_peek)
}

/// Opens initial weights for training: an ImageNet classifier (timm, DeiT or AugReg), or a segmentation model, whose
/// decoder weights are then part of [`Backbone::weights`].
///
/// # Errors
/// As [`open()`].
pub fn open_backbone(path: &Path, on_read: OnRead) -> Result<Backbone, CheckpointError> {
    open_backbone_with(path, None, on_read)
}

/// Like [`open_backbone()`], but reads the weights under the key `weights` of the file; see [`open_with()`].
///
/// # Errors
/// As [`open_with()`].
pub fn open_backbone_with(path: &Path, weights: Option<&str>, on_read: OnRead) -> Result<Backbone, CheckpointError> {
    let path = model_file(path)?;
    match find(&path, weights)? {
        Recognised::Backbone(plan, mut source) => plan.read(source.as_mut(), &path, on_read),
        Recognised::Model(plan, source) => {
            let checkpoint = ModelFile::new(plan, source, &path).read(on_read)?;
            Ok(Backbone {
                encoder: checkpoint.spec.encoder,
                normalisation: checkpoint.spec.normalisation,
                weights: checkpoint.weights,
                provenance: checkpoint.provenance,
                remarks: checkpoint.remarks,
            })
        }
    }
}

/// Opens the main embedded bundle, which has patch 16.
///
/// # Errors
/// Only when the program was built from a damaged source tree.
pub fn open_embedded() -> Result<Checkpoint, CheckpointError> {
    open_embedded_with_patch(16)
}

/// Opens the embedded bundle with patch 8, 16 or 32.
///
/// # Errors
/// When there is no embedded bundle with this patch size.
pub fn open_embedded_with_patch(patch: usize) -> Result<Checkpoint, CheckpointError> {
    embedded(patch)?.read(&mut |_| ControlFlow::Continue(()))
}

fn embedded(patch: usize) -> Result<ModelFile, CheckpointError> {
    let path = Path::new("the embedded model");
    match EMBEDDED.iter().find(|(side, _)| *side == patch) {
        Some((_, bytes)) => in_memory(*bytes, path),
        None => Err(CheckpointError::damaged(
            path,
            format!("expected patch 8, 16 or 32, found {patch}"),
        )),
    }
}

/// Opens a bundle from memory, with the same checks as [`open()`].
///
/// # Errors
/// As [`open()`].
pub fn open_bytes(bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    in_memory(bytes.to_vec(), Path::new("memory"))?.read(&mut |_| ControlFlow::Continue(()))
}

fn in_memory(bytes: impl AsRef<[u8]> + Send + 'static, path: &Path) -> Result<ModelFile, CheckpointError> {
    let file = SafetensorsFile::from_bytes(bytes, path)?;
    if !bundle::has_layout(&file) {
        return Err(CheckpointError::damaged(path, unrecognised::safetensors(file.shapes())));
    }
    let (plan, source) = bundle::plan(file, path)?;
    Ok(ModelFile::new(plan, source, path))
}

/// Writes a bundle, with half-precision tensors and with spec and classes in the metadata. The file appears whole or
/// not at all.
///
/// # Errors
/// When the folder cannot be written to or the disk is full; an existing file stays unchanged.
pub fn save_bundle(checkpoint: &Checkpoint, path: &Path) -> Result<(), CheckpointError> {
    bundle::save(checkpoint, path)
}

fn model_in(path: &Path, weights: Option<&str>) -> Result<(Plan, Box<dyn Source>), CheckpointError> {
    match find(path, weights)? {
        Recognised::Model(plan, source) => Ok((plan, source)),
        Recognised::Backbone(plan, _) => Err(CheckpointError::Backbone {
            kind: plan.provenance.layout,
            path: path.into(),
        }),
    }
}

/// Recognises a file by its first bytes, then by the names of its tensors.
fn find(path: &Path, weights: Option<&str>) -> Result<Recognised, CheckpointError> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(unrecognised::HEAD as u64).read_to_end(&mut head))
        .map_err(|e| CheckpointError::read(path, e))?;
    if head.starts_with(b"PK") {
        return match NpzFile::open(path)? {
            Some(npz) => find_among(Box::new(npz), None, weights, path),
            None => find_in_torch(TorchFile::open_archive(path)?, weights, path),
        };
    }
    if SafetensorsFile::looks_like(&head) {
        let file = SafetensorsFile::open(path)?;
        if !bundle::has_layout(&file) {
            return find_among(Box::new(file), None, weights, path);
        }
        if let Some(key) = weights {
            let why = format!("weights: expected no key because a bundle holds one set of weights, found {key:.80}");
            return Err(CheckpointError::damaged(path, why));
        }
        let (plan, source) = bundle::plan(file, path)?;
        return Ok(Recognised::Model(plan, source));
    }
    if head.starts_with(&[0x80]) {
        return find_in_torch(TorchFile::open_legacy(path)?, weights, path);
    }
    Err(CheckpointError::damaged(path, unrecognised::file(&head)))
}

fn find_in_torch(file: TorchFile, weights: Option<&str>, path: &Path) -> Result<Recognised, CheckpointError> {
    let meta = Meta::of(&file);
    let keys = file.keys().join(", ");
    let calls = file.unknown_calls();
    let tensors = file.tensors().map_err(|why| CheckpointError::damaged(path, why))?;
    if tensors.shapes().is_empty() {
        return Err(nothing_in(&tensors, &keys, path));
    }
    let mut found = find_among(Box::new(tensors), Some(&meta), weights, path)?;
    if !calls.is_empty() {
        let names: Vec<String> = calls
            .iter()
            .take(5)
            .map(|name| name.chars().take(80).collect())
            .collect();
        let more = if calls.len() > names.len() { ", …" } else { "" };
        found.remarks().push(format!(
            "the file asks Python to call {}{more} for data beside the weights; nothing was run, and no tensor in use \
             depends on it",
            names.join(", ")
        ));
    }
    Ok(found)
}

/// The error for a PyTorch file without tensors.
fn nothing_in(tensors: &impl Source, keys: &str, path: &Path) -> CheckpointError {
    let unread = tensors.unread();
    if let Some((name, call)) = unread.iter().find(|(_, why)| matches!(why, Unread::Call(_))) {
        return call.error(name, path);
    }
    let class = unread.values().find_map(|why| match why {
        Unread::Object(class) => Some(class.as_str()),
        _ => None,
    });
    CheckpointError::damaged(path, unrecognised::torch(keys, class))
}

fn find_among(
    source: Box<dyn Source>,
    meta: Option<&Meta>,
    weights: Option<&str>,
    path: &Path,
) -> Result<Recognised, CheckpointError> {
    let chosen = weight_sets::choose(source, weights, path)?;
    // If no layout is recognised, an unreadable parameter is the better explanation.
    let parameters = [".weight", ".bias", "pos_embed", "cls_token", "cls_emb"];
    let is_parameter = |name: &str| parameters.iter().any(|end| name.ends_with(end));
    let unread = chosen.source.unread().iter().find(|(name, _)| is_parameter(name));
    let unread = unread.map(|(name, why)| why.error(name, path));
    let none = Meta::none();
    let found = recognised(chosen.source, meta.unwrap_or(&none), path);
    let mut found = found.map_err(|other| unread.unwrap_or(other))?;
    let left_out = match &found {
        Recognised::Model(plan, source) => plan.mapping.left_out(source.as_ref()),
        Recognised::Backbone(plan, source) => plan.mapping.left_out(source.as_ref()),
    };
    let remarks = found.remarks();
    let of_layout = std::mem::replace(remarks, chosen.remarks);
    remarks.extend(of_layout);
    remarks.extend(left_out.remarks(chosen.beside));
    Ok(found)
}

fn recognised(source: Box<dyn Source>, meta: &Meta, path: &Path) -> Result<Recognised, CheckpointError> {
    let shapes = source.shapes();
    let plan = if rstrudel::has_layout(shapes) {
        rstrudel::plan(shapes, path)?
    } else if mmseg::has_layout(shapes) {
        mmseg::plan(shapes, meta, path)?
    } else if official_setr::has_layout(shapes) {
        official_setr::plan(shapes, meta, path)?
    } else if let Some(plan) = backbone::plan(shapes, path) {
        return Ok(Recognised::Backbone(plan?, source));
    } else {
        return Err(CheckpointError::damaged(path, unrecognised::tensors(shapes)));
    };
    Ok(Recognised::Model(plan, source))
}

impl Recognised {
    fn remarks(&mut self) -> &mut Vec<String> {
        match self {
            Self::Model(plan, _) => &mut plan.remarks,
            Self::Backbone(plan, _) => &mut plan.remarks,
        }
    }
}

/// Refuses impossible sizes before memory is allocated for them.
fn check_spec(spec: &ModelSpec, path: &Path) -> Result<(), CheckpointError> {
    spec.check().map_err(|source| CheckpointError::Spec {
        source,
        path: path.into(),
    })
}
