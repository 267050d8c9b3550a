//! `segscope attention`, `segscope rollout` and `segscope distance`.

use std::path::Path;

use serde_json::Value;

use super::program::*;
use crate::bundles::fixture;

/// Number of blocks of the fixture model's encoder.
fn depth() -> usize {
    fixture::spec().encoder.layers()
}

fn call(command: &str, out: &Path, options: &[&str]) -> Ended {
    let mut call = program();
    with_small_model(&mut call, command).arg(sample()).arg("--out").arg(out);
    run(call.args(["--device", "cpu"]).args(options))
}

/// The shape and values of an `.npy` file.
fn numbers(path: &Path) -> (Vec<u64>, Vec<f32>) {
    let bytes = bytes(path);
    let file = npyz::NpyFile::new(&bytes[..]).expect("an npy file");
    (file.shape().to_vec(), file.into_vec().expect("floats"))
}

#[test]
fn every_head_of_a_layer_is_exported_with_its_numbers() {
    let folder = empty_folder();
    let out = folder.path();
    call("attention", out, &["--patch", "640,480", "--layer", "3", "--plain"]).expect(0);
    let stem = "street-encoder-layer-3";
    let expected = ["-head-1.png", "-head-2.png", "-head-3.png", ".json", ".npy"].map(|end| format!("{stem}{end}"));
    assert_eq!(names_in(out), expected.into());
    let map = image(&out.join(format!("{stem}-head-1.png")));
    assert_eq!([map.width, map.height], [1280, 960]);
    let (shape, values) = numbers(&out.join(format!("{stem}.npy")));
    assert_eq!(shape, [3, 24, 32]);
    let about: Value = serde_json::from_slice(&bytes(&out.join(format!("{stem}.json")))).expect("JSON");
    assert_eq!(about["query"], "patch in row 12 and column 16, counted from 0");
    assert_eq!(about["layer"], 3);
    for (head, map) in values.chunks(24 * 32).enumerate() {
        let others = about["on tokens that are no patches, per map"][head]
            .as_f64()
            .expect("a number");
        let sum = f64::from(map.iter().sum::<f32>()) + others;
        assert!((sum - 1.0).abs() < 1e-4, "head {head}: {sum}");
    }
    call("attention", out, &["--patch", "640,480", "--layer", "3"])
        .expect(2)
        .complains_of(&["--overwrite", stem]);
}

#[test]
fn title_and_scale_of_figures_can_be_chosen() {
    let folder = empty_folder();
    let out = folder.path();
    let options = ["--cls", "--head", "mean", "--scale", "2", "--numbers", "safetensors"];
    call("attention", out, &options).expect(0);
    let stem = format!("street-encoder-layer-{}", depth());
    let expected = ["-mean.png", ".json", ".safetensors"].map(|end| format!("{stem}{end}"));
    assert_eq!(names_in(out), expected.into());
    let map = image(&out.join(format!("{stem}-mean.png")));
    assert!(map.width > 2560 && map.height > 1920, "{} x {}", map.width, map.height);
    call("attention", out, &["--cls", "--scale", "9"])
        .expect(2)
        .complains_of(&["scale: expected 1 to 4, found 9"]);
}

#[test]
fn rollout_of_a_class_covers_decoder_and_encoder() {
    let folder = empty_folder();
    call("rollout", folder.path(), &["--class", "car", "--discard", "0.5"]).expect(0);
    let (shape, values) = numbers(&folder.path().join("street-rollout.npy"));
    assert_eq!(shape, [1, 24, 32]);
    let sum: f32 = values.iter().sum();
    assert!(sum > 0.5 && sum <= 1.0 + 1e-4, "{sum}");
    let about: Value = serde_json::from_slice(&bytes(&folder.path().join("street-rollout.json"))).expect("JSON");
    assert_eq!(about["query"], "class token 8, car");
}

#[test]
fn errors_name_invalid_choices() {
    let folder = empty_folder();
    let out = folder.path();
    call("attention", out, &["--class", "boat"])
        .expect(2)
        .complains_of(&["pedestrian", "boat"]);
    call("attention", out, &["--cls", "--layer", "13"])
        .expect(2)
        .complains_of(&[&format!("1 to {}", depth()), "13"]);
    call("attention", out, &["--patch", "5000,1"])
        .expect(2)
        .complains_of(&["5000,1"]);
    call("attention", out, &["--cls", "--head", "4"])
        .expect(2)
        .complains_of(&["1 to 3", "found 4"]);
    call("attention", out, &[]).expect(2);
    assert!(names_in(out).is_empty(), "something was written");
}

#[test]
fn distance_prints_a_line_for_each_head() {
    let mut call = program();
    let call = with_small_model(&mut call, "distance").arg(sample());
    let ended = run(call.args(["--csv", "--device", "cpu"])).expect(0);
    let lines: Vec<&str> = ended.out.lines().collect();
    let count = 1 + depth() * 3;
    assert_eq!((lines.len(), lines[0]), (count, "layer,head,distance_px,entropy"));
    for line in &lines[1..] {
        let values: Vec<f64> = line.split(',').map(|v| v.parse().expect("a number")).collect();
        assert!(
            values[2] > 0.0 && values[2] < 640.0 && (0.0..=1.0).contains(&values[3]),
            "{line}"
        );
    }
}
