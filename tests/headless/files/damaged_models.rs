//! Damaged model files of every kind: each is read or refused with an error, without a panic, a hang or unbounded
//! memory.
//!
//! The damage is the same in every run. A failure reports the kind of file and the seed of the damage.

use std::collections::HashMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use safetensors::SafeTensors;
use segscope::checkpoint::{self, Checkpoint, CheckpointError};
use segscope::train::{Preset, TrainState};

use super::mutation::mutated;
use super::mutation::samples::{self, TorchArchive};
use super::mutation::texts::{JSON, YAML, mutated_text};
use super::survival::{BUNDLE_METADATA, BUNDLES, PER_CHECKPOINT_PART, PER_CODEBASE, TRAINING_STATES, survive};
use crate::alone::alone;

#[test]
fn damaged_checkpoints() {
    if !alone() {
        return;
    }
    let [sound, variant] = golden_checkpoint();
    let opener = Opener::new();
    opener
        .with_variant(&sound, &variant)
        .unwrap_or_else(|e| panic!("undamaged: {e}"));

    let donor = samples::golden_file("official-setr-naive/official-setr-naive.pth");
    let (whole, text) = (sound.clone(), variant.clone());
    survive("checkpoint.pth", PER_CHECKPOINT_PART, move |dice| {
        opener.with_variant(&mutated(&whole, &donor, dice), &text)
    });

    // The pickle is damaged before it is archived, because a damaged entry would fail its checksum.
    let opener = Opener::new();
    let mut archive = TorchArchive::read(&sound);
    opener
        .with_variant(&archive.write(), &variant)
        .unwrap_or_else(|e| panic!("archived again: {e}"));
    let pickle = archive.pickle().clone();
    survive("pickle", PER_CHECKPOINT_PART, move |dice| {
        *archive.pickle() = mutated(&pickle, b"\x80\x02cposix\nsystem\n", dice);
        opener.with_variant(&archive.write(), &variant)
    });
}

#[test]
fn damaged_variants() {
    if !alone() {
        return;
    }
    let [sound, variant] = golden_checkpoint();
    let text = String::from_utf8(variant).expect("a text");
    let opener = Opener::new();
    survive("variant.yml", PER_CHECKPOINT_PART, move |dice| {
        let opened = opener.with_variant(&sound, &mutated_text(&text, &YAML, dice));
        let opened = opened.map_err(|e| e.to_string())?;
        // Unusable content is set aside with a remark.
        match opened.remarks.is_empty() {
            true => Ok(opened),
            false => Err(opened.remarks.join(" ")),
        }
    });
}

#[test]
fn damaged_files_of_other_codebases() {
    if !alone() {
        return;
    }
    for case in ["mmseg-setr-mla", "official-setr-naive"] {
        let sound = samples::golden_file(&format!("{case}/{case}.pth"));
        let donor = samples::palette_png();
        let opener = Opener::new();
        let mut archive = TorchArchive::read(&sound);
        let legacy = archive.legacy();
        opener
            .alone("legacy.pth", &legacy)
            .unwrap_or_else(|e| panic!("{case}, older layout, undamaged: {e}"));
        survive(&format!("{case}, older layout"), PER_CODEBASE, move |dice| {
            opener.alone("legacy.pth", &mutated(&legacy, &donor, dice))
        });
        // Names, shapes and the configuration are in the pickle.
        let opener = Opener::new();
        let pickle = archive.pickle().clone();
        survive(&format!("{case}, pickle"), PER_CODEBASE, move |dice| {
            *archive.pickle() = mutated(&pickle, b"model = dict(backbone=dict(num_heads=", dice);
            opener.alone("archive.pth", &archive.write())
        });
    }
}

#[test]
fn damaged_arrays() {
    if !alone() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let open_backbone = move |bytes: &[u8]| {
        let path = place.path().join("backbone.npz");
        fs::write(&path, bytes).expect("room for a backbone");
        checkpoint::open_backbone(&path, &mut |_| ControlFlow::Continue(()))
    };
    let sound = samples::golden_file("pipeline-timm-npz/vit_tiny_fake.npz");
    open_backbone(&sound).unwrap_or_else(|e| panic!("undamaged: {e}"));
    let mut archive = TorchArchive::read(&sound);
    let entries = archive.0.clone();
    let donor = samples::palette_png();
    survive("AugReg arrays and their archive", 2 * PER_CODEBASE, move |dice| {
        if dice.below(2) == 0 {
            return open_backbone(&mutated(&sound, &donor, dice));
        }
        archive.0.clone_from(&entries);
        let entry = dice.below(entries.len());
        archive.0[entry].1 = mutated(&entries[entry].1, &donor, dice);
        open_backbone(&archive.write())
    });
}

#[test]
fn damaged_bundles() {
    if !alone() {
        return;
    }
    let opener = Opener::new();
    let sound = opener.bundle();
    let donor = samples::golden_file("rstrudel-mask-p16/case.safetensors");
    survive("bundle", BUNDLES, move |dice| {
        let bytes = mutated(&sound, &donor, dice);
        match dice.below(2) {
            0 => checkpoint::open_bytes(&bytes),
            _ => opener.alone("model.safetensors", &bytes),
        }
    });
}

/// Sizes, names and notes are damaged as texts. The rest of the bundle is unchanged, so no checksum of the file detects
/// the damage.
#[test]
fn damaged_metadata_of_bundles() {
    if !alone() {
        return;
    }
    const KEYS: [&str; 4] = [
        "segscope.format",
        "segscope.spec",
        "segscope.classes",
        "segscope.provenance",
    ];
    let sound = Opener::new().bundle();
    let (_, header) = SafeTensors::read_metadata(&sound).expect("a bundle");
    let metadata = header.metadata().clone().expect("its metadata");
    let spread = |text: &String| {
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        format!("{value:#}")
    };
    let metadata: HashMap<String, String> = KEYS
        .into_iter()
        .map(|key| (key.to_owned(), metadata.get(key).map_or_else(String::new, spread)))
        .collect();
    let around = move |metadata: HashMap<String, String>| {
        let tensors = SafeTensors::deserialize(&sound).expect("a bundle");
        safetensors::serialize(tensors.tensors(), Some(metadata)).expect("a bundle")
    };
    checkpoint::open_bytes(&around(metadata.clone())).unwrap_or_else(|e| panic!("reassembled: {e}"));
    survive("metadata of a bundle", BUNDLE_METADATA, move |dice| {
        let mut damaged = metadata.clone();
        let key = KEYS[dice.below(KEYS.len())];
        if let Some(text) = damaged.get_mut(key) {
            *text = String::from_utf8_lossy(&mutated_text(text, &JSON, dice)).into_owned();
        }
        checkpoint::open_bytes(&around(damaged))
    });
}

#[test]
fn damaged_training_states() {
    if !alone() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("last.state.safetensors");
    let golden = open(&samples::checkpoint_folder()).unwrap_or_else(|e| panic!("the golden checkpoint: {e}"));
    let state = TrainState::new(golden.weights, Preset::AdamW.config(10, 64, 64).optimiser);
    state.save(&path, "a plan").expect("a state");
    let sound = fs::read(&path).expect("the state");
    let donor = Opener::new().bundle();
    survive("state of a training", TRAINING_STATES, move |dice| {
        let path = place.path().join("last.state.safetensors");
        fs::write(&path, mutated(&sound, &donor, dice)).expect("room for a state");
        TrainState::load(&path, "a plan")
    });
}

fn golden_checkpoint() -> [Vec<u8>; 2] {
    let folder = samples::checkpoint_folder();
    ["checkpoint.pth", "variant.yml"].map(|file| fs::read(folder.join(file)).expect("a golden file"))
}

/// Writes files to a temporary folder and opens them completely.
struct Opener(tempfile::TempDir);

impl Opener {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn with_variant(&self, weights: &[u8], variant: &[u8]) -> Result<Checkpoint, CheckpointError> {
        fs::write(self.0.path().join("checkpoint.pth"), weights).expect("room for a checkpoint");
        fs::write(self.0.path().join("variant.yml"), variant).expect("room for a variant");
        open(self.0.path())
    }

    fn alone(&self, name: &str, bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).expect("room for a model");
        open(&path)
    }

    /// The golden checkpoint as a valid bundle.
    fn bundle(&self) -> Vec<u8> {
        let path = self.0.path().join("model.safetensors");
        let golden = open(&samples::checkpoint_folder()).unwrap_or_else(|e| panic!("the golden checkpoint: {e}"));
        checkpoint::save_bundle(&golden, &path).expect("a bundle");
        open(&path).unwrap_or_else(|e| panic!("undamaged: {e}"));
        fs::read(&path).expect("the bundle")
    }
}

fn open(path: &Path) -> Result<Checkpoint, CheckpointError> {
    checkpoint::open(path, &mut |_| ControlFlow::Continue(()))
}
