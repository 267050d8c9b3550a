//! Models whose decoder has one output channel: two classes by sigmoid and threshold.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use segscope::checkpoint::{self, Checkpoint};
use segscope::model::{InferenceNetwork, Kernels, NoProbe, Output, Precision, PreparedNetwork};
use segscope::photo::Photo;
use segscope::segment::{self, InferenceConfig, Prediction};

use super::mutation::samples::{self, TorchArchive};
use super::pickled::{keep_one_channel, rewrite_config};

const CLASSIFIERS: [&str; 4] = [
    "decode_head.conv_seg",
    "auxiliary_head.0.conv_seg",
    "auxiliary_head.1.conv_seg",
    "auxiliary_head.2.conv_seg",
];

fn opened(path: &Path) -> Checkpoint {
    checkpoint::open(path, &mut |_| ControlFlow::Continue(())).unwrap_or_else(|e| panic!("{e}"))
}

/// SETR-PUP with four classes, and the same network with only the first of its channels.
fn four_and_one(config: &str) -> [Checkpoint; 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.pth");
    let mut archive = TorchArchive::read(&samples::golden_file("mmseg-setr-pup/mmseg-setr-pup.pth"));
    fs::write(&path, archive.write()).expect("room for it");
    let four = opened(&path);
    for layer in CLASSIFIERS {
        keep_one_channel(archive.pickle(), layer);
    }
    rewrite_config(archive.pickle(), |text| text.replace("num_classes=4", config));
    fs::write(&path, archive.write()).expect("room for it");
    [four, opened(&path)]
}

fn predicted(checkpoint: &Checkpoint, photo: &Photo, flip: bool) -> Prediction {
    let spec = &checkpoint.spec;
    let device = Device::flex();
    let model = PreparedNetwork::build(spec, &mut checkpoint.weights.clone(), Precision::F32, Kernels::best())
        .map(|network| InferenceNetwork::Prepared(Box::new(network)))
        .expect("a network");
    let run = segment::InferenceRun {
        model: &model,
        spec,
        output: Output::default(),
        device: &device,
    };
    let settings = InferenceConfig {
        flip,
        ..InferenceConfig::of(&spec.inference)
    };
    let passes = settings.passes(photo, spec.encoder.multiple()).expect("a plan");
    run.stream(&passes, [photo.width, photo.height], &mut NoProbe)
        .expect("a prediction")
}

#[test]
fn the_threshold_comes_from_the_file_or_its_system() {
    let [_, one] = four_and_one("num_classes=2, out_channels=1, threshold=0.45");
    assert_eq!((one.spec.classes, one.spec.inference.threshold), (2, Some(0.45)));
    assert_eq!(
        [one.classes.label(0), one.classes.label(1)],
        ["background", "foreground"]
    );
    // The file has four class names, which do not apply here.
    assert!(one.remarks.iter().any(|remark| remark.contains("names 4 classes")));
    assert!(one.remarks.iter().any(|remark| remark.contains("above 0.45")));
    for usual in ["num_classes=2, out_channels=1", "num_classes=1"] {
        let [_, one] = four_and_one(usual);
        assert_eq!(
            (one.spec.classes, one.spec.inference.threshold),
            (2, Some(0.3)),
            "{usual}"
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = folder.path().join("one.safetensors");
    checkpoint::save_bundle(&one, &bundle).expect("a bundle");
    assert_eq!(opened(&bundle).spec, one.spec);
}

#[test]
fn a_pixel_is_of_class_1_where_the_sigmoid_is_above_the_threshold() {
    let [four, mut one] = four_and_one("num_classes=2, out_channels=1, threshold=0.3");
    let photo = Photo {
        width: 110,
        height: 70,
        rgb: (0..110 * 70 * 3).map(|i| (i * i % 251) as u8).collect(),
        remarks: Vec::new(),
    };
    // The first channel of the full network is the only channel of the other.
    for flip in [false, true] {
        let logits = predicted(&four, &photo, flip).fields;
        let sigmoid = |i: usize| {
            let of_field = |field: &segment::WindowLogits| {
                let x = f64::from(field.at(i % 110, i / 110, [110, 70])[0]);
                1.0 / (1.0 + (-x).exp())
            };
            logits.iter().map(of_field).sum::<f64>() / logits.len() as f64
        };
        let shares: Vec<f64> = (0..110 * 70).map(sigmoid).collect();
        let mut sorted = shares.clone();
        sorted.sort_by(f64::total_cmp);
        // A threshold that is exceeded by some pixels only, and that differs from 0.5, which argmax would use.
        for quantile in [2000, 6000] {
            let threshold = sorted[quantile];
            one.spec.inference.threshold = Some(threshold as f32);
            let labels = predicted(&one, &photo, flip).labels;
            let mut seen = [0, 0];
            for (i, share) in shares
                .iter()
                .enumerate()
                .filter(|(_, share)| (*share - threshold).abs() > 1e-4)
            {
                let expected = u16::from(*share > threshold);
                assert_eq!(labels.map.ids[i], expected, "pixel {i}: {share} {threshold}");
                seen[usize::from(expected)] += 1;
                let chosen = if expected == 1 { *share } else { 1.0 - share };
                let margin = (2.0 * chosen - 1.0).max(0.0);
                for (what, found, expected) in [
                    ("confidence", labels.confidence[i], chosen),
                    ("margin", labels.margin[i], margin),
                ] {
                    let found = f64::from(found) / 65_535.0;
                    assert!(
                        (found - expected).abs() < 2e-4,
                        "{what} of pixel {i}: {found} {expected}"
                    );
                }
            }
            assert!(seen.iter().all(|count| *count > 500), "{seen:?}");
        }
    }
}
