//! Compares the confusion matrices of `segscope evaluate` with counts by hand and pixel by pixel. Rows are true
//! classes, columns are predicted classes.

use std::path::Path;

use segscope::labels::LabelMap;
use serde_json::{Value, json};

use super::program::*;
use crate::bundles::fixture;

/// Writes an 8-bit grey PNG.
fn grey(path: &Path, ids: &[u8], width: usize) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let size = [width, ids.len() / width].map(|side| u32::try_from(side).expect("a size"));
    image::save_buffer(path, ids, size[0], size[1], image::ExtendedColorType::L8).expect("a label map");
}

fn evaluate(folder: &Path, options: &[&str]) -> Value {
    let mut call = program();
    call.args(["evaluate", "--labels", "labels", "--device", "cpu", "--json", "s.json"]);
    run(call.args(options).current_dir(folder)).expect(0);
    serde_json::from_slice(&bytes(&folder.join("s.json"))).expect("JSON")
}

fn matrix(scores: &Value) -> &Value {
    &scores["summary"]["confusion (truth, predicted)"]
}

#[test]
fn a_matrix_equals_counts_by_hand() {
    let folder = empty_folder();
    let path = |name: &str| folder.path().join(name);
    // 255 is ignored in the ground truth, and 9 is not a class.
    grey(&path("labels/a.png"), &[0, 0, 0, 0, 1, 1, 2, 2, 2, 255], 10);
    grey(&path("p/a.png"), &[0, 1, 1, 2, 1, 0, 2, 2, 0, 1], 10);
    grey(&path("labels/b.png"), &[0, 0, 0, 1, 1, 255, 2], 7);
    grey(&path("p/b.png"), &[1, 1, 9, 2, 0, 0, 0], 7);
    let classes = (0..3).map(|class| format!("[[classes]]\nname = \"kind {class}\"\n"));
    let set = format!("name = \"mine\"\nignore = [255]\n{}", classes.collect::<String>());
    std::fs::write(path("mine.toml"), set).expect("a file");
    let scores = evaluate(
        folder.path(),
        &["--predictions", "p", "--set", "mine.toml", "--csv", "s.csv"],
    );
    assert_eq!(*matrix(&scores), json!([[1, 4, 1], [2, 1, 1], [2, 0, 2]]));
    let confusion = &scores["scores"]["confusion"];
    // The same with a fourth column, for predicted ids that are not classes.
    assert_eq!(confusion["counts"], json!([1, 4, 1, 1, 2, 1, 1, 0, 2, 0, 2, 0]));
    assert_eq!(confusion["unlabelled"], 2);
    let summary = &scores["summary"];
    let close = |name: &str, expected: f64| {
        let found = summary[name].as_f64().expect("a number");
        assert!((found - expected).abs() < 1e-12, "{name}: {found}, not {expected}");
    };
    close("mIoU", (1.0 / 11.0 + 1.0 / 8.0 + 2.0 / 6.0) / 3.0);
    close("mAcc", (1.0 / 7.0 + 1.0 / 4.0 + 2.0 / 4.0) / 3.0);
    close("aAcc", 4.0 / 15.0);
    close("ignored", 2.0 / 17.0);
    // IoU, accuracy, precision, F-score and true pixels.
    let csv = String::from_utf8(bytes(&path("s.csv"))).expect("text");
    let lines: Vec<&str> = csv.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "kind 0,0.090909,0.142857,0.200000,0.166667,7",
            "kind 1,0.125000,0.250000,0.200000,0.222222,4",
            "kind 2,0.333333,0.500000,0.500000,0.500000,4",
        ]
    );
}

#[test]
fn a_matrix_equals_counts_by_pixel_with_each_image_once() {
    const ROAD: u8 = 3;
    let classes = usize::from(CLASSES);
    let folder = empty_folder();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("images")).expect("a folder");
    for name in ["a", "b"] {
        std::fs::copy(sample(), path("images").join(format!("{name}.jpg"))).expect("a copy");
    }
    let truth = label_map(&in_repository("assets/samples/street-labels.png"));
    let road = LabelMap {
        ids: vec![u16::from(ROAD); truth.ids.len()],
        ..truth.clone()
    };
    std::fs::create_dir(path("labels")).expect("a folder");
    std::fs::copy(in_repository("assets/samples/street-labels.png"), path("labels/a.png")).expect("a copy");
    grey(&path("labels/b.png"), &vec![ROAD; truth.ids.len()], truth.width);
    segment(&[&path("images/a.jpg")], &path("out"), &["--formats", "labels"]).expect(0);
    let prediction = label_map(&path("out/labels/a.png"));
    let mut expected = vec![vec![0u64; classes]; classes];
    let mut unlabelled = 0u64;
    for truth in [&truth, &road] {
        for (truth, predicted) in truth.ids.iter().zip(&prediction.ids) {
            match expected.get_mut(usize::from(*truth)) {
                Some(row) => row[usize::from(*predicted)] += 1,
                None => unlabelled += 1,
            }
        }
    }
    let transposed: Vec<Vec<u64>> = (0..classes)
        .map(|column| expected.iter().map(|row| row[column]).collect())
        .collect();
    assert!(
        expected != transposed && unlabelled > 0,
        "the counts would not reveal a transposed matrix or unlabelled pixels"
    );
    let model = fixture::model();
    let model = ["--images", "images", "--model", model.to_str().expect("UTF-8")];
    let scores = evaluate(folder.path(), &model);
    assert_eq!(*matrix(&scores), json!(expected));
    assert_eq!(scores["scores"]["confusion"]["unlabelled"], unlabelled);
    assert_eq!(scores["summary"]["pictures"], 2);
}
