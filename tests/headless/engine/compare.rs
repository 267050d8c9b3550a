//! Reads label maps from files and compares label maps.

use std::fs;
use std::path::Path;

use segscope::engine::{Asked, Comparison, ComparisonJob, Event, ImageSource, Job, LabelLayer, LabelsJob};
use segscope::labels::LabelMap;

use super::harness::{Harness, empty_folder};

/// The ground truth of the sample.
fn truth() -> LabelMap {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples/street-labels.png");
    LabelMap::from_png(&fs::read(path).expect("the labels")).expect("a label map")
}

fn read(harness: &mut Harness, path: &Path, size: [usize; 2]) -> Result<LabelLayer, String> {
    let asked = Asked::new();
    let job = LabelsJob {
        path: path.to_owned(),
        size,
        reader: None,
    };
    let ticket = asked.ticket();
    harness.send(Job::ReadLabels { ticket, job });
    harness.wait_for("a label map", |event| match event {
        Event::Labels { ticket, labels } if asked.is(&ticket) => Some(labels),
        _ => None,
    })
}

#[test]
fn a_prediction_is_compared_with_ground_truth() {
    let mut harness = Harness::with_model();
    let photo = harness.open(ImageSource::Sample);
    let result = harness.segment(&photo, None);
    let reference = LabelLayer::plain(truth());
    let asked = Asked::new();
    let job = ComparisonJob {
        labels: LabelLayer::from(&result),
        reference: reference.clone(),
        classes: 11,
    };
    let ticket = asked.ticket();
    harness.send(Job::Compare { ticket, job });
    let comparison = harness.wait_for("a comparison", |event| match event {
        Event::Compared { ticket, comparison } if asked.is(&ticket) => comparison,
        _ => None,
    });
    let labelled = reference.map().ids.iter().filter(|id| **id < 11).count();
    let wrong = comparison
        .differing
        .map()
        .ids
        .iter()
        .filter(|id| **id != Comparison::SAME);
    let wrong = wrong.count();
    // Three ways to count give the same result.
    assert!((comparison.agreement.same - (1.0 - wrong as f64 / labelled as f64)).abs() < 1e-12);
    assert_eq!(comparison.confusion.pixel_accuracy(), Some(comparison.agreement.same));
    assert!(
        (0.1..0.9).contains(&comparison.agreement.same),
        "the agreement is trivial: {:?}",
        comparison.agreement
    );
    assert_eq!(comparison.mean_iou, comparison.confusion.mean_iou());
    // The memory use of the model is measured.
    assert!(result.peak_mib.is_none_or(|mib| mib > 10), "{:?}", result.peak_mib);
    assert_eq!(
        (result.cost.patch, result.cost.tokens, result.cost.windows),
        (Some(16), Some(577), 2)
    );
}

#[test]
fn files_that_are_not_label_maps_of_the_image_are_refused() {
    let mut harness = Harness::new();
    let folder = empty_folder();
    let file = folder.path().join("labels.png");
    let complaint = |harness: &mut Harness| read(harness, &file, [4, 4]).expect_err("a refusal");
    assert!(complaint(&mut harness).contains("cannot be read"));
    fs::write(&file, "no image").expect("a file");
    assert!(complaint(&mut harness).contains("expected a PNG label map"));
    let size = "expected a label map as large as the image (4 x 4), found 1280 x 960";
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples/street-labels.png");
    fs::copy(&sample, &file).expect("a copy");
    assert!(complaint(&mut harness).contains(size));
    let labels = read(&mut harness, &file, [1280, 960]).expect("labels");
    assert_eq!(*labels.map(), truth());
    assert!(labels.confidence().is_none());
}
