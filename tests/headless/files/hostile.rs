//! Malicious and impossible files: each is refused with a reason.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use segscope::checkpoint::{self, Checkpoint, CheckpointError};
use segscope::labels::{LabelMap, LabelMapError};
use segscope::model::HostTensor;
use segscope::photo::{Photo, PhotoError};

use super::mutation::samples::{self, TorchArchive};

#[test]
fn images_that_claim_to_be_huge_are_refused_by_their_header() {
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
fn a_label_map_that_claims_to_be_huge_is_refused_by_its_header() {
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
fn tensors_with_nan_or_infinity_are_reported_by_name() {
    for (name, value) in [
        ("encoder.norm.bias", f32::NAN),
        ("decoders.mask.proj_patch", f32::INFINITY),
    ] {
        let mut damaged = sound_checkpoint();
        let mut tensor = damaged.weights.remove(name).expect("a tensor of the model");
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
        damaged.weights.remove("encoder.cls_token").is_some(),
        "the model has a class token"
    );
    assert!(
        damaged.weights.remove("encoder.blocks.1.mlp.fc1.bias").is_some(),
        "the model has two blocks"
    );
    damaged.weights.insert("encoder.norm.surplus", of(&[3, 5]));
    damaged.weights.insert("decoders.mask.proj_patch", of(&[64, 63]));
    let message = refusal(&damaged);
    let listed: Vec<&str> = message.lines().map(str::trim).collect();
    for line in [
        "missing: encoder.cls_token [1, 1, 64]",
        "missing: encoder.blocks.1.mlp.fc1.bias [256]",
        "wrong shape: decoders.mask.proj_patch expected [64, 64], found [64, 63]",
    ] {
        assert!(listed.contains(&line), "expected the line `{line}`, found: {message}");
    }
    assert!(!message.contains("surplus"), "it is not needed: {message}");
}

#[test]
fn a_bundle_that_cannot_be_written_changes_no_existing_file() {
    let place = tempfile::tempdir().expect("a folder");
    let old = b"what was there before";

    let file = place.path().join("a file");
    fs::write(&file, old).expect("room");
    let below = file.join("model.safetensors");
    let error = checkpoint::save_bundle(&sound_checkpoint(), &below).expect_err("a file is not a folder");
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
        "no partial file remains"
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

/// Opens a model completely.
fn open(path: &Path) -> Result<Checkpoint, CheckpointError> {
    checkpoint::open(path, &mut |_| ControlFlow::Continue(()))
}

fn sound_checkpoint() -> Checkpoint {
    open(&samples::checkpoint_folder()).unwrap_or_else(|e| panic!("the golden checkpoint: {e}"))
}

/// Writes a bundle and returns why it cannot be opened.
fn refusal(checkpoint: &Checkpoint) -> String {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("model.safetensors");
    checkpoint::save_bundle(checkpoint, &path).expect("a bundle");
    match open(&path) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("expected a refusal, found a model"),
    }
}
