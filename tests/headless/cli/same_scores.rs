//! An image with its ground truth gets the same score from `evaluate`, `compare` and both workspaces, for every
//! built-in data set and every naming.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use segscope::datasets::{self, DataSet, TruthChoices, truths_of};
use segscope::engine::{Asked, ScoreAnswer, ScoreRequest, Scorer};
use segscope::labels::LabelMap;
use segscope::model::{DecoderKind, Variant, published};
use segscope::runtime::{
    Comparison, ComparisonJob, DeviceChoice, ImageSource, LabelLayer, ModelInfo, ModelSource, PrecisionChoice,
    ScoreJob, Session, Truth,
};
use serde_json::Value;

use super::program::*;
use crate::bundles;

/// Folders and names of an image and of its label map.
const NAMINGS: [[&str; 2]; 6] = [
    ["images/a.png", "labels/a.png"],
    ["images/a.png", "masks/a_mask.png"],
    ["leftImg8bit/x/a_leftImg8bit.png", "gtFine/x/a_gtFine_labelTrainIds.png"],
    ["JPEGImages/a.png", "SegmentationClass/a.png"],
    ["test/a.png", "testannot/a.png"],
    ["img_dir/val/a.png", "ann_dir/val/a.png"],
];

/// A model with random weights for the classes of a data set, and its prediction for a small image.
struct Case {
    set: &'static DataSet,
    model: PathBuf,
    image: PathBuf,
    predicted: LabelMap,
    info: Arc<ModelInfo>,
}

impl Case {
    fn new(set: &'static DataSet, folder: &Path) -> Self {
        let mut spec = published(Variant::Tiny, 16, &[DecoderKind::Linear], set.len(), 64);
        spec.inference.short_side = Some(64);
        let vit = spec.encoder.vit_mut().expect("a ViT");
        (vit.dim, vit.depth, vit.heads) = (48, 2, 3);
        spec.decoders = vec![DecoderKind::Linear.spec(&spec.encoder)];
        let model = bundles::save_of(
            &spec,
            set.classes(),
            7,
            &folder.join(format!("{}.safetensors", set.key)),
        );
        let image = folder.join("a.png");
        let pixels: Vec<u8> = (0..96 * 64 * 3u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        image::save_buffer(&image, &pixels, 96, 64, image::ExtendedColorType::Rgb8).expect("an image");
        let out = folder.join(set.key);
        let model_flag = ["--model", model.to_str().expect("a path"), "--formats", "labels"];
        segment(&[&image], &out, &model_flag).expect(0);
        let mut session = Session::new(DeviceChoice::Cpu, PrecisionChoice::F32);
        let info = session.load(ModelSource::Path(model.clone()), &mut |_| ControlFlow::Continue(()));
        Self {
            set,
            predicted: label_map(&out.join("labels/a.png")),
            info: info.expect("a model"),
            model,
            image,
        }
    }

    /// Writes the image and its ground truth with these names.
    ///
    /// The ground truth is the prediction with another class for every fifth pixel and no class for every eleventh, in
    /// the ids of the data set, or in label ids if the name indicates these.
    fn write(&self, root: &Path, [image, label]: [&str; 2]) -> [PathBuf; 2] {
        let [image, label] = [image, label].map(|name| root.join(name));
        for file in [&image, &label] {
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        }
        std::fs::copy(&self.image, &image).expect("a copy");
        let classes = self.set.len() as u16;
        let by_label_id = label.to_string_lossy().contains("labelIds");
        let id = |class: u16| match self.set.label_ids.filter(|_| by_label_id) {
            Some(ids) => ids[usize::from(class)],
            None => class + u16::from(self.set.zero_is_ignored),
        };
        let ids = self.predicted.ids.iter().enumerate().map(|(i, class)| match i {
            i if i % 11 == 0 => 255,
            i if i % 5 == 0 => id((class + 1) % classes) as u8,
            _ => id(*class) as u8,
        });
        let (width, height) = (self.predicted.width as u32, self.predicted.height as u32);
        let ids: Vec<u8> = ids.collect();
        image::save_buffer(&label, &ids, width, height, image::ExtendedColorType::L8).expect("a label map");
        [image, label]
    }

    /// The mIoU by definition: over the classes that occur, intersection over union of labelled pixels.
    fn expected(&self) -> f64 {
        let classes = self.set.len() as u16;
        let truth = |i: usize, class: u16| match i {
            i if i % 11 == 0 => None,
            i if i % 5 == 0 => Some((class + 1) % classes),
            _ => Some(class),
        };
        let found = self.predicted.ids.iter().enumerate();
        let pairs: Vec<(u16, u16)> = found
            .filter_map(|(i, class)| Some((truth(i, *class)?, *class)))
            .collect();
        let scores: Vec<f64> = (0..classes)
            .filter_map(|class| {
                let both = pairs
                    .iter()
                    .filter(|(truth, found)| *truth == class && *found == class)
                    .count();
                let any = pairs
                    .iter()
                    .filter(|(truth, found)| *truth == class || *found == class)
                    .count();
                (any > 0).then(|| both as f64 / any as f64)
            })
            .collect();
        scores.iter().sum::<f64>() / scores.len() as f64
    }

    fn of_evaluate(&self, root: &Path, image: &Path, label: &Path) -> f64 {
        let [images, labels] = [image, label].map(|file| {
            let below = file.strip_prefix(root).expect("below the root");
            root.join(below.components().next().expect("a folder"))
        });
        let json = root.join("scores.json");
        let mut call = program();
        call.arg("evaluate")
            .arg("--images")
            .arg(images)
            .arg("--labels")
            .arg(labels);
        call.arg("--model").arg(&self.model).arg("--json").arg(&json);
        run(call.args(["--device", "cpu"])).expect(0);
        let scores: Value = serde_json::from_slice(&bytes(&json)).expect("JSON");
        scores["summary"]["mIoU"].as_f64().expect("a score")
    }

    /// The mIoU on the page of `compare`, in percent.
    fn of_compare(&self, root: &Path, image: &Path, label: &Path) -> String {
        let page = root.join("page.html");
        let mut call = program();
        call.arg("compare").arg(image).arg("--labels").arg(label);
        call.arg("--models").arg(&self.model).arg("--out").arg(&page);
        run(call.args(["--device", "cpu"])).expect(0);
        let text = String::from_utf8(bytes(&page)).expect("UTF-8");
        let row = text
            .lines()
            .find(|line| line.starts_with("<tr><td>Seg-"))
            .expect("a row");
        let cell = row
            .trim_end_matches("</td></tr>")
            .rsplit("<td>")
            .next()
            .expect("a cell");
        cell.to_owned()
    }

    /// The mIoU from the thread of the evaluate workspace.
    fn of_scorer(&self, image: &Path, label: PathBuf) -> f64 {
        let scorer = Scorer::start(Box::new(|| {})).expect("a thread");
        let job = ScoreJob {
            source: ImageSource::Path(image.into()),
            labels: LabelLayer::plain(self.predicted.clone()),
            truth: Truth::File(label),
            reader: self.info.truth_reader(&TruthChoices::default()),
            show: None,
            photo: None,
        };
        let asked = Asked::new();
        let (ticket, job) = (asked.ticket(), Box::new(job));
        scorer.ask(ScoreRequest::Score { ticket, job });
        let begin = Instant::now();
        loop {
            if let Some(ScoreAnswer::Scored { outcome, .. }) = scorer.poll() {
                return outcome.expect("a score").mean_iou.expect("a score");
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "no score was received");
            std::thread::yield_now();
        }
    }

    /// The mIoU from the compare workspace.
    fn of_comparison(&self, label: &Path) -> f64 {
        let reader = self.info.truth_reader(&TruthChoices::default());
        let truth = reader.read(label, None).expect("ground truth");
        let comparison = Comparison::of(&ComparisonJob {
            labels: LabelLayer::plain(self.predicted.clone()),
            reference: LabelLayer::plain(truth.map),
            classes: reader.classes(),
        });
        comparison.expect("maps of one size").mean_iou.expect("a score")
    }
}

#[test]
fn all_commands_and_workspaces_give_the_same_mean_iou() {
    let models = empty_folder();
    for set in &datasets::ALL {
        let case = Case::new(set, models.path());
        let expected = case.expected();
        assert!(
            (0.05..0.999).contains(&expected),
            "{}: {expected} would not reveal differences",
            set.key
        );
        let label_ids = ["leftImg8bit/x/a_leftImg8bit.png", "gtFine/x/a_gtFine_labelIds.png"];
        for naming in NAMINGS.into_iter().chain(set.label_ids.map(|_| label_ids)) {
            let folder = empty_folder();
            let [image, label] = case.write(folder.path(), naming);
            let what = format!("{} {naming:?}", set.key);
            let close = |score: f64| (score - expected).abs() < 1e-9;
            let of_evaluate = case.of_evaluate(folder.path(), &image, &label);
            assert!(
                close(of_evaluate),
                "{what}: evaluate {of_evaluate}, expected {expected}"
            );
            let of_compare = case.of_compare(folder.path(), &image, &label);
            assert_eq!(of_compare, format!("{:.1}", expected * 100.0), "{what}: compare");
            let found = truths_of(std::slice::from_ref(&image), None).swap_remove(0);
            assert_eq!(found, Some(label.clone()), "{what}: beside the image");
            let of_scorer = case.of_scorer(&image, label.clone());
            assert!(close(of_scorer), "{what}: scorer {of_scorer}, expected {expected}");
            let of_comparison = case.of_comparison(&label);
            assert!(
                close(of_comparison),
                "{what}: comparison {of_comparison}, expected {expected}"
            );
        }
    }
}
