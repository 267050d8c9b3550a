//! Files to models: one file here per layout, all of them ending in a [`Checkpoint`].
//!
//! A layout says what to make of a file's tensors, as a `Recipe`; nothing is read until that is known. So a wrong
//! file is told at once, and a large one is never in memory twice.

mod augreg;
mod backbone;
mod bundle;
mod error;
mod left_out;
mod merge;
mod meta;
mod mmseg;
mod not_followed;
mod official_setr;
mod place;
mod recipe;
mod rstrudel;
mod sets;
mod shapes;
mod side_file;
mod sigmoid;
mod source;
mod stranger;
mod test_settings;
mod timm;
mod variant;
mod vit_names;

use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use backbone::Backbone;
pub use error::CheckpointError;
pub use place::{MODEL_ENDINGS, ends_like_a_model, files_of, model_file};
pub use recipe::OnRead;
pub use test_settings::{System, proposed, settings_for_set};

use crate::labels::ClassSet;
use crate::model::{ModelSpec, Weights, tensors_of};
use backbone::BackbonePlan;
use meta::Meta;
use recipe::Recipe;
use source::npz::NpzFile;
use source::safetensors::SafetensorsFile;
use source::torch::TorchFile;
use source::{Source, Unread};

/// The bundles inside the program: ViT-Tiny with patch 8, 16 and 32, fine-tuned on CamVid (see `NOTICE.md`). Patch 16 has
/// all five decoders, the others mask and linear; the mask transformer comes first in each.
const EMBEDDED: [(usize, &[u8]); 3] = [
    (8, include_bytes!("../../assets/models/vit-t-8-camvid.safetensors")),
    (16, include_bytes!("../../assets/models/vit-t-16-camvid.safetensors")),
    (32, include_bytes!("../../assets/models/vit-t-32-camvid.safetensors")),
];

/// A model as read from a file: everything that is needed to build and to run it.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Sizes and rules.
    pub spec: ModelSpec,
    /// Names and colours of the classes.
    pub classes: ClassSet,
    /// The tensors, checked against `spec`.
    pub weights: Weights,
    /// Where it comes from.
    pub provenance: Provenance,
    /// Whether 0 in ground truth means "no class" and other ids are one more than their class, where the file says so
    /// (`reduce_zero_label` of mmsegmentation).
    pub zero_is_ignored: Option<bool>,
    /// What was assumed or left out when the file was opened, each a sentence. A bundle does not keep them.
    pub remarks: Vec<String>,
}

/// What a model file holds, without its values.
#[derive(Clone, Debug)]
pub struct Peek {
    /// Sizes and rules.
    pub spec: ModelSpec,
    /// Names and colours of the classes.
    pub classes: ClassSet,
    /// Where it comes from.
    pub provenance: Provenance,
    /// Number of parameters, without those that no decoder uses.
    pub parameters: usize,
    /// As [`Checkpoint::zero_is_ignored`].
    pub zero_is_ignored: Option<bool>,
    /// As [`Checkpoint::remarks`].
    pub remarks: Vec<String>,
}

/// Where a model comes from, for people: layout, data set, licence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Which layout the weights were first read from.
    pub layout: String,
    /// Anything else worth knowing, as name and text.
    #[serde(default)]
    pub notes: Vec<(String, String)>,
}

impl Provenance {
    /// With a layout and no notes.
    pub fn new(layout: &str) -> Self {
        Self {
            layout: layout.into(),
            notes: Vec::new(),
        }
    }

    /// Adds a note; one of the same name gives way.
    pub fn add(&mut self, name: &str, text: impl Into<String>) {
        self.notes.retain(|(other, _)| other != name);
        self.notes.push((name.into(), text.into()));
    }
}

/// What a layout makes of a file's tensors.
struct Plan {
    spec: ModelSpec,
    classes: ClassSet,
    provenance: Provenance,
    recipe: Recipe,
    /// As [`Checkpoint::zero_is_ignored`].
    zero_is_ignored: Option<bool>,
    /// As [`Checkpoint::remarks`].
    remarks: Vec<String>,
}

/// What a file turned out to be.
enum Found {
    Model(Plan, Box<dyn Source>),
    Backbone(BackbonePlan, Box<dyn Source>),
}

/// Opens a model, whatever published layout or bundle it is in, chosen by content. `path` is a file, or a folder that
/// holds one. `on_read` is told the share that has been read and may stop it.
///
/// # Errors
/// A sentence that says what was expected, what was found and in which file; every tensor that does not fit is listed.
/// [`CheckpointError::Cancelled`] when `on_read` says so.
pub fn open(path: &Path, on_read: OnRead) -> Result<Checkpoint, CheckpointError> {
    open_with(path, None, on_read)
}

/// As [`open()`], with the weights that lie under the key `weights` of the file, such as `model_ema` or
/// `state_dict.teacher`; `.` is the outermost dictionary, and `None` the most usual key.
///
/// # Errors
/// As [`open()`], and when there are no weights of a model under this key; the keys that are there are listed.
pub fn open_with(path: &Path, weights: Option<&str>, on_read: OnRead) -> Result<Checkpoint, CheckpointError> {
    let path = model_file(path)?;
    let (plan, mut source) = model_in(&path, weights)?;
    plan.read(source.as_mut(), &path, on_read)
}

/// What a model file holds, without reading the values.
///
/// # Errors
/// As [`open()`], but for what only the values show.
pub fn peek(path: &Path) -> Result<Peek, CheckpointError> {
    let path = model_file(path)?;
    let (plan, _) = model_in(&path, None)?;
    let tensors = tensors_of(&plan.spec);
    Ok(Peek {
        parameters: tensors.iter().map(|t| t.shape.iter().product::<usize>()).sum(),
        spec: plan.spec,
        classes: plan.classes,
        provenance: plan.provenance,
        zero_is_ignored: plan.zero_is_ignored,
        remarks: plan.remarks,
    })
}

/// Opens weights to start training from: an ImageNet classifier (timm, DeiT or AugReg), or a model that has been trained
/// for segmentation, whose decoders then lie with the backbone's weights.
///
/// # Errors
/// As [`open()`].
pub fn open_backbone(path: &Path, on_read: OnRead) -> Result<Backbone, CheckpointError> {
    open_backbone_with(path, None, on_read)
}

/// As [`open_backbone()`], with the weights that lie under the key `weights` of the file; see [`open_with()`].
///
/// # Errors
/// As [`open_with()`].
pub fn open_backbone_with(path: &Path, weights: Option<&str>, on_read: OnRead) -> Result<Backbone, CheckpointError> {
    let path = model_file(path)?;
    match find(&path, weights)? {
        Found::Backbone(plan, mut source) => plan.read(source.as_mut(), &path, on_read),
        Found::Model(plan, mut source) => plan.read(source.as_mut(), &path, on_read).map(|checkpoint| Backbone {
            encoder: checkpoint.spec.encoder,
            normalisation: checkpoint.spec.normalisation,
            weights: checkpoint.weights,
            provenance: checkpoint.provenance,
            remarks: checkpoint.remarks,
        }),
    }
}

/// Opens the main bundle inside the program, the one with patch 16.
///
/// # Errors
/// None in a program that was built from an unharmed tree.
pub fn open_embedded() -> Result<Checkpoint, CheckpointError> {
    open_embedded_with_patch(16)
}

/// Opens the bundle inside the program with patch 8, 16 or 32.
///
/// # Errors
/// When there is none with this patch.
pub fn open_embedded_with_patch(patch: usize) -> Result<Checkpoint, CheckpointError> {
    let path = Path::new("the embedded model");
    match EMBEDDED.iter().find(|(side, _)| *side == patch) {
        Some((_, bytes)) => from_memory(*bytes, path),
        None => Err(CheckpointError::damaged(
            path,
            format!("expected patch 8, 16 or 32, found {patch}"),
        )),
    }
}

/// Opens a bundle from memory, checked like [`open()`].
///
/// # Errors
/// As [`open()`].
pub fn open_bytes(bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    from_memory(bytes.to_vec(), Path::new("memory"))
}

fn from_memory(bytes: impl AsRef<[u8]> + Send + 'static, path: &Path) -> Result<Checkpoint, CheckpointError> {
    let file = SafetensorsFile::from_bytes(bytes, path)?;
    if !bundle::is_it(&file) {
        return Err(CheckpointError::damaged(path, stranger::safetensors(file.shapes())));
    }
    let (plan, mut source) = bundle::plan(file, path)?;
    plan.read(source.as_mut(), path, &mut |_| ControlFlow::Continue(()))
}

/// Writes a bundle: half-precision tensors, spec and classes in the metadata. The file appears whole or not at all.
///
/// # Errors
/// When the folder cannot be written to or is full; what existed stays.
pub fn save_bundle(checkpoint: &Checkpoint, path: &Path) -> Result<(), CheckpointError> {
    bundle::save(checkpoint, path)
}

fn model_in(path: &Path, weights: Option<&str>) -> Result<(Plan, Box<dyn Source>), CheckpointError> {
    match find(path, weights)? {
        Found::Model(plan, source) => Ok((plan, source)),
        Found::Backbone(plan, _) => Err(CheckpointError::Backbone {
            kind: plan.provenance.layout,
            path: path.into(),
        }),
    }
}

/// Looks at the first bytes, then at the names of the tensors.
fn find(path: &Path, weights: Option<&str>) -> Result<Found, CheckpointError> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(stranger::HEAD as u64).read_to_end(&mut head))
        .map_err(|e| CheckpointError::read(path, e))?;
    if head.starts_with(b"PK") {
        return match NpzFile::open(path)? {
            Some(npz) => find_among(Box::new(npz), None, weights, path),
            None => find_in_torch(TorchFile::open_archive(path)?, weights, path),
        };
    }
    if SafetensorsFile::looks_like(&head) {
        let file = SafetensorsFile::open(path)?;
        if !bundle::is_it(&file) {
            return find_among(Box::new(file), None, weights, path);
        }
        if let Some(key) = weights {
            let why = format!("weights: expected no key, for a bundle holds one set of weights, found {key:.80}");
            return Err(CheckpointError::damaged(path, why));
        }
        let (plan, source) = bundle::plan(file, path)?;
        return Ok(Found::Model(plan, source));
    }
    if head.starts_with(&[0x80]) {
        return find_in_torch(TorchFile::open_legacy(path)?, weights, path);
    }
    Err(CheckpointError::damaged(path, stranger::file(&head)))
}

fn find_in_torch(file: TorchFile, weights: Option<&str>, path: &Path) -> Result<Found, CheckpointError> {
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
            "the file asks Python to call {}{more} for what lies beside the weights; nothing was run, and no tensor in use \
             depends on it",
            names.join(", ")
        ));
    }
    Ok(found)
}

/// Why there is no tensor in a file of PyTorch's.
fn nothing_in(tensors: &impl Source, keys: &str, path: &Path) -> CheckpointError {
    let unread = tensors.unread();
    if let Some((name, call)) = unread.iter().find(|(_, why)| matches!(why, Unread::Call(_))) {
        return call.error(name, path);
    }
    let class = unread.values().find_map(|why| match why {
        Unread::Object(class) => Some(class.as_str()),
        _ => None,
    });
    CheckpointError::damaged(path, stranger::torch(keys, class))
}

fn find_among(
    source: Box<dyn Source>,
    meta: Option<&Meta>,
    weights: Option<&str>,
    path: &Path,
) -> Result<Found, CheckpointError> {
    let chosen = sets::choose(source, weights, path)?;
    // What cannot be read is why a layout is not recognised.
    let parameters = [".weight", ".bias", "pos_embed", "cls_token", "cls_emb"];
    let is_parameter = |name: &str| parameters.iter().any(|end| name.ends_with(end));
    let unread = chosen.source.unread().iter().find(|(name, _)| is_parameter(name));
    let unread = unread.map(|(name, why)| why.error(name, path));
    let none = Meta::none();
    let found = recognised(chosen.source, meta.unwrap_or(&none), path);
    let mut found = found.map_err(|other| unread.unwrap_or(other))?;
    let left_out = match &found {
        Found::Model(plan, source) => plan.recipe.left_out(source.as_ref()),
        Found::Backbone(plan, source) => plan.recipe.left_out(source.as_ref()),
    };
    let remarks = found.remarks();
    let of_layout = std::mem::replace(remarks, chosen.remarks);
    remarks.extend(of_layout);
    remarks.extend(left_out.remarks(chosen.beside));
    Ok(found)
}

fn recognised(source: Box<dyn Source>, meta: &Meta, path: &Path) -> Result<Found, CheckpointError> {
    let shapes = source.shapes();
    let plan = if rstrudel::is_it(shapes) {
        rstrudel::plan(shapes, path)?
    } else if mmseg::is_it(shapes) {
        mmseg::plan(shapes, meta, path)?
    } else if official_setr::is_it(shapes) {
        official_setr::plan(shapes, meta, path)?
    } else if let Some(plan) = backbone::plan(shapes, path) {
        return Ok(Found::Backbone(plan?, source));
    } else {
        return Err(CheckpointError::damaged(path, stranger::tensors(shapes)));
    };
    Ok(Found::Model(plan, source))
}

impl Found {
    fn remarks(&mut self) -> &mut Vec<String> {
        match self {
            Self::Model(plan, _) => &mut plan.remarks,
            Self::Backbone(plan, _) => &mut plan.remarks,
        }
    }
}

impl Plan {
    /// Reads and checks everything.
    fn read(self, source: &mut dyn Source, path: &Path, on_read: OnRead) -> Result<Checkpoint, CheckpointError> {
        let needed = tensors_of(&self.spec);
        let weights = self.recipe.carry_out(source, &needed, path, on_read)?;
        source.finish().map_err(|why| CheckpointError::damaged(path, why))?;
        weights.check(&needed).map_err(|mismatch| CheckpointError::Weights {
            source: self.recipe.in_the_files_names(mismatch),
            path: path.into(),
        })?;
        Ok(Checkpoint {
            spec: self.spec,
            classes: self.classes,
            weights,
            provenance: self.provenance,
            zero_is_ignored: self.zero_is_ignored,
            remarks: self.remarks,
        })
    }
}

/// Refuses impossible sizes before anything is made in them.
fn check_spec(spec: &ModelSpec, path: &Path) -> Result<(), CheckpointError> {
    spec.check().map_err(|source| CheckpointError::Spec {
        source,
        path: path.into(),
    })
}
