//! Opens files of every layout: the resulting models, merging them, and errors for other files.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use segscope::checkpoint::{self, Checkpoint, CheckpointError};
use segscope::model::{HeadSpec, HostTensor, Output, tensors_of};

use super::mutation::samples::{self, TorchArchive, golden};

fn open(path: &Path) -> Result<Checkpoint, CheckpointError> {
    checkpoint::open(path, &mut |_| ControlFlow::Continue(()))
}

fn opened(path: &Path) -> Checkpoint {
    open(path).unwrap_or_else(|e| panic!("{e}"))
}

/// Why a file is refused.
fn refusal(path: &Path) -> String {
    match open(path) {
        Ok(checkpoint) => panic!("{} was opened as {}", path.display(), checkpoint.spec.title()),
        Err(e) => e.to_string(),
    }
}

/// Writes tensors to a file.
fn safetensors_with(path: &Path, tensors: &BTreeMap<String, HostTensor>) {
    let bytes: BTreeMap<_, Vec<u8>> = tensors
        .iter()
        .map(|(name, tensor)| (name, tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let views = tensors.iter().map(|(name, tensor)| {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), &bytes[name]);
        (name, view.expect("values that fit the shape"))
    });
    let file = safetensors::serialize(views, None).expect("a safetensors file");
    fs::write(path, file).expect("disk space");
}

fn named(names: &[&str]) -> BTreeMap<String, HostTensor> {
    let one = HostTensor {
        shape: vec![1],
        values: vec![0.5],
    };
    names.iter().map(|name| ((*name).to_owned(), one.clone())).collect()
}

#[test]
fn the_older_layout_of_pytorch_holds_the_same_model() {
    let place = tempfile::tempdir().expect("a folder");
    for case in ["mmseg-segmenter-mask", "mmseg-setr-pup", "official-setr-mla"] {
        let archive = golden(&format!("{case}/{case}.pth"));
        let bytes = fs::read(&archive).expect("a golden file");
        let legacy = place.path().join("legacy.pth");
        fs::write(&legacy, TorchArchive::read(&bytes).legacy()).expect("disk space");
        let (new, old) = (opened(&archive), opened(&legacy));
        assert_eq!(new.spec, old.spec, "{case}");
        assert_eq!(new.classes, old.classes, "{case}");
        assert!(new.weights.iter().eq(old.weights.iter()), "{case}: weights");
    }
}

#[test]
fn classes_windows_and_taps_are_read_from_the_file() {
    let checkpoint = opened(&golden("mmseg-segmenter-mask/mmseg-segmenter-mask.pth"));
    let names: Vec<_> = checkpoint
        .classes
        .classes
        .iter()
        .map(|class| class.name.as_str())
        .collect();
    assert_eq!(names, ["road", "wall", "tree", "sky", "person", "car"]);
    let inference = checkpoint.spec.inference;
    assert_eq!(
        (inference.window, inference.stride, inference.short_side),
        (64, 42, Some(64))
    );

    let checkpoint = opened(&golden("mmseg-setr-pup/mmseg-setr-pup.pth"));
    assert_eq!(checkpoint.spec.title(), "SETR-PUP-64x4/16");
    let last = Output {
        decoder: 0,
        auxiliary: Some(2),
    };
    assert_eq!(checkpoint.spec.output_title(last), "SETR-PUP-64x4/16 layer 3");
    let mean = checkpoint.spec.normalisation.mean;
    assert!((mean[0] - 0.485).abs() < 1e-6, "{mean:?}");

    let checkpoint = opened(&golden("official-setr-mla/official-setr-mla.pth"));
    let HeadSpec::SetrMla(mla) = &checkpoint.spec.decoders[0].head else {
        panic!("{:?}", checkpoint.spec.decoders)
    };
    assert!(
        mla.align_corners && mla.classifier_kernel == 3 && mla.auxiliary,
        "{mla:?}"
    );
    assert!(!checkpoint.spec.encoder.vit().expect("a ViT").class_token);
}

#[test]
fn a_peek_reports_the_same_without_reading_tensors() {
    for case in ["mmseg-setr-mla", "official-setr-naive"] {
        let path = golden(&format!("{case}/{case}.pth"));
        let (whole, peek) = (opened(&path), checkpoint::peek(&path).expect("a peek"));
        assert_eq!(peek.spec, whole.spec, "{case}");
        assert_eq!(peek.parameters, whole.weights.parameters(), "{case}");
    }
    let folder = checkpoint::peek(&golden("rstrudel-mask-p16")).expect("a peek into a folder");
    assert_eq!(folder.spec.decoders.len(), 1);
}

#[test]
fn reading_reports_progress_and_can_be_cancelled() {
    let path = golden("mmseg-setr-mla/mmseg-setr-mla.pth");
    let mut shares = Vec::new();
    checkpoint::open(&path, &mut |share| {
        shares.push(share);
        ControlFlow::Continue(())
    })
    .expect("a model");
    assert!(shares.len() > 50 && shares.is_sorted(), "{} steps", shares.len());
    assert_eq!(shares.last(), Some(&1.0));
    let mut calls = 0;
    let stopped = checkpoint::open(&path, &mut |_| {
        calls += 1;
        if calls == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(matches!(stopped, Err(CheckpointError::Cancelled)), "{stopped:?}");
    assert_eq!(calls, 3);
}

#[test]
fn decoders_on_one_encoder_become_one_bundle() {
    let place = tempfile::tempdir().expect("a folder");
    let mask = opened(&golden("rstrudel-mask-p16"));
    let mut both = mask.clone();
    both.merge(mask.clone()).expect("the same encoder twice");
    let keys: Vec<_> = both.spec.decoders.iter().map(|decoder| decoder.key.as_str()).collect();
    assert_eq!(keys, ["mask", "mask-2"]);
    both.spec.check().expect("a possible model");
    both.weights.check(&tensors_of(&both.spec)).expect("all its tensors");
    let path = place.path().join("both.safetensors");
    checkpoint::save_bundle(&both, &path).expect("a bundle");
    let again = opened(&path);
    assert_eq!(again.spec, both.spec);
    assert_eq!(again.classes, both.classes);
    assert_eq!(again.spec.title(), "ViT-64x3/16 with 2 decoders");

    let mut changed = mask.clone();
    let name = "encoder.blocks.1.mlp.fc1.bias";
    let mut tensor = changed.weights.remove(name).expect("a tensor of the encoder");
    tensor.values[0] += 1.0;
    changed.weights.insert(name, tensor);
    let why = mask.clone().merge(changed).expect_err("another encoder");
    assert!(why.contains(name), "{why}");
    let why = mask
        .clone()
        .merge(opened(&golden("rstrudel-mask-p16-distilled")))
        .expect_err("other sizes");
    assert!(why.contains("the encoders differ"), "{why}");
}

#[test]
fn decoders_are_kept_in_the_requested_order() {
    let mut both = opened(&golden("rstrudel-mask-p16"));
    both.merge(both.clone()).expect("the same encoder twice");
    assert_eq!(both.spec.decoders.len(), 2);
    let keys: Vec<String> = both.spec.decoders.iter().map(|decoder| decoder.key.clone()).collect();
    let turned = [keys[1].clone(), keys[0].clone()];
    both.keep_decoders(&turned).expect("both decoders");
    assert_eq!(
        both.spec
            .decoders
            .iter()
            .map(|decoder| decoder.key.clone())
            .collect::<Vec<_>>(),
        turned
    );
    both.weights.check(&tensors_of(&both.spec)).expect("the same tensors");
    let mut one = both.clone();
    one.keep_decoders(&turned[..1]).expect("the decoder");
    one.weights.check(&tensors_of(&one.spec)).expect("no tensor too many");
    for wrong in [
        &["pup".to_owned()][..],
        &[keys[0].clone(), keys[0].clone()][..],
        &[][..],
    ] {
        assert!(both.clone().keep_decoders(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_timm_classifier_is_a_backbone_but_not_a_model() {
    let place = tempfile::tempdir().expect("a folder");
    let read = |path: &Path| checkpoint::open_backbone(path, &mut |_| ControlFlow::Continue(()));
    let npz = read(&golden("pipeline-timm-npz/vit_tiny_fake.npz")).expect("a backbone");
    let mut tensors: BTreeMap<_, _> = npz
        .weights
        .iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix("encoder.")?.to_owned(), tensor.clone())))
        .collect();
    tensors.extend(named(&["head.weight", "head.bias"]));
    let path = place.path().join("timm.safetensors");
    safetensors_with(&path, &tensors);
    let timm = read(&path).expect("the same backbone");
    assert_eq!(timm.encoder, npz.encoder);
    assert!(timm.weights.iter().eq(npz.weights.iter()), "weights");
    let why = refusal(&path);
    assert!(
        why.starts_with("this is a timm ViT classifier checkpoint: it has no decoder") && why.contains("--init"),
        "{why}"
    );
    assert!(refusal(&golden("pipeline-timm-npz")).contains("one model file"));
    // A model can be trained further, so its decoder is read too.
    let model = read(&golden("rstrudel-mask-p16")).expect("a model");
    assert!(model.weights.get("decoders.mask.cls_emb").is_some());
    assert_eq!(model.encoder, opened(&golden("rstrudel-mask-p16")).spec.encoder);
}

#[test]
fn errors_name_the_kind_of_a_wrong_file() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("file.safetensors");
    for (names, told) in [
        (&["layer1.0.conv1.weight", "fc.bias"][..], "a ResNet classifier"),
        (&["decode_head.conv.weight", "backbone.stem.weight"], "another backbone"),
        (&["vit.encoder.layer.0.bias"], "Hugging Face"),
        (&["visual.proj"], "CLIP"),
        (&["something", "else"], "found others: else, something"),
    ] {
        safetensors_with(&path, &named(names));
        let why = refusal(&path);
        assert!(why.contains(told), "{names:?}: {why}");
    }
    for (bytes, told) in [
        (&b"<!DOCTYPE html>"[..], "a web page; the download went wrong"),
        (&samples::palette_png(), "an image"),
        (b"", "an empty file"),
        (b"\x80\x02}q\x00.", "expected PyTorch's magic number"),
        (b"\x1f\x8b\x08\x00", "a compressed archive"),
        (b"\xef\xbb\xbf\r\n\n<html>", "a web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n",
            "git lfs pull",
        ),
        (b"{\"error\": \"not found\"}", "a JSON file"),
        (b"{\"weight_map\": {}}", "several files"),
        (b"\x08\x07\x12\x07pytorch\x1a\x051.9", "an ONNX model"),
        (b"\x08\x01\x12\x04\x0a\x02\x32\x00", "TensorFlow"),
        (b"\x89HDF\r\n\x1a\n\x00", "Keras"),
        (b"GGUF\x03\x00\x00\x00", "GGUF"),
        (b"ftrt\x00\x00", "TensorRT"),
        (b"7z\xbc\xaf\x27\x1c", "unpack it"),
        (&[0; 600], "only zeros"),
        (&tar_header(), "a tar archive"),
        (b"PK\x03\x04 and no end", "not downloaded or copied in full"),
    ] {
        fs::write(&path, bytes).expect("disk space");
        let why = refusal(&path);
        assert!(why.contains(told), "{why}");
    }
    for (entry, told) in [
        ("net/constants.pkl", "TorchScript"),
        ("model.weights.h5", "a Keras model"),
        ("run/checkpoint.pth", "unpack it"),
        ("notes.txt", "another zip archive"),
    ] {
        let entries = vec![(entry.to_owned(), b"x".to_vec())];
        fs::write(&path, TorchArchive(entries).write()).expect("disk space");
        let why = refusal(&path);
        assert!(why.contains(told), "{entry}: {why}");
    }
    let path = place.path().join("cut.pth");
    let whole = TorchArchive::read(&samples::golden_file("mmseg-setr-pup/mmseg-setr-pup.pth")).legacy();
    fs::write(&path, &whole[..whole.len() - 4000]).expect("disk space");
    let why = refusal(&path);
    assert!(why.contains("not downloaded in full"), "{why}");
}

/// The part of the header of a tar archive that identifies it.
fn tar_header() -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..14].copy_from_slice(b"checkpoint.pth");
    header[257..262].copy_from_slice(b"ustar");
    header
}

#[test]
fn an_unexpected_tensor_is_named_as_in_the_file() {
    let place = tempfile::tempdir().expect("a folder");
    let mut archive = TorchArchive::read(&samples::golden_file("mmseg-setr-pup/mmseg-setr-pup.pth"));
    let pickle = archive.pickle();
    let name = b"backbone.layers.1.ln1.weight";
    let at = pickle
        .windows(name.len())
        .position(|part| part == name)
        .expect("its name");
    pickle[at..at + name.len()].copy_from_slice(b"backbone.layers.1.ln9.weight");
    let path = place.path().join("renamed.pth");
    fs::write(&path, archive.write()).expect("disk space");
    let why = refusal(&path);
    assert!(why.contains("missing: backbone.layers.1.ln1.weight"), "{why}");
    assert!(why.contains("unexpected: backbone.layers.1.ln9.weight"), "{why}");
}
