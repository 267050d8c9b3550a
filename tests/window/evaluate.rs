//! The evaluate workspace, on copies of the sample with label maps in a folder beside them.

use std::ops::ControlFlow;
use std::path::PathBuf;

use egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use segscope::app::{App, Start};
use segscope::engine::{DeviceChoice, InferenceConfig, ModelSource, Output};
use segscope::labels::LabelMap;
use segscope::photo::Photo;
use segscope::runtime::{PrecisionChoice, Session, Task};

use crate::bundles::fixture;
use crate::harness::{
    in_repository, mask, start, wait_for, wait_for_label, wait_for_masks, wait_for_text, window, window_of_size,
};

/// Number of classes of CamVid.
const CLASSES: usize = 11;

const ROAD: u16 = 3;

/// The prediction of the fixture model for the street sample, in the precision that the window has by itself.
fn prediction() -> LabelMap {
    let mut session = Session::new(DeviceChoice::Cpu, PrecisionChoice::Auto);
    let source = ModelSource::Path(fixture::model());
    let model = session.load(source, &mut |_| ControlFlow::Continue(()));
    let model = model.expect("a model");
    let photo = Photo::open(&in_repository("assets/samples/street.jpg")).expect("the sample");
    let settings = InferenceConfig::of(&model.spec.inference);
    let task = Task {
        model: model.id,
        output: Output::default(),
        photo: &photo,
        photo_id: 1,
        settings: &settings,
    };
    let prediction = session.segment(&task, &mut |_| ControlFlow::Continue(()));
    prediction.expect("a segmentation").labels.map
}

/// Pixels by true class (rows) and predicted class (columns), counted one by one.
struct Counted([[u64; CLASSES]; CLASSES]);

impl Counted {
    /// Counts images that all have the same prediction.
    fn of(prediction: &LabelMap, truths: &[&LabelMap]) -> Self {
        let mut pixels = [[0; CLASSES]; CLASSES];
        for truth in truths {
            assert_eq!([truth.width, truth.height], [prediction.width, prediction.height]);
            for (predicted, truth) in prediction.ids.iter().zip(&truth.ids) {
                if let Some(row) = pixels.get_mut(usize::from(*truth)) {
                    row[usize::from(*predicted)] += 1;
                }
            }
        }
        Self(pixels)
    }

    /// The expected line with the scores over all classes, computed by their definitions.
    fn totals(&self) -> String {
        let Self(pixels) = self;
        let truly = |class: usize| pixels[class].iter().sum::<u64>();
        let predicted = |class: usize| pixels.iter().map(|row| row[class]).sum::<u64>();
        let shares = |whole: &dyn Fn(usize) -> u64| -> Vec<f64> {
            let classes = (0..CLASSES).filter(|class| whole(*class) > 0);
            classes
                .map(|class| pixels[class][class] as f64 / whole(class) as f64)
                .collect()
        };
        let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len() as f64 * 100.0;
        let ious = shares(&|class| truly(class) + predicted(class) - pixels[class][class]);
        let accuracies = shares(&truly);
        let hits: u64 = (0..CLASSES).map(|class| pixels[class][class]).sum();
        let all: u64 = (0..CLASSES).map(truly).sum();
        format!(
            "mIoU {:.1} over {} of {CLASSES} classes, mean accuracy {:.1}, pixel accuracy {:.1}, in percent",
            mean(&ious),
            ious.len(),
            mean(&accuracies),
            hits as f64 / all as f64 * 100.0
        )
    }
}

/// The ground truth of the street sample.
fn truth() -> LabelMap {
    LabelMap::open(&in_repository("assets/samples/street-labels.png")).expect("a label map")
}

/// Writes three images to `images`, and label maps of the first two to `labels`: the ground truth of the street sample,
/// and one with only road.
fn images(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let [images, labels] = ["images", "labels"].map(|below| folder.path().join(below));
    for below in [&images, &labels] {
        std::fs::create_dir(below).expect("a folder");
    }
    let file = in_repository("assets/samples/street-labels.png");
    std::fs::copy(file, labels.join("a.png")).expect("a copy");
    let size = truth();
    let road = vec![ROAD as u8; size.width * size.height];
    let [width, height] = [size.width, size.height].map(|side| u32::try_from(side).expect("a size"));
    let file = labels.join("b.png");
    image::save_buffer(&file, &road, width, height, image::ExtendedColorType::L8).expect("a label map");
    let copy = |name: &str| {
        let image = images.join(format!("{name}.jpg"));
        std::fs::copy(in_repository("assets/samples/street.jpg"), &image).expect("a copy");
        image
    };
    ["a", "b", "c"].map(copy).into()
}

/// The mean IoU shown in the window.
fn mean_iou(harness: &Harness<App>) -> Option<f64> {
    let line = harness.query_by_label_contains("mIoU ")?.value()?;
    line.strip_prefix("mIoU ")?.split(' ').next()?.parse().ok()
}

#[test]
fn images_are_scored_with_ground_truth_beside_them_and_listed_worst_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let begin = Start {
        images: images(&folder),
        ..start()
    };
    // High enough to show the whole matrix.
    let mut harness = window_of_size(begin, [1100.0, 1600.0]);
    wait_for_masks(&mut harness);
    harness.key_press(Key::F6);
    wait_for_label(&mut harness, "2 of 3 photos have ground truth");
    wait_for_text(&mut harness, &format!("Errors of {}", mask()));
    wait_for_text(&mut harness, "Ground truth: a.png");
    let (prediction, truth) = (prediction(), truth());
    let road = LabelMap {
        ids: vec![ROAD; truth.ids.len()],
        ..truth.clone()
    };
    // The scores of the open image are shown without a request.
    wait_for_text(&mut harness, &Counted::of(&prediction, &[&truth]).totals());
    harness.get_by_label("car").click();
    wait_for_text(&mut harness, "car: red false positive, blue false negative");
    harness.get_by_label("Score all photos").click();
    wait_for_label(&mut harness, "2 of 2 scored");
    wait_for_label(&mut harness, "mIoU, 2 photos");
    let both = Counted::of(&prediction, &[&truth, &road]);
    wait_for_text(&mut harness, &both.totals());
    let all = mean_iou(&harness).expect("a score");
    let place = |name: &str| {
        let rows = harness.query_all_by_role_and_label(egui::accesskit::Role::Button, name);
        // In the list of photos and in the strip, which is right of it.
        let places = rows.map(|row| [row.rect().left(), row.rect().top()].map(|at| at as i32));
        let [left, top] = places.max_by_key(|[left, _]| *left).expect("a place");
        [top, left]
    };
    assert!(place("b.jpg") < place("a.jpg"), "the worst photo comes first");
    // Columns are predicted classes: road predicted as sky is rare in the first image and common in the second.
    let matrix = harness.get_by_label("Cells of the confusion matrix").rect();
    let field = matrix.min + egui::vec2(0.5, f32::from(ROAD) + 0.5) * matrix.width() / CLASSES as f32;
    harness.hover_at(field);
    harness.drag_at(field);
    harness.drop_at(field);
    wait_for_text(&mut harness, "Photos with the most of these pixels");
    let [of_road, as_sky] = [
        both.0[usize::from(ROAD)].iter().sum::<u64>(),
        both.0[usize::from(ROAD)][0],
    ];
    let share = as_sky as f64 / of_road as f64 * 100.0;
    wait_for_text(&mut harness, &format!("road predicted as sky: {share:.1} %"));
    let of_second = Counted::of(&prediction, &[&road]).0[usize::from(ROAD)][0];
    assert!(
        of_second > 0 && as_sky != both.0[0][usize::from(ROAD)],
        "the numbers do not distinguish the images or classes"
    );
    wait_for_label(&mut harness, &format!("{of_second} px"));
    // The third image has no ground truth, so it has no scores.
    harness.key_press(Key::PageDown);
    harness.key_press(Key::PageDown);
    wait_for_text(&mut harness, "No ground truth found for c.jpg");
    harness.get_by_label("This photo").click();
    wait_for_text(&mut harness, "Scores appear when a photo with ground truth");
    harness.get_by_label("All 2 photos").click();
    wait_for(&mut harness, "the sum again", |h| mean_iou(h).filter(|iou| *iou == all));
}

#[test]
fn the_sample_has_ground_truth() {
    let mut harness = window(start());
    wait_for_masks(&mut harness);
    harness.key_press(Key::F6);
    wait_for_text(&mut harness, "Ground truth: sample label map");
    let expected = Counted::of(&prediction(), &[&truth()]).totals();
    wait_for_text(&mut harness, &expected);
}
