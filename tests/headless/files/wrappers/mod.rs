//! One small model in every wrapper that programs put around weights: keys, prefixes, other objects, types of values.

mod kinds;
mod objects;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use segscope::checkpoint::{self, Checkpoint, CheckpointError};
use segscope::labels::LabelMap;
use segscope::model::{Output, Weights};
use segscope::photo::Photo;
use segscope::runtime::{DeviceChoice, ModelSource, PrecisionChoice, Session, Task};
use segscope::segment::InferenceConfig;

use super::torch_writer::{Item, Stored, call, dict, file_of, object, ordered_dict, rebuilt, tensor, text};
use kinds::{
    beside, eight_bits, filled, golden, other_state, places, state, state_with, stored, surplus, tensors, ways_to_store,
};

/// Writes the file and the side file of Segmenter's authors to a separate folder.
fn written(folder: &Path, name: &str, root: &Item) -> PathBuf {
    let folder = folder.join(name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(golden().join("variant.yml"), folder.join("variant.yml")).expect("a side file");
    let path = folder.join("checkpoint.pth");
    fs::write(&path, file_of(root)).expect("disk space");
    path
}

fn photo() -> Photo {
    let (width, height) = (90, 58);
    let mut state = 7u32;
    let rgb = (0..3 * width * height).map(|i| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((i / 600 * 40) as u8).wrapping_add((state >> 26) as u8)
    });
    Photo {
        width,
        height,
        rgb: rgb.collect(),
        remarks: Vec::new(),
    }
}

/// The label map that the model predicts in a new session.
fn labels(path: &Path, key: Option<&str>) -> LabelMap {
    let source = match key {
        Some(key) => ModelSource::Weights(path.into(), key.into()),
        None => ModelSource::Path(path.into()),
    };
    let mut session = Session::new(DeviceChoice::Cpu, PrecisionChoice::F32);
    let model = session
        .load(source, &mut |_| ControlFlow::Continue(()))
        .unwrap_or_else(|e| panic!("{e}"));
    let (photo, settings) = (photo(), InferenceConfig::of(&model.spec.inference));
    let task = Task {
        model: model.id,
        output: Output::default(),
        photo: &photo,
        photo_id: 0,
        settings: &settings,
    };
    let prediction = session
        .segment(&task, &mut |_| ControlFlow::Continue(()))
        .unwrap_or_else(|e| panic!("{e}"));
    prediction.labels.map
}

fn open(path: &Path, key: Option<&str>) -> Result<Checkpoint, CheckpointError> {
    checkpoint::open_with(path, key, &mut |_| ControlFlow::Continue(()))
}

fn is_same(one: &Weights, other: &Weights) -> bool {
    one.iter().eq(other.iter())
}

#[test]
fn every_wrapper_around_a_model_gives_its_label_map() {
    let place = tempfile::tempdir().expect("a folder");
    let plain = written(place.path(), "plain", &dict([("model", state(""))]));
    let expected = labels(&plain, None);
    let weights = open(&plain, None).expect("the plain file").weights;
    assert!(
        expected.ids.iter().any(|id| *id != expected.ids[0]),
        "a prediction with only one class proves little"
    );
    let wrappers = [places(), surplus(), beside(), ways_to_store()].concat();
    assert!(wrappers.len() > 50, "{} wrappers", wrappers.len());
    for (name, root, key, said) in wrappers {
        let path = written(place.path(), name, &root);
        let opened = open(&path, key).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(is_same(&opened.weights, &weights), "{name}: weights differ");
        let remarks = opened.remarks.join("; ");
        for word in said {
            assert!(
                remarks.contains(word),
                "{name}: expected {word} in the remarks: {remarks}"
            );
        }
        assert!(
            !said.is_empty() || !remarks.contains("Python"),
            "{name}: no remark is expected for plain values: {remarks}"
        );
        assert!(labels(&path, key) == expected, "{name}: label maps differ");
    }
}

fn refusal(name: &str, root: &Item, key: Option<&str>) -> CheckpointError {
    let place = tempfile::tempdir().expect("a folder");
    match open(&written(place.path(), name, root), key) {
        Ok(opened) => panic!("{name} was opened as {}", opened.spec.title()),
        Err(why) => why,
    }
}

/// The model with this item in place of a tensor.
fn with_in_place(name: &str, item: Item) -> Item {
    let entries = stored(&tensors(), "", Stored::F32)
        .into_iter()
        .map(|(old, kept)| if old == name { (old, item.clone()) } else { (old, kept) });
    dict([("model", ordered_dict(entries.collect::<Vec<_>>()))])
}

#[test]
fn a_needed_tensor_that_depends_on_a_call_is_refused() {
    let command = || call("posix", "system", vec![text("true")]);
    let hanging = rebuilt("_rebuild_tensor_v2", command(), &[64], Vec::new());
    for (name, item) in [
        ("encoder.norm.bias", command()),
        ("encoder.norm.bias", hanging),
        ("encoder.patch_embed.proj.weight", command()),
        ("encoder.blocks.2.mlp.fc1.bias", command()),
    ] {
        let why = refusal(name, &with_in_place(name, item), None);
        assert!(matches!(why, CheckpointError::Refused { .. }), "{name}: {why}");
        assert!(why.to_string().contains("posix.system"), "{name}: {why}");
    }
}

#[test]
fn the_unsupported_type_of_a_needed_tensor_is_reported() {
    let why = refusal(
        "eight bits",
        &with_in_place("encoder.norm.bias", eight_bits(&[64])),
        None,
    )
    .to_string();
    assert!(
        why.contains("encoder.norm.bias") && why.contains("float8_e4m3fn"),
        "{why}"
    );
    // A whole block of that type must not be taken for a shallower network.
    let entries = tensors().into_iter().map(|(name, t)| {
        let item = match name.starts_with("encoder.blocks.2.") {
            true => eight_bits(&t.shape),
            false => tensor(&t, Stored::F32),
        };
        (name, item)
    });
    let why = refusal("a block", &dict([("model", ordered_dict(entries))]), None).to_string();
    assert!(
        why.contains("encoder.blocks.2.") && why.contains("float8_e4m3fn"),
        "{why}"
    );
}

#[test]
fn an_extra_tensor_in_a_block_is_refused() {
    let more = vec![("encoder.blocks.0.ls1.gamma", filled(&[64], 0.1))];
    let why = refusal("layer scale", &dict([("model", state_with("", more))]), None).to_string();
    assert!(why.contains("unexpected: encoder.blocks.0.ls1.gamma [64]"), "{why}");
    // A tensor of a further block counts as a block, so that no block is silently unused.
    let more = vec![("encoder.blocks.3.norm1.weight", filled(&[64], 0.1))];
    let why = refusal("a block more", &dict([("model", state_with("", more))]), None).to_string();
    assert!(why.contains("missing: encoder.blocks.3.norm1.bias [64]"), "{why}");
}

#[test]
fn the_error_for_a_missing_key_lists_the_existing_keys() {
    let root = dict([("model", state("")), ("model_ema", other_state(""))]);
    let why = refusal("two sets", &root, Some("teacher")).to_string();
    assert!(
        why.contains("found teacher") && why.contains("model, model_ema"),
        "{why}"
    );
}

#[test]
fn the_error_for_a_pickled_network_says_how_to_save_it() {
    let why = refusal("an object", &object("mine", "Net"), None).to_string();
    assert!(why.contains("mine.Net") && why.contains("state_dict()"), "{why}");
}

#[test]
fn values_with_a_wrong_checksum_are_refused_as_damaged() {
    let place = tempfile::tempdir().expect("a folder");
    let path = written(place.path(), "sound", &dict([("model", state(""))]));
    let mut bytes = fs::read(&path).expect("the file");
    let (_, cls) = tensors()
        .into_iter()
        .find(|(name, _)| name == "encoder.cls_token")
        .expect("a token");
    let values: Vec<u8> = cls.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let at = bytes
        .windows(values.len())
        .position(|part| part == values)
        .expect("its values");
    bytes[at + 3] ^= 8;
    fs::write(&path, &bytes).expect("disk space");
    let why = open(&path, None).expect_err("a refusal").to_string();
    assert!(why.contains("encoder.cls_token") && why.contains("checksum"), "{why}");
}

#[test]
fn a_bundle_with_a_wrong_checksum_is_refused_as_damaged() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("model.safetensors");
    let opened = open(&golden(), None).expect("the golden model");
    checkpoint::save_bundle(&opened, &path).expect("a bundle");
    let sound = fs::read(&path).expect("the bundle");
    open(&path, None).expect("a sound bundle");
    let mut damaged = sound.clone();
    let last = damaged.len() - 2;
    damaged[last] ^= 1;
    fs::write(&path, &damaged).expect("disk space");
    let why = open(&path, None).expect_err("a refusal").to_string();
    assert!(why.contains("damaged: its checksum differs"), "{why}");
    // The checksum also covers the rules in the header.
    let text = b"\\\"stride\\\":48";
    let at = sound
        .windows(text.len())
        .position(|part| part == text)
        .expect("the stride");
    let mut damaged = sound.clone();
    damaged[at + text.len() - 1] = b'7';
    fs::write(&path, &damaged).expect("disk space");
    let why = open(&path, None).expect_err("a refusal").to_string();
    assert!(why.contains("damaged: its checksum differs"), "{why}");
    // Bundles of earlier versions have no checksum.
    let key = b"segscope.checksum";
    let at = sound
        .windows(key.len())
        .position(|part| part == key)
        .expect("the checksum");
    let mut old = sound;
    old[at..at + key.len()].copy_from_slice(b"segscope.whatever");
    fs::write(&path, &old).expect("disk space");
    let opened_again = open(&path, None).expect("a bundle without a checksum");
    assert_eq!(opened_again.spec, opened.spec);
}
