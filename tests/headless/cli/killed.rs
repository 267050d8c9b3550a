//! Runs that are ended by signals: no file is half-written, no temporary files remain after the next run, and a resumed
//! run gives the same result as an uninterrupted one.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use image::{GrayImage, Luma, Rgb, RgbImage};
use safetensors::SafeTensors;
use serde_json::Value;
use tempfile::TempDir;

use super::ending::{KILL, bytes_read, cut, end_at, ends};
use super::program::{bytes, empty_folder, program, run};
use super::train::Bench;
use crate::bundles::{five_decoders, save};

const IMAGES: u32 = 24;

/// Prefix of the names of incomplete files.
const STAGED: &str = ".segscope-";

#[test]
fn an_interrupted_batch_is_resumed_with_the_missing_images() {
    let folder = images();
    let call = |out: &str| {
        let mut call = program();
        call.args([
            "segment",
            "images",
            "--model",
            "model.safetensors",
            "--device",
            "cpu",
            "--out",
            out,
        ]);
        call.current_dir(folder.path());
        call
    };
    run(&mut call("whole")).expect(0);
    let whole = files_below(&folder.path().join("whole"));
    assert_eq!(
        whole.len(),
        3 * IMAGES as usize + 1,
        "label map, colours and overlay of each image, and the classes"
    );
    // Incomplete files count too, so that some runs are ended while they write.
    let half = whole.len() as u64 / 2;
    for (seed, end) in ends() {
        let progress = |out: &str, _| files_below_so_far(&folder.path().join(out));
        let out = cut((seed, end), 1..=half, call, progress);
        let place = folder.path().join(&out);
        for (name, content) in files_below(&place) {
            if is_staged(&name) {
                assert!(!end.is_heard(), "seed {seed}, {end:?}: {} is left over", name.display());
            } else {
                let is_whole = whole.get(&name) == Some(&content);
                assert!(is_whole, "seed {seed}, {end:?}: {} has other content", name.display());
            }
        }
        run(call(&out).arg("--skip-existing")).expect(0);
        let again = files_below(&place);
        let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&again), names(&whole), "seed {seed}, {end:?}");
        for (name, content) in &whole {
            assert!(
                again.get(name) == Some(content),
                "seed {seed}, {end:?}: {} differs",
                name.display()
            );
        }
    }
}

#[test]
fn a_resumed_evaluation_gives_the_same_scores() {
    let folder = images();
    let call = |out: &str| {
        fs::create_dir_all(folder.path().join(out)).expect("a folder");
        let mut call = program();
        call.args(["evaluate", "--images", "images", "--labels", "labels"]);
        call.args([
            "--model",
            "model.safetensors",
            "--device",
            "cpu",
            "--scales",
            "0.75,1",
            "--flip",
        ]);
        call.arg("--json").arg(format!("{out}/s.json"));
        call.current_dir(folder.path());
        call
    };
    // It writes and prints nothing meanwhile, so the number of bytes read is its progress.
    let most = Cell::new(0);
    let watch = |pid| {
        most.set(most.get().max(bytes_read(pid)));
        0
    };
    assert!(!end_at(&call("whole"), KILL, u64::MAX, watch), "nothing ended it");
    let whole = scores(&folder.path().join("whole/s.json"));
    assert_eq!(whole["summary"]["complete"], true);
    let sizes = ["images", "labels"].map(|below| {
        let files = files_below(&folder.path().join(below));
        files.values().map(|content| content.len() as u64).sum::<u64>()
    });
    let data: u64 = sizes.iter().sum();
    let moments = most.get() - data + data / 8..=most.get() - data / 2;
    for (seed, end) in ends() {
        let out = cut((seed, end), moments.clone(), call, |_, pid| bytes_read(pid));
        let place = folder.path().join(&out);
        let file = place.join("s.json");
        let mut counted = 0;
        if end.is_heard() || file.exists() {
            let part = scores(&file);
            assert_eq!(part["summary"]["complete"], false, "seed {seed}, {end:?}");
            counted = part["scores"]["pictures"].as_array().expect("a list of images").len();
            assert!(counted < IMAGES as usize, "seed {seed}, {end:?}");
        }
        let staged = files_below(&place).into_keys().filter(|name| is_staged(name)).count();
        assert!(
            !end.is_heard() || staged == 0,
            "seed {seed}, {end:?}: {staged} files are left over"
        );
        let again = run(&mut call(&out)).expect(0);
        if counted > 0 {
            again.complains_of(&["resuming after", &counted.to_string()]);
        }
        assert!(same(&scores(&file), &whole), "seed {seed}, {end:?}: other scores");
        let names: Vec<PathBuf> = files_below(&place).into_keys().collect();
        assert_eq!(names, [PathBuf::from("s.json")], "seed {seed}, {end:?}");
    }
}

#[test]
fn a_resumed_training_gives_the_same_weights() {
    const STEPS: usize = 24;
    let bench = Bench::new();
    let steps = STEPS.to_string();
    let call = |out: &str| {
        let mut call = bench.call(&["--iterations", &steps, "--decoder", "linear,pup", "--channels", "8"]);
        call.args([
            "--ema-decay",
            "0.9",
            "--drop-path",
            "0.2",
            "--keep-every",
            "0",
            "--out",
            out,
        ]);
        call.args([
            "--val-images",
            "images",
            "--val-labels",
            "labels",
            "--validate-every",
            "8",
        ]);
        call
    };
    run(&mut call("whole")).expect(0);
    let whole = bench.losses("whole");
    assert_eq!(whole.len(), STEPS);
    for (seed, end) in ends() {
        let progress = |out: &str, _| bench.losses(out).len() as u64;
        let out = cut((seed, end), 1..=STEPS as u64 / 2, call, progress);
        let place = bench.path(&out);
        for (name, content) in files_below(&place) {
            match is_staged(&name) {
                true => assert!(!end.is_heard(), "seed {seed}, {end:?}: {} is left over", name.display()),
                false => expect_whole(&name, &content),
            }
        }
        assert!(place.join("last.state.safetensors").is_file(), "seed {seed}, {end:?}");
        run(&mut call(&out)).expect(0);
        let losses = bench.losses(&out);
        assert_eq!(losses.len(), STEPS, "seed {seed}, {end:?}");
        for ((step, loss), (other, expected)) in losses.iter().zip(&whole) {
            assert_eq!(step, other, "seed {seed}, {end:?}");
            assert!(
                (loss - expected).abs() < 1e-5,
                "seed {seed}, {end:?}, step {step}: {loss}, not {expected}"
            );
        }
        let names = |out: &str| files_below(&bench.path(out)).into_keys().collect::<Vec<_>>();
        assert_eq!(names(&out), names("whole"), "seed {seed}, {end:?}");
        let lines = |out: &str| {
            fs::read_to_string(bench.path(out).join("scores.csv"))
                .expect("scores")
                .lines()
                .count()
        };
        assert_eq!(lines(&out), lines("whole"), "seed {seed}, {end:?}: validations");
        expect_same_weights(&place.join("last.safetensors"), &bench.path("whole/last.safetensors"));
    }
}

/// A folder with small images of noise, their labels and a small model.
fn images() -> TempDir {
    const SIZE: [u32; 2] = [320, 240];
    let folder = empty_folder();
    let [images, labels] = ["images", "labels"].map(|below| folder.path().join(below));
    for below in [&images, &labels] {
        fs::create_dir(below).expect("a folder");
    }
    for i in 0..IMAGES {
        let mut noise = fastrand::Rng::with_seed(u64::from(i));
        let image = RgbImage::from_fn(SIZE[0], SIZE[1], |_, _| Rgb([noise.u8(..), noise.u8(..), noise.u8(..)]));
        image.save(images.join(format!("{i:03}.png"))).expect("an image");
        let truth = GrayImage::from_fn(SIZE[0], SIZE[1], |x, y| Luma([((x / 32 + y / 24 + i) % 11) as u8]));
        truth.save(labels.join(format!("{i:03}.png"))).expect("a label map");
    }
    save(&five_decoders(), 3, &folder.path().join("model.safetensors"));
    folder
}

/// The contents of all files below a folder, by their relative paths.
fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for name in paths_below(folder) {
        let content = bytes(&folder.join(&name));
        files.insert(name, content);
    }
    files
}

/// Number of files below a folder, while files may appear and disappear.
fn files_below_so_far(folder: &Path) -> u64 {
    paths_below(folder).len() as u64
}

fn paths_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    // The folder may not exist yet.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = PathBuf::from(entry.file_name());
        match entry.path().is_dir() {
            true => found.extend(paths_below(&entry.path()).iter().map(|below| name.join(below))),
            false => found.push(name),
        }
    }
    found
}

fn is_staged(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(STAGED)
}

/// The scores in a file, without timings and memory.
fn scores(file: &Path) -> Value {
    let mut scores: Value = serde_json::from_slice(&bytes(file)).expect("complete JSON");
    scores["peak_mib"] = Value::Null;
    scores["scores"]["seconds"] = Value::Null;
    scores["summary"]["pictures_per_second"] = Value::Null;
    scores
}

/// Whether two values are equal up to the last digits of their numbers.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let [one, other] = [one, other].map(|number| number.as_f64().unwrap_or(f64::NAN));
            (one - other).abs() <= 1e-9 * one.abs().max(1.0)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let has_same = |(key, value): (&String, &Value)| other.get(key).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(has_same)
        }
        _ => one == other,
    }
}

/// Asserts that a file of a training (weights, plan, log or scores) is complete.
fn expect_whole(name: &Path, content: &[u8]) {
    match name.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") => {
            SafeTensors::deserialize(content).unwrap_or_else(|e| panic!("{}: {e}", name.display()));
        }
        Some("toml") => {
            let text = std::str::from_utf8(content).expect("text");
            toml::from_str::<toml::Table>(text).unwrap_or_else(|e| panic!("{}: {e}", name.display()));
        }
        Some("csv") => {
            let text = std::str::from_utf8(content).expect("text");
            let columns = |line: &str| line.split(',').count();
            let heading = columns(text.lines().next().unwrap_or_default());
            // The file grows, so text after the last line end is an incomplete line.
            for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
                assert_eq!(columns(line), heading, "{}: {line}", name.display());
            }
        }
        _ => panic!("expected no such file: {}", name.display()),
    }
}

fn expect_same_weights(found: &Path, expected: &Path) {
    let open = |path: &Path| {
        segscope::checkpoint::open(path, &mut |_| ControlFlow::Continue(()))
            .unwrap_or_else(|e| panic!("{e}"))
            .weights
    };
    let (found, expected) = (open(found), open(expected));
    for (name, tensor) in expected.iter() {
        let other = found.get(name).unwrap_or_else(|| panic!("no {name}"));
        let off = tensor.values.iter().zip(&other.values).map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f32::max) < 1e-3, "{name}");
    }
}
