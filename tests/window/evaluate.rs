//! The evaluate workspace, on copies of the sample with their label map beside them.

use std::path::PathBuf;

use egui::Key;
use egui_kittest::kittest::Queryable as _;

use crate::harness::{in_repository, wait_for_label, wait_for_text, window_with};

/// Pictures in `images`, and label maps of the first two in `labels`.
fn pictures(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let [images, labels] = ["images", "labels"].map(|below| folder.path().join(below));
    for below in [&images, &labels] {
        std::fs::create_dir(below).expect("a folder");
    }
    let copy = |name: &str, labelled: bool| {
        let picture = images.join(format!("{name}.jpg"));
        std::fs::copy(in_repository("assets/samples/street.jpg"), &picture).expect("a copy");
        if labelled {
            let map = labels.join(format!("{name}.png"));
            std::fs::copy(in_repository("assets/samples/street-labels.png"), map).expect("a copy");
        }
        picture
    };
    vec![copy("a", true), copy("b", true), copy("c", false)]
}

#[test]
fn pictures_are_scored_with_the_truth_beside_them_and_listed_worst_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_with(pictures(&folder));
    harness.key_press(Key::F6);
    wait_for_label(&mut harness, "2 of 3 pictures have ground truth");
    wait_for_text(&mut harness, "Errors of Seg-T-Mask/16");
    wait_for_text(&mut harness, "Ground truth: a.png");
    // This picture's own scores are there without asking.
    wait_for_label(&mut harness, "This picture");
    wait_for_text(&mut harness, "mIoU ");
    harness.get_by_label("car").click();
    wait_for_text(&mut harness, "car: red false positive, blue false negative");
    harness.get_by_label("Score all pictures").click();
    wait_for_label(&mut harness, "2 of 2 scored");
    wait_for_label(&mut harness, "2 pictures");
    wait_for_label(&mut harness, "Worst pictures first");
    harness.get_by_label("Confusion matrix");
    // The third has no truth, and says so.
    harness.key_press(Key::PageDown);
    harness.key_press(Key::PageDown);
    wait_for_text(&mut harness, "No ground truth found for c.jpg");
}
