//! Compares mIoU and related scores of label maps with those of mmsegmentation.

use segscope::labels::{ClassScore, Confusion, LabelMap};
use serde_json::Value;

use super::golden_case::GoldenCase;
use super::golden_case::closeness::Findings;

/// Name of a mean in the golden scores, and the score that is averaged.
type Mean = (&'static str, fn(ClassScore) -> Option<f64>);

/// The means of the golden scores.
const MEANS: [Mean; 6] = [
    ("mIoU", |score| score.iou),
    ("mAcc", |score| score.accuracy),
    ("mRecall", |score| score.accuracy),
    ("mPrecision", |score| score.precision),
    ("mDice", |score| score.dice),
    ("mFscore", |score| score.f_score),
];

/// Tolerance for scores.
const TOLERANCE: f64 = 1e-9;

/// Compares all groups of pairs.
pub fn compare(case: &GoldenCase, findings: &mut Findings) {
    let text = std::fs::read_to_string(case.folder.join("scores.json")).expect("the scores");
    let groups: Value = serde_json::from_str(&text).expect("JSON");
    for (group, scores) in groups.as_object().expect("groups") {
        let classes = scores["num_classes"].as_u64().expect("a count") as usize;
        let ignored = scores["ignore_index"].as_u64().expect("an id") as u16;
        let mut all = Confusion::new(classes);
        let pairs = scores["pairs"].as_array().expect("pairs");
        for (pair, areas) in pairs.iter().zip(scores["per_image"].as_array().expect("areas")) {
            let map = |which: &str| {
                let file = case.folder.join(pair[which].as_str().expect("a file"));
                LabelMap::from_png(&std::fs::read(file).expect("a label map")).expect("a label map")
            };
            let mut truth = map("gt");
            if scores["reduce_zero_label"] == true {
                truth.reduce_zero_label(ignored);
            }
            let mut one = Confusion::new(classes);
            assert!(one.add(&map("pred"), &truth) && all.add(&map("pred"), &truth));
            let hits: Vec<u64> = (0..classes).map(|class| one.count(class, class)).collect();
            if serde_json::json!(hits) != areas["area_intersect"] {
                findings.wrong(&case.name, group, format!("intersections of {}", pair["pred"]));
            }
        }
        let mut close = |what: &str, found: Option<f64>, expected: &Value| {
            findings.close_number(
                &case.name,
                &format!("{group} {what}"),
                found,
                expected.as_f64(),
                TOLERANCE,
            );
        };
        close("aAcc", all.pixel_accuracy(), &scores["aAcc"]);
        for (name, score) in MEANS {
            close(name, all.mean(score), &scores[name]);
        }
        for class in 0..classes {
            close(&format!("IoU of {class}"), all.class(class).iou, &scores["IoU"][class]);
            close(
                &format!("Acc of {class}"),
                all.class(class).accuracy,
                &scores["Acc"][class],
            );
            close(
                &format!("Dice of {class}"),
                all.class(class).dice,
                &scores["Dice"][class],
            );
        }
    }
}
