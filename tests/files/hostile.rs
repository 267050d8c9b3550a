//! Damaged and malicious files: each is read, or refused with a sentence; never a panic, never memory without bound.
//!
//! The damage is the same on every run. A failure names the kind of file and the seed of the damage.

use std::fmt::Display;
use std::fs;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use segscope::checkpoint::{self, Checkpoint, CheckpointError};
use segscope::labels::{LabelMap, LabelMapError};
use segscope::model::HostTensor;
use segscope::photo::{Photo, PhotoError};

use crate::mutation::samples::{self, TorchArchive};
use crate::mutation::{Dice, mutated, mutated_lines, with_right_checksums};

const PER_PICTURE_FORMAT: u64 = 100;
const LABEL_MAPS: u64 = 300;
const PER_CHECKPOINT_PART: u64 = 200;
const BUNDLES: u64 = 200;
const PER_CODEBASE: u64 = 150;
const _: () = assert!(9 * PER_PICTURE_FORMAT + LABEL_MAPS + 3 * PER_CHECKPOINT_PART + BUNDLES == 2000);

/// Longest message that still tells somebody something.
const MOST_CHARACTERS: usize = 4000;

/// Runs `attempt` on the damage of seeds `0..count`.
fn survive<T, E: Display>(kind: &str, count: u64, mut attempt: impl FnMut(&mut Dice) -> Result<T, E>) {
    let mut failures = Vec::new();
    let mut refused = 0;
    for seed in 0..count {
        let result = catch_unwind(AssertUnwindSafe(|| {
            attempt(&mut Dice::new(seed)).map_err(|e| e.to_string())
        }));
        match result {
            Err(_) => failures.push(format!("{kind}, seed {seed}: it panicked")),
            Ok(Err(message)) => {
                refused += 1;
                let length = message.chars().count();
                if message.trim().is_empty() || length >= MOST_CHARACTERS {
                    let start: String = message.chars().take(200).collect();
                    failures.push(format!(
                        "{kind}, seed {seed}: a message of {length} characters: {start}"
                    ));
                }
            }
            Ok(Ok(_)) => {}
        }
    }
    println!("{kind}: {refused} of {count} refused");
    assert!(
        failures.is_empty(),
        "{} of {count} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(refused > 0, "{kind}: no damage was noticed, so none was done");
}

#[test]
fn damaged_pictures() {
    let pictures = samples::pictures();
    assert_eq!(pictures.len(), 9, "formats");
    for (i, (kind, sound)) in pictures.iter().enumerate() {
        let photo = Photo::from_bytes(sound).unwrap_or_else(|e| panic!("{kind}, undamaged: {e}"));
        assert_eq!([photo.width, photo.height], [24, 18], "{kind}, undamaged: size");
        let donor = &pictures[(i + 1) % pictures.len()].1;
        survive(kind, PER_PICTURE_FORMAT, |dice| {
            Photo::from_bytes(&damaged_image(kind, sound, donor, dice))
        });
    }
}

#[test]
fn damaged_label_maps() {
    let sound = samples::palette_png();
    let map = LabelMap::from_png(&sound).expect("an undamaged label map");
    assert_eq!([map.width, map.height], [24, 18], "undamaged label map: size");
    let donor = samples::vast_png(300);
    survive("label map PNG", LABEL_MAPS, |dice| {
        LabelMap::from_png(&damaged_image("label map PNG", &sound, &donor, dice))
    });
}

/// Damage that a PNG's checksums betray in one half of all cases only.
fn damaged_image(kind: &str, sound: &[u8], donor: &[u8], dice: &mut Dice) -> Vec<u8> {
    let bytes = mutated(sound, donor, dice);
    if kind.ends_with("PNG") && dice.below(2) == 0 {
        with_right_checksums(bytes)
    } else {
        bytes
    }
}

#[test]
fn damaged_checkpoints() {
    let folder = samples::checkpoint_folder();
    let [sound, variant] =
        ["checkpoint.pth", "variant.yml"].map(|file| fs::read(folder.join(file)).expect("a golden file"));
    let place = tempfile::tempdir().expect("a folder");
    let open_with = |weights: &[u8], variant: &[u8]| {
        fs::write(place.path().join("checkpoint.pth"), weights).expect("room for a checkpoint");
        fs::write(place.path().join("variant.yml"), variant).expect("room for a variant");
        open(place.path())
    };
    open_with(&sound, &variant).unwrap_or_else(|e| panic!("undamaged: {e}"));

    let donor = samples::palette_png();
    survive("checkpoint.pth", PER_CHECKPOINT_PART, |dice| {
        open_with(&mutated(&sound, &donor, dice), &variant)
    });

    // A damaged entry fails its checksum, so the pickle is damaged first and archived afterwards.
    let mut archive = TorchArchive::read(&sound);
    open_with(&archive.write(), &variant).unwrap_or_else(|e| panic!("archived again: {e}"));
    let pickle = archive.pickle().clone();
    survive("pickle", PER_CHECKPOINT_PART, |dice| {
        *archive.pickle() = mutated(&pickle, b"\x80\x02cposix\nsystem\n", dice);
        open_with(&archive.write(), &variant)
    });

    let text = String::from_utf8(variant.clone()).expect("a text");
    survive("variant.yml", PER_CHECKPOINT_PART, |dice| {
        let damaged = match dice.below(3) {
            0 => mutated(&variant, b"%YAML 9.9\n--- !!map\n", dice),
            _ => mutated_lines(&text, dice).into_bytes(),
        };
        // What cannot be used is set aside, and a remark says so.
        let opened = open_with(&sound, &damaged).map_err(|e| e.to_string())?;
        match opened.remarks.is_empty() {
            true => Ok(opened),
            false => Err(opened.remarks.join(" ")),
        }
    });
}

#[test]
fn damaged_files_of_other_codebases() {
    let place = tempfile::tempdir().expect("a folder");
    let open_bytes = |file: &str, bytes: &[u8]| {
        let path = place.path().join(file);
        fs::write(&path, bytes).expect("room for a checkpoint");
        open(&path)
    };
    let donor = samples::palette_png();
    for case in ["mmseg-setr-mla", "official-setr-pup"] {
        let sound = samples::golden_file(&format!("{case}/{case}.pth"));
        let mut archive = TorchArchive::read(&sound);
        let legacy = archive.legacy();
        open_bytes("legacy.pth", &legacy).unwrap_or_else(|e| panic!("{case}, older layout, undamaged: {e}"));
        survive(&format!("{case}, older layout"), PER_CODEBASE, |dice| {
            open_bytes("legacy.pth", &mutated(&legacy, &donor, dice))
        });
        // Names, shapes and the configuration are in the pickle.
        let pickle = archive.pickle().clone();
        survive(&format!("{case}, pickle"), PER_CODEBASE, |dice| {
            *archive.pickle() = mutated(&pickle, b"model = dict(backbone=dict(num_heads=", dice);
            open_bytes("archive.pth", &archive.write())
        });
    }
    let sound = samples::golden_file("pipeline-timm-npz/vit_tiny_fake.npz");
    let mut archive = TorchArchive::read(&sound);
    let entries = archive.0.clone();
    survive("AugReg arrays", PER_CODEBASE, |dice| {
        archive.0.clone_from(&entries);
        let entry = dice.below(entries.len());
        archive.0[entry].1 = mutated(&entries[entry].1, &donor, dice);
        let path = place.path().join("backbone.npz");
        fs::write(&path, archive.write()).expect("room for a backbone");
        checkpoint::open_backbone(&path, &mut |_| ControlFlow::Continue(()))
    });
}

#[test]
fn damaged_bundles() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("model.safetensors");
    checkpoint::save_bundle(&sound_checkpoint(), &path).expect("a bundle");
    let sound = fs::read(&path).expect("the bundle");
    open(&path).unwrap_or_else(|e| panic!("undamaged: {e}"));
    let donor = samples::palette_png();
    survive("bundle", BUNDLES, |dice| {
        let bytes = mutated(&sound, &donor, dice);
        if dice.below(2) == 0 {
            return checkpoint::open_bytes(&bytes);
        }
        fs::write(&path, &bytes).expect("room for a bundle");
        open(&path)
    });
}

#[test]
fn pictures_that_claim_to_be_vast_are_refused_by_their_header() {
    let claims = [
        ("PNG", samples::vast_png(60_000)),
        ("BMP", samples::vast_bmp(60_000)),
        ("TIFF", samples::vast_tiff(60_000)),
    ];
    for (kind, bytes) in claims {
        match Photo::from_bytes(&bytes) {
            Err(PhotoError::TooLarge {
                width: 60_000,
                height: 60_000,
                ..
            }) => {}
            Err(other) => panic!("{kind}: expected a refusal for its size, found: {other}"),
            Ok(photo) => panic!(
                "{kind}: expected a refusal, found {} x {} pixels",
                photo.width, photo.height
            ),
        }
    }
}

#[test]
fn a_label_map_that_claims_to_be_vast_is_refused_by_its_header() {
    match LabelMap::from_png(&samples::vast_png(60_000)) {
        Err(LabelMapError::TooLarge {
            width: 60_000,
            height: 60_000,
        }) => {}
        Err(other) => panic!("expected a refusal for its size, found: {other}"),
        Ok(map) => panic!("expected a refusal, found {} x {} pixels", map.width, map.height),
    }
}

#[test]
fn a_pickle_that_calls_a_command_is_refused_by_name() {
    let pickle = b"cposix\nsystem\n(S'true'\ntR.".to_vec();
    let archive = TorchArchive(vec![
        ("checkpoint/data.pkl".into(), pickle),
        ("checkpoint/version".into(), b"3\n".to_vec()),
    ]);
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("checkpoint.pth");
    fs::write(&path, archive.write()).expect("room for a checkpoint");
    for path in [path.as_path(), place.path()] {
        let error = open(path).expect_err("a refusal");
        assert!(
            matches!(error, CheckpointError::Refused { .. }),
            "expected a refusal, found: {error}"
        );
        assert!(
            error.to_string().contains("posix.system"),
            "expected the name of the command, found: {error}"
        );
    }
}

#[test]
fn tensors_that_are_no_numbers_are_reported_by_name() {
    for (name, value) in [
        ("encoder.norm.bias", f32::NAN),
        ("decoders.mask.proj_patch", f32::INFINITY),
    ] {
        let mut damaged = sound_checkpoint();
        let mut tensor = damaged.weights.take(name).expect("a tensor of the model");
        tensor.values[5] = value;
        damaged.weights.insert(name, tensor);
        let message = refusal(&damaged);
        let lines: Vec<&str> = message.lines().filter(|line| line.contains(name)).collect();
        assert_eq!(lines.len(), 1, "expected one line on {name}, found: {message}");
        assert!(
            lines[0].contains("not a number or infinite"),
            "{name}: found: {message}"
        );
    }
}

#[test]
fn tensors_that_do_not_fit_are_all_listed_with_their_shapes() {
    let mut damaged = sound_checkpoint();
    let of = |shape: &[usize]| HostTensor {
        shape: shape.to_vec(),
        values: vec![0.5; shape.iter().product()],
    };
    assert!(
        damaged.weights.take("encoder.cls_token").is_some(),
        "the model has a class token"
    );
    assert!(
        damaged.weights.take("encoder.blocks.1.mlp.fc1.bias").is_some(),
        "the model has two blocks"
    );
    damaged.weights.insert("encoder.norm.surplus", of(&[3, 5]));
    damaged.weights.insert("decoders.mask.proj_patch", of(&[64, 63]));
    let message = refusal(&damaged);
    let listed: Vec<&str> = message.lines().map(str::trim).collect();
    for line in [
        "missing: encoder.cls_token [1, 1, 64]",
        "missing: encoder.blocks.1.mlp.fc1.bias [256]",
        "unexpected: encoder.norm.surplus [3, 5]",
        "wrong shape: decoders.mask.proj_patch expected [64, 64], found [64, 63]",
    ] {
        assert!(listed.contains(&line), "expected the line `{line}`, found: {message}");
    }
}

#[test]
fn a_bundle_that_cannot_be_written_leaves_what_was_there() {
    let place = tempfile::tempdir().expect("a folder");
    let old = b"what was there before";

    let file = place.path().join("a file");
    fs::write(&file, old).expect("room");
    let below = file.join("model.safetensors");
    let error = checkpoint::save_bundle(&sound_checkpoint(), &below).expect_err("a file is no folder");
    assert!(
        error.to_string().contains("a file"),
        "expected the path, found: {error}"
    );
    assert_eq!(fs::read(&file).expect("the old file"), old, "the old file's bytes");

    let folder = place.path().join("a folder.safetensors");
    fs::create_dir(&folder).expect("room");
    fs::write(folder.join("inside"), old).expect("room");
    checkpoint::save_bundle(&sound_checkpoint(), &folder).expect_err("a folder cannot be replaced by a file");
    assert_eq!(
        fs::read(folder.join("inside")).expect("the old file"),
        old,
        "the bytes of the file inside"
    );
    assert_eq!(
        names_in(place.path()),
        ["a file", "a folder.safetensors"],
        "nothing half-written stays behind"
    );
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Opens a model to the end.
fn open(path: &Path) -> Result<Checkpoint, CheckpointError> {
    checkpoint::open(path, &mut |_| ControlFlow::Continue(()))
}

fn sound_checkpoint() -> Checkpoint {
    open(&samples::checkpoint_folder()).unwrap_or_else(|e| panic!("the golden checkpoint: {e}"))
}

/// Writes a bundle and tells why it cannot be opened.
fn refusal(checkpoint: &Checkpoint) -> String {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("model.safetensors");
    checkpoint::save_bundle(checkpoint, &path).expect("a bundle");
    match open(&path) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("expected a refusal, found a model"),
    }
}
