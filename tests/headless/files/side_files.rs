//! Side files and metadata of checkpoints: used if they describe the same model, else set aside with a remark.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};
use segscope::checkpoint::{self, Checkpoint, CheckpointError};
use segscope::model::{HostTensor, InferenceSpec, WindowMode};
use segscope::segment::InferenceConfig;
use tempfile::TempDir;

use super::mutation::samples::{self, TorchArchive, golden};
use super::pickled::{dictionary, insert_before, rewrite_config, text, tuple};

fn open(path: &Path) -> Result<Checkpoint, CheckpointError> {
    checkpoint::open(path, &mut |_| ControlFlow::Continue(()))
}

fn opened(path: &Path) -> Checkpoint {
    open(path).unwrap_or_else(|e| panic!("{e}"))
}

fn variant_of(case: &str) -> String {
    fs::read_to_string(golden(case).join("variant.yml")).expect("a golden file")
}

/// A `variant.yml` of a model with patch size 32.
fn of_patch_32() -> String {
    variant_of("rstrudel-mask-p16").replace("patch_size: 16", "patch_size: 32")
}

/// A folder with a checkpoint of Segmenter's authors and this `variant.yml`.
fn segmenter(case: &str, variant: Option<&str>) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(
        golden(case).join("checkpoint.pth"),
        folder.path().join("checkpoint.pth"),
    )
    .expect("disk space");
    if let Some(variant) = variant {
        fs::write(folder.path().join("variant.yml"), variant).expect("disk space");
    }
    folder
}

/// A checkpoint in mmsegmentation's layout with a changed pickle.
fn mmseg(case: &str, change: impl FnOnce(&mut Vec<u8>)) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut archive = TorchArchive::read(&samples::golden_file(&format!("{case}/{case}.pth")));
    change(archive.pickle());
    let path = folder.path().join("model.pth");
    fs::write(&path, archive.write()).expect("disk space");
    (folder, path)
}

/// Asserts that exactly one remark contains these parts.
fn assert_remark(checkpoint: &Checkpoint, parts: &[&str]) {
    let says = |remark: &&String| parts.iter().all(|part| remark.contains(part));
    let count = checkpoint.remarks.iter().filter(says).count();
    assert_eq!(count, 1, "expected {parts:?} in {:?}", checkpoint.remarks);
}

#[test]
fn a_variant_of_another_model_is_set_aside() {
    let case = "rstrudel-mask-p16";
    let own = opened(&golden(case));
    assert_eq!(own.remarks, [""; 0]);
    let bare = opened(segmenter(case, None).path());
    assert_ne!(own.spec.inference, bare.spec.inference);
    for (variant, told) in [
        (of_patch_32(), "patch 32, the tensors have patch 16"),
        (
            variant_of(case).replace("d_model: 64", "d_model: 96"),
            "width 96, the tensors have width 64",
        ),
        (
            variant_of(case).replace("  n_layers: 3", "  n_layers: 5"),
            "depth 5, the tensors have depth 3",
        ),
        (
            variant_of(case).replace("  n_cls: 4", "  n_cls: 6"),
            "number of classes 6",
        ),
        (variant_of(case).replace("n_heads: 1", "n_heads: 3"), "3 heads"),
        (variant_of(case).replace("  - 64", "  - 96"), "36 patches"),
        ("net_kwargs: a: b".into(), "not YAML"),
    ] {
        let folder = segmenter(case, Some(&variant));
        let checkpoint = opened(folder.path());
        assert_remark(&checkpoint, &["variant.yml", told, "set aside", "their usual values"]);
        assert_eq!(checkpoint.spec, bare.spec, "{told}");
        let peek = checkpoint::peek(folder.path()).expect("a peek");
        assert_eq!(peek.remarks, checkpoint.remarks);
    }
}

#[test]
fn an_incomplete_variant_is_used_where_it_applies() {
    let less = variant_of("rstrudel-mask-p16").replace("window_stride", "stride");
    let checkpoint = opened(segmenter("rstrudel-mask-p16", Some(&less)).path());
    assert_remark(&checkpoint, &["variant.yml", "inference_kwargs.window_stride"]);
    // Two thirds of the window.
    assert_eq!(
        (checkpoint.spec.inference.window, checkpoint.spec.inference.stride),
        (64, 42)
    );
}

#[test]
fn aliases_in_a_variant_are_resolved() {
    let plain = variant_of("rstrudel-mask-p16");
    let aliases = plain
        .replace("crop_size: 64", "crop_size: &id001 64")
        .replace("im_size: 64", "im_size: *id001")
        .replace("window_size: 64", "window_size: *id001");
    let checkpoint = opened(segmenter("rstrudel-mask-p16", Some(&aliases)).path());
    assert_eq!(checkpoint.remarks, [""; 0]);
    assert_eq!(checkpoint.spec, opened(&golden("rstrudel-mask-p16")).spec);
}

#[cfg(unix)]
#[test]
fn a_link_finds_the_variant_beside_its_target() {
    let place = tempfile::tempdir().expect("a folder");
    let run = segmenter("rstrudel-mask-p16", Some(&variant_of("rstrudel-mask-p16")));
    let link = place.path().join("latest.pth");
    std::os::unix::fs::symlink(run.path().join("checkpoint.pth"), &link).expect("a link");
    let own = opened(&golden("rstrudel-mask-p16")).spec;
    assert_eq!(opened(&link).spec, own);
    // The variant of another model beside the link is ignored.
    fs::write(place.path().join("variant.yml"), of_patch_32()).expect("disk space");
    let checkpoint = opened(&link);
    assert_eq!(checkpoint.spec, own);
    assert_remark(&checkpoint, &["patch 32", "set aside"]);
}

#[test]
fn guessed_class_names_imply_no_settings() {
    let checkpoint = opened(segmenter("rstrudel-linear-p16", None).path());
    assert!(checkpoint.classes.guessed && checkpoint.classes.name == "cityscapes");
    assert_remark(&checkpoint, &["guessed", "Cityscapes (19)", "--set"]);
    let InferenceSpec {
        window,
        stride,
        short_side,
        ..
    } = checkpoint.spec.inference;
    assert_eq!((window, stride, short_side), (80, 53, Some(80)));
    let named = checkpoint::settings_for_set(&checkpoint.spec, &checkpoint.classes, "cityscapes");
    assert_eq!((named.stride, named.short_side), (48, Some(1024)));
}

#[test]
fn a_rectangular_position_grid_needs_its_sides_in_a_side_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = opened(&golden("rstrudel-mask-p16"));
    let tensors = model.weights.iter().map(|(name, tensor)| {
        let mut tensor = tensor.clone();
        if name == "encoder.pos_embed" {
            // 2 x 4 patches of images of 32 x 64 pixels.
            tensor.values.truncate(9 * 64);
            tensor.shape = vec![1, 9, 64];
        }
        (name.replace("decoders.mask.", "decoder."), tensor)
    });
    let path = folder.path().join("checkpoint.safetensors");
    write_safetensors(&path, &tensors.collect::<Vec<_>>());
    let why = open(&path).map(|_| ()).expect_err("the sides are unknown").to_string();
    assert!(why.contains("rectangles"), "{why}");
    let variant = variant_of("rstrudel-mask-p16").replace("  - 64\n  - 64", "  - 32\n  - 64");
    fs::write(folder.path().join("variant.yml"), variant).expect("disk space");
    let checkpoint = opened(&path);
    assert_eq!(checkpoint.spec.encoder.vit().expect("a ViT").grid, [2, 4]);
    assert_eq!(checkpoint.remarks, [""; 0]);
    checkpoint::save_bundle(&checkpoint, &folder.path().join("b.safetensors")).expect("a bundle");
    let bundle = opened(&folder.path().join("b.safetensors"));
    assert_eq!(bundle.spec, checkpoint.spec);
}

fn write_safetensors(path: &Path, tensors: &[(String, HostTensor)]) {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, tensor)| tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, tensor), bytes)| {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes);
        (name.clone(), view.expect("values that fit the shape"))
    });
    let file = safetensors::serialize(views, None).expect("a safetensors file");
    fs::write(path, file).expect("disk space");
}

#[test]
fn a_configuration_of_another_model_is_set_aside() {
    let (_folder, path) = mmseg("mmseg-segmenter-mask", |pickle| {
        rewrite_config(pickle, |text| {
            text.replace("num_layers=3", "num_layers=12")
                .replace("(42, 42)", "(7, 7)")
        });
    });
    let checkpoint = opened(&path);
    assert_remark(
        &checkpoint,
        &["configuration", "depth 12, the tensors have depth 3", "set aside"],
    );
    // The default, not the 7 of the other model.
    assert_eq!(checkpoint.spec.inference.stride, 42);
    assert_eq!(checkpoint.classes.label(2), "tree");
}

#[test]
fn a_bundle_keeps_the_zero_rule_of_the_file() {
    let from_config = |line: &'static str| {
        mmseg("mmseg-segmenter-mask", move |pickle| {
            rewrite_config(pickle, |text| text + line);
        })
    };
    let (_folder, none) = from_config("");
    let pipeline = "\ntrain_pipeline = [dict(type='LoadAnnotations', reduce_zero_label=True)]\n";
    let (_folder2, pipeline) = from_config(pipeline);
    let (_folder3, data) = from_config("\ntest_dataloader = dict(dataset=dict(reduce_zero_label=False))\n");
    let (_folder4, meta) = mmseg("mmseg-segmenter-mask", |pickle| {
        // The last byte is True.
        let entry = [text("reduce_zero_label"), vec![0x88]].concat();
        insert_before(pickle, "config", &[text("dataset_meta"), dictionary(&entry)].concat());
    });
    for (path, expected) in [
        (none, None),
        (pipeline, Some(true)),
        (data, Some(false)),
        (meta, Some(true)),
    ] {
        let checkpoint = opened(&path);
        assert_eq!(checkpoint.zero_is_ignored, expected);
        let bundle = path.with_extension("safetensors");
        checkpoint::save_bundle(&checkpoint, &bundle).expect("a bundle");
        assert_eq!(opened(&bundle).zero_is_ignored, expected, "in a bundle");
    }
}

#[test]
fn names_in_capitals_under_dataset_meta_are_read() {
    let (_folder, path) = mmseg("mmseg-segmenter-mask", |pickle| {
        for key in [&b"CLASSES"[..], b"PALETTE"] {
            let at = pickle.windows(7).position(|part| part == key).expect("the default key");
            pickle[at] = b'X';
        }
        let names: Vec<u8> = (0..6).flat_map(|i| text(&format!("k{i}"))).collect();
        let entry = [text("CLASSES"), tuple(&names)].concat();
        insert_before(pickle, "config", &[text("dataset_meta"), dictionary(&entry)].concat());
    });
    let checkpoint = opened(&path);
    let names: Vec<String> = (0..6).map(|id| checkpoint.classes.label(id)).collect();
    assert_eq!(names, ["k0", "k1", "k2", "k3", "k4", "k5"]);
    assert!(!checkpoint.classes.guessed);
}

#[test]
fn whole_mode_is_kept_and_uses_one_window() {
    let (_folder, path) = mmseg("mmseg-setr-pup", |pickle| {
        rewrite_config(pickle, |text| {
            text.replace("mode='slide', crop_size=(48, 48), stride=(32, 32)", "mode='whole'")
        });
    });
    let checkpoint = opened(&path);
    assert_eq!(checkpoint.spec.inference.mode, WindowMode::Whole);
    let settings = InferenceConfig::of(&checkpoint.spec.inference);
    let photo = segscope::photo::Photo {
        width: 300,
        height: 100,
        rgb: vec![90; 90_000],
        remarks: Vec::new(),
    };
    let passes = settings.passes(&photo, 16).expect("a plan");
    assert_eq!(passes.len(), 1);
    assert_eq!((passes[0].windows(), passes[0].window), (1, [144, 48]));
    let bundle = path.with_extension("safetensors");
    checkpoint::save_bundle(&checkpoint, &bundle).expect("a bundle");
    assert_eq!(opened(&bundle).spec, checkpoint.spec);
}
