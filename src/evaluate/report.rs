//! Scores as text, tables and a page.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::csv::field;
use super::scores::Scores;
use crate::datasets::BeyondClasses;
use crate::export::escaped;
use crate::labels::{BOUNDARY_PIXELS, ClassScore, ClassSet};

/// The scores of an evaluation, and what was scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// What was scored and how it was run; only an evaluation with the same description resumes.
    pub of: Value,
    /// Names of the classes.
    pub classes: ClassSet,
    /// Number of images.
    pub total: usize,
    /// Peak memory of the process in MiB, if the system reports it.
    pub peak_mib: Option<u64>,
    /// The scores so far.
    pub scores: Scores,
    /// Predicted ids that are not classes, where predictions come from files.
    #[serde(default)]
    pub beyond: BeyondClasses,
}

/// Rows of the list of images on the page.
const WORST: usize = 20;

impl Evaluated {
    /// Whether all images are counted.
    pub fn is_complete(&self) -> bool {
        self.scores.images.len() == self.total
    }

    /// Everything as JSON, which can be read back as [`Evaluated`] to resume.
    pub fn json(&self) -> Value {
        let confusion = &self.scores.confusion;
        let classes = self.per_class().map(|(name, score, truth)| {
            json!({
                "class": name, "iou": score.iou, "accuracy": score.accuracy, "precision": score.precision,
                "f_score": score.f_score, "pixels": truth,
            })
        });
        let classes: Vec<Value> = classes.collect();
        let count = self.classes.len();
        let matrix: Vec<Vec<u64>> = (0..count)
            .map(|truth| (0..count).map(|predicted| confusion.count(truth, predicted)).collect())
            .collect();
        let mut all = serde_json::to_value(self).unwrap_or_default();
        all["summary"] = json!({
            "complete": self.is_complete(),
            "pictures": self.scores.images.len(),
            "mIoU": confusion.mean_iou(),
            "mAcc": confusion.mean(|score| score.accuracy),
            "aAcc": confusion.pixel_accuracy(),
            "scored_classes": confusion.scored_classes(),
            "ignored": confusion.ignored_share(),
            "boundary": self.scores.boundary(),
            "boundary_pixels": BOUNDARY_PIXELS,
            "pictures_per_second": self.images_per_second(),
            "per_class": classes,
            "confusion (truth, predicted)": matrix,
        });
        all
    }

    /// Comma-separated values with a line for each class.
    pub fn csv(&self) -> String {
        let mut text = "class,iou,accuracy,precision,f_score,pixels\n".to_owned();
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.6}"));
        for (name, score, pixels) in self.per_class() {
            let name = field(name);
            let scores = [score.iou, score.accuracy, score.precision, score.f_score].map(number);
            // Writing to a string does not fail.
            writeln!(text, "{name},{},{pixels}", scores.join(",")).ok();
        }
        text
    }

    /// A table for the terminal.
    pub fn text(&self) -> String {
        let percent = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{:.2}", value * 100.0));
        let mut text = format!("{:<24} {:>7} {:>9} {:>10}\n", "class", "IoU", "accuracy", "precision");
        for (name, score, _) in self.per_class() {
            let [iou, accuracy, precision] = [score.iou, score.accuracy, score.precision].map(percent);
            writeln!(text, "{name:<24} {iou:>7} {accuracy:>9} {precision:>10}").ok();
        }
        text + &self.summary()
    }

    /// The scores over all classes, with speed and memory.
    fn summary(&self) -> String {
        let percent = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{:.2}", value * 100.0));
        let mut text = String::new();
        let confusion = &self.scores.confusion;
        if self.of["model"].is_string() {
            writeln!(text, "computed in {}", self.of["precision"].as_str().unwrap_or("f32")).ok();
        }
        writeln!(
            text,
            "mIoU {} over {} of {} classes  mean accuracy {}  pixel accuracy {}",
            percent(confusion.mean_iou()),
            confusion.scored_classes(),
            self.classes.len(),
            percent(confusion.mean(|score| score.accuracy)),
            percent(confusion.pixel_accuracy())
        )
        .ok();
        if let Some(share) = confusion.ignored_share() {
            writeln!(text, "ignored pixels {}", percent(Some(share))).ok();
        }
        if let Some(boundary) = self.scores.boundary() {
            let scores = BOUNDARY_PIXELS.iter().zip(boundary);
            let scores: Vec<String> = scores
                .map(|(pixels, value)| format!("{} at {pixels} px", percent(Some(value))))
                .collect();
            writeln!(text, "boundaries {}", scores.join(", ")).ok();
        }
        write!(text, "{} of {} images", self.scores.images.len(), self.total).ok();
        if let Some(speed) = self.images_per_second() {
            write!(text, ", {speed:.2} per second").ok();
        }
        if let Some(mib) = self.peak_mib {
            write!(text, ", peak memory {mib} MiB").ok();
        }
        text.push('\n');
        text
    }

    /// A page with the scores of all classes, the confusion matrix and the worst images.
    pub fn page(&self) -> String {
        let percent = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{:.1}", value * 100.0));
        let mut rows = String::new();
        for (name, score, pixels) in self.per_class() {
            let scores = [score.iou, score.accuracy, score.precision, score.f_score].map(percent);
            writeln!(
                rows,
                "<tr><td>{}</td><td>{}</td><td>{pixels}</td></tr>",
                escaped(name),
                scores.join("</td><td>")
            )
            .ok();
        }
        let mut worst: Vec<_> = self.scores.images.iter().collect();
        worst.sort_by(|a, b| a.mean_iou.unwrap_or(2.0).total_cmp(&b.mean_iou.unwrap_or(2.0)));
        let mut images = String::new();
        for image in worst.iter().take(WORST) {
            let (iou, accuracy) = (percent(image.mean_iou), percent(image.pixel_accuracy));
            writeln!(
                images,
                "<tr><td>{}</td><td>{iou}</td><td>{accuracy}</td></tr>",
                escaped(&image.name)
            )
            .ok();
        }
        let title = escaped(self.of["model"].as_str().unwrap_or("Predictions"));
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}, evaluated</title>\n\
             <style>\nbody {{ font-family: sans-serif; margin: 2em; }}\ntable {{ border-collapse: collapse; margin: 1em 0; }}\n\
             th, td {{ padding: 0.25em 0.7em; border-bottom: 1px solid #ccc; text-align: right; }}\n\
             th:first-child, td:first-child {{ text-align: left; }}\npre {{ white-space: pre-wrap; }}\n\
             .matrix td {{ padding: 0.25em 0.4em; }}\n</style></head><body>\n<h1>{title}</h1>\n<pre>{about}</pre>\n\
             <h2>Classes</h2>\n<p>In percent.</p>\n<table>\n<tr><th>class</th><th>IoU</th><th>accuracy</th><th>precision</th>\
             <th>F-score</th><th>pixels</th></tr>\n{rows}</table>\n<h2>Confusion</h2>\n<p>Share of the true class (rows) \
             that is predicted as each class (columns), in percent.</p>\n{matrix}<h2>Worst images</h2>\n<table>\n\
             <tr><th>image</th><th>mIoU</th><th>pixel accuracy</th></tr>\n{images}</table>\n</body></html>\n",
            about = escaped(self.summary().trim_end()),
            matrix = self.matrix(),
        )
    }

    fn matrix(&self) -> String {
        let confusion = &self.scores.confusion;
        let count = self.classes.len();
        let heads: String = (0..count)
            .map(|class| format!("<th>{}</th>", escaped(&self.classes.label(class as u16))))
            .collect();
        let mut table = format!("<table class=\"matrix\">\n<tr><th></th>{heads}</tr>\n");
        for truth in 0..count {
            let all: u64 = (0..count).map(|predicted| confusion.count(truth, predicted)).sum();
            let cells: String = (0..count)
                .map(|predicted| {
                    let share = confusion.count(truth, predicted) as f64 / all.max(1) as f64;
                    let shade = if predicted == truth { "60,160,90" } else { "200,70,60" };
                    match all {
                        0 => "<td></td>".into(),
                        _ => format!(
                            "<td style=\"background:rgba({shade},{share:.2})\">{:.1}</td>",
                            share * 100.0
                        ),
                    }
                })
                .collect();
            writeln!(
                table,
                "<tr><td>{}</td>{cells}</tr>",
                escaped(&self.classes.label(truth as u16))
            )
            .ok();
        }
        table + "</table>\n"
    }

    /// Name, scores and number of ground-truth pixels of each class.
    fn per_class(&self) -> impl Iterator<Item = (&str, ClassScore, u64)> {
        let confusion = &self.scores.confusion;
        let classes = self.classes.classes.iter().enumerate();
        classes.map(|(id, class)| (class.name.as_str(), confusion.class(id), confusion.labelled(id)))
    }

    /// Images per second of the model's time; `None` without a model.
    fn images_per_second(&self) -> Option<f64> {
        let seconds = self.scores.seconds;
        (seconds > 0.0).then(|| self.scores.images.len() as f64 / seconds)
    }
}
