//! Compares predictions of trained models on real images with those of the published program.
//!
//! `SEGSCOPE_REFERENCE` names a folder with the images (`data/camvid/val/images`) and the models (`reference/NAME/`
//! with
//! `checkpoint.pth`, `variant.yml` and `predictions/`). They are not in the repository, so without the variable the
//! test is skipped, even with `SEGSCOPE_REQUIRE_ALL=1`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use segscope::labels::LabelMap;

/// Minimum share of the pixels of each image with the published label.
const MIN_AGREEMENT: f64 = 0.995;

#[test]
fn trained_models_predict_the_published_labels() {
    let Some(root) = std::env::var_os("SEGSCOPE_REFERENCE").filter(|root| !root.is_empty()) else {
        println!("skipped: SEGSCOPE_REFERENCE names no folder");
        return;
    };
    let root = PathBuf::from(root);
    let images = root.join("data/camvid/val/images");
    let references: Vec<PathBuf> = entries(&root.join("reference"))
        .into_iter()
        .filter(|folder| is_reference(folder))
        .collect();
    assert!(!references.is_empty(), "no reference checkpoint in {}", root.display());
    let mut wrong = Vec::new();
    for folder in &references {
        compare(folder, &images, &mut wrong);
    }
    assert!(
        wrong.is_empty(),
        "{} label maps differ from the published ones:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn is_reference(folder: &Path) -> bool {
    let files = ["checkpoint.pth", "variant.yml"];
    files.iter().all(|file| folder.join(file).is_file()) && folder.join("predictions").is_dir()
}

/// Segments all images with one model, and adds differences from the published predictions to `wrong`.
fn compare(folder: &Path, images: &Path, wrong: &mut Vec<String>) {
    let name = file_name(folder);
    let out = tempfile::tempdir().expect("a temporary folder");
    segment(images, folder, out.path());
    let predictions: Vec<PathBuf> = entries(&folder.join("predictions"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "png"))
        .collect();
    assert!(!predictions.is_empty(), "{name}: no predictions");
    let mut shares = Vec::new();
    for prediction in &predictions {
        let image = file_name(prediction);
        let found = label_map(&out.path().join("labels").join(&image));
        let share = agreement(&found, &label_map(prediction))
            .unwrap_or_else(|sizes| panic!("{name}: {image}: width and height {sizes}"));
        if share < MIN_AGREEMENT {
            wrong.push(format!("{name}: {image}: {:.3} % of the pixels agree", 100.0 * share));
        }
        shares.push((share, image));
    }
    let (worst, image) = shares
        .iter()
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .expect("at least one prediction");
    let mean = shares.iter().map(|(share, _)| share).sum::<f64>() / shares.len() as f64;
    println!(
        "{name}: {} images, agreement: worst {:.3} % ({image}), mean {:.3} %",
        shares.len(),
        100.0 * worst,
        100.0 * mean
    );
}

/// Runs `segscope segment` on a folder; fails with the output of the program.
fn segment(images: &Path, model: &Path, out: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_segscope"));
    command.arg("segment").arg(images).arg("--model").arg(model);
    command
        .arg("--out")
        .arg(out)
        .args(["--formats", "labels", "--device", "cpu"]);
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Share of equal pixels; an error with both sizes where they differ.
fn agreement(found: &LabelMap, expected: &LabelMap) -> Result<f64, String> {
    let sizes = [found, expected].map(|map| [map.width, map.height]);
    if sizes[0] != sizes[1] {
        return Err(format!("{:?} instead of {:?}", sizes[0], sizes[1]));
    }
    let same = found.ids.iter().zip(&expected.ids).filter(|(a, b)| a == b).count();
    Ok(same as f64 / expected.ids.len() as f64)
}

fn label_map(path: &Path) -> LabelMap {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{e}: {}", path.display()));
    LabelMap::from_png(&bytes).unwrap_or_else(|e| panic!("{e}: {}", path.display()))
}

/// The entries of a folder, sorted by name.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder).unwrap_or_else(|e| panic!("{e}: {}", folder.display()));
    let mut paths: Vec<PathBuf> = found.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
