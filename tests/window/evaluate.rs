//! The evaluate workspace, on copies of the sample with their label map beside them.

use std::path::PathBuf;

use egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use segscope::app::App;

use crate::harness::{
    in_repository, start, wait_for, wait_for_label, wait_for_masks, wait_for_text, window, window_with,
};

/// Pictures in `images`, and label maps of the first two in `labels`: the true one, and one that is road all over.
fn pictures(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let [images, labels] = ["images", "labels"].map(|below| folder.path().join(below));
    for below in [&images, &labels] {
        std::fs::create_dir(below).expect("a folder");
    }
    let truth = in_repository("assets/samples/street-labels.png");
    std::fs::copy(&truth, labels.join("a.png")).expect("a copy");
    let size = segscope::labels::LabelMap::open(&truth).expect("a label map");
    let road = vec![3; size.width * size.height];
    let [width, height] = [size.width, size.height].map(|side| u32::try_from(side).expect("a size"));
    let file = labels.join("b.png");
    image::save_buffer(&file, &road, width, height, image::ExtendedColorType::L8).expect("a label map");
    let copy = |name: &str| {
        let picture = images.join(format!("{name}.jpg"));
        std::fs::copy(in_repository("assets/samples/street.jpg"), &picture).expect("a copy");
        picture
    };
    ["a", "b", "c"].map(copy).into()
}

/// The mean IoU that is told.
fn mean_iou(harness: &Harness<App>) -> Option<f64> {
    let line = harness.query_by_label_contains("mIoU ")?.value()?;
    line.strip_prefix("mIoU ")?.split(' ').next()?.parse().ok()
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
    let own = wait_for(&mut harness, "a score", mean_iou);
    assert!((50.0..95.0).contains(&own), "{own}");
    harness.get_by_label("car").click();
    wait_for_text(&mut harness, "car: red false positive, blue false negative");
    harness.get_by_label("Score all pictures").click();
    wait_for_label(&mut harness, "2 of 2 scored");
    wait_for_label(&mut harness, "2 pictures");
    // Both together are worse than the first alone, and not as bad as the second.
    let all = mean_iou(&harness).expect("a score");
    assert!((5.0..own).contains(&all), "{all} of {own}");
    let place = |name: &str| {
        let rows = harness.query_all_by_role_and_label(egui::accesskit::Role::Button, name);
        rows.map(|row| row.rect().top() as i32).max().expect("a row")
    };
    assert!(place("b.jpg") < place("a.jpg"), "the worst picture comes first");
    harness.get_by_label("Fields of the confusion matrix");
    // The third has no truth, and nothing is told of it.
    harness.key_press(Key::PageDown);
    harness.key_press(Key::PageDown);
    wait_for_text(&mut harness, "No ground truth found for c.jpg");
    harness.get_by_label("This picture").click();
    wait_for_text(&mut harness, "Scores appear when a picture with ground truth");
    harness.get_by_label("All 2 pictures").click();
    wait_for(&mut harness, "the sum again", |h| mean_iou(h).filter(|iou| *iou == all));
}

#[test]
fn the_sample_has_its_truth_with_it() {
    let mut harness = window(start());
    wait_for_masks(&mut harness);
    harness.key_press(Key::F6);
    wait_for_text(&mut harness, "Ground truth: of the sample");
    let own = wait_for(&mut harness, "a score", mean_iou);
    assert!((50.0..95.0).contains(&own), "{own}");
}
