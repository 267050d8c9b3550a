//! Files to models: one file here per layout, all of them ending in a [`Checkpoint`].

mod bundle;
mod error;
mod rstrudel;
mod torch;
mod variant;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use error::CheckpointError;

use crate::labels::ClassSet;
use crate::model::{ModelSpec, Weights};

/// The bundle inside the program: Seg-T-Mask/16 fine-tuned on CamVid (see `NOTICE.md`).
const EMBEDDED: &[u8] = include_bytes!("../../assets/models/seg-t-mask-16-camvid.safetensors");

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

    /// Adds a note.
    pub fn add(&mut self, name: &str, text: impl Into<String>) {
        self.notes.push((name.into(), text.into()));
    }
}

/// Opens a published Segmenter folder, a `.pth`, or a bundle, chosen by content.
///
/// # Errors
/// A sentence that says what was expected, what was found and in which file; every tensor that does not fit is listed.
pub fn open(path: &Path) -> Result<Checkpoint, CheckpointError> {
    let checkpoint = if path.is_dir() {
        rstrudel::open_folder(path)?
    } else {
        let mut head = Vec::new();
        File::open(path)
            .and_then(|file| file.take(16).read_to_end(&mut head))
            .map_err(|e| CheckpointError::read(path, e))?;
        if head.starts_with(b"PK") {
            rstrudel::open_file(path)?
        } else if bundle::looks_like_safetensors(&head) {
            bundle::open(path)?
        } else {
            return Err(CheckpointError::damaged(path, not_a_model(&head)));
        }
    };
    checked(checkpoint, path)
}

/// Opens the bundle inside the program.
///
/// # Errors
/// None in a program that was built from an unharmed tree.
pub fn open_embedded() -> Result<Checkpoint, CheckpointError> {
    let path = Path::new("the embedded model");
    checked(bundle::from_bytes(EMBEDDED, path)?, path)
}

/// Opens a bundle from memory, checked like [`open()`].
///
/// # Errors
/// As [`open()`].
pub fn open_bytes(bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    let path = Path::new("memory");
    checked(bundle::from_bytes(bytes, path)?, path)
}

/// Writes a bundle: half-precision tensors, spec and classes in the metadata. The file appears whole or not at all.
///
/// # Errors
/// When the folder cannot be written to or is full; what existed stays.
pub fn save_bundle(checkpoint: &Checkpoint, path: &Path) -> Result<(), CheckpointError> {
    bundle::save(checkpoint, path)
}

fn checked(checkpoint: Checkpoint, path: &Path) -> Result<Checkpoint, CheckpointError> {
    checkpoint.spec.check().map_err(|source| CheckpointError::Spec {
        source,
        path: path.into(),
    })?;
    checkpoint
        .weights
        .check(&checkpoint.spec)
        .map_err(|source| CheckpointError::Weights {
            source,
            path: path.into(),
        })?;
    Ok(checkpoint)
}

fn not_a_model(head: &[u8]) -> String {
    let found = match head {
        [] => "an empty file",
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, ..] => "a picture",
        [0x80, ..] => "a bare pickle (PyTorch before 1.6); load and save it again with a newer PyTorch",
        _ => "something else",
    };
    format!("expected a Segmenter folder, a .pth or a Segscope bundle, found {found}")
}
