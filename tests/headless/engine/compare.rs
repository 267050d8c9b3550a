//! Label maps from files, and how two label maps differ.

use std::fs;
use std::path::Path;

use segscope::engine::{Asked, Comparison, ComparisonJob, Event, Job, Labelling, LabelsJob, PhotoSource};
use segscope::labels::LabelMap;

use super::desk::{Desk, empty_folder};

/// The sample's true labels.
fn truth() -> LabelMap {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples/street-labels.png");
    LabelMap::from_png(&fs::read(path).expect("the labels")).expect("a label map")
}

fn read(desk: &mut Desk, path: &Path, size: [usize; 2]) -> Result<Labelling, String> {
    let asked = Asked::new();
    let job = LabelsJob {
        path: path.to_owned(),
        size,
        reader: None,
    };
    let ticket = asked.ticket();
    desk.send(Job::ReadLabels { ticket, job });
    desk.wait_for("a label map", |event| match event {
        Event::Labels { ticket, labels } if asked.is(&ticket) => Some(labels),
        _ => None,
    })
}

#[test]
fn a_prediction_is_compared_with_the_truth() {
    let mut desk = Desk::with_model();
    let photo = desk.open(PhotoSource::Sample);
    let result = desk.segment(&photo, None);
    let reference = Labelling::plain(truth());
    let asked = Asked::new();
    let job = ComparisonJob {
        labels: Labelling::from(&result),
        reference: reference.clone(),
        classes: 11,
    };
    let ticket = asked.ticket();
    desk.send(Job::Compare { ticket, job });
    let comparison = desk.wait_for("a comparison", |event| match event {
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
    // Three ways to count the same.
    assert!((comparison.agreement.same - (1.0 - wrong as f64 / labelled as f64)).abs() < 1e-12);
    assert_eq!(comparison.confusion.pixel_accuracy(), Some(comparison.agreement.same));
    assert!(
        (0.1..0.9).contains(&comparison.agreement.same),
        "nothing is told apart: {:?}",
        comparison.agreement
    );
    assert_eq!(comparison.mean_iou, comparison.confusion.mean_iou());
    // What the model took is measured.
    assert!(result.peak_mib.is_none_or(|mib| mib > 10), "{:?}", result.peak_mib);
    assert_eq!(
        (result.cost.patch, result.cost.tokens, result.cost.windows),
        (Some(16), Some(577), 2)
    );
}

#[test]
fn files_that_are_no_label_map_of_the_picture_are_refused_with_a_reason() {
    let mut desk = Desk::new();
    let folder = empty_folder();
    let file = folder.path().join("labels.png");
    let complaint = |desk: &mut Desk| read(desk, &file, [4, 4]).expect_err("a refusal");
    assert!(complaint(&mut desk).contains("cannot be read"));
    fs::write(&file, "no picture").expect("a file");
    assert!(complaint(&mut desk).contains("expected a PNG label map"));
    let size = "expected a label map as large as the picture (4 x 4), found 1280 x 960";
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples/street-labels.png");
    fs::copy(&sample, &file).expect("a copy");
    assert!(complaint(&mut desk).contains(size));
    let labels = read(&mut desk, &file, [1280, 960]).expect("labels");
    assert_eq!(*labels.map(), truth());
    assert!(labels.confidence().is_none());
}
