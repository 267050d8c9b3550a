//! What the panel shows, computed once instead of in every frame: 150 classes have 22,500 pairs.

use egui::{Color32, ColorImage, Context, TextureHandle, TextureOptions};

use super::{Cell, Evaluate};
use crate::app::theme::RIGHT_AND_WRONG;
use crate::engine::ImageSource;
use crate::labels::{ClassScore, Confusion};

/// The scores, the ranking and the matrix as they are shown.
pub(super) struct ScoreSummary {
    /// Names the images that are scored.
    pub(super) title: String,
    /// Pixels by true and predicted class.
    pub(super) confusion: Confusion,
    /// The scores by class.
    pub(super) classes: Vec<ClassScore>,
    /// The classes that occur, the one with the highest IoU first.
    pub(super) order: Vec<usize>,
    pub(super) mean_iou: Option<f64>,
    pub(super) mean_accuracy: Option<f64>,
    pub(super) pixel_accuracy: Option<f64>,
    /// The matrix with one pixel for each pair of classes, blue where it is correct, red where it is wrong, clear
    /// where no pixels are.
    pub(super) matrix: TextureHandle,
    /// Images with the value that they are ordered by.
    pub(super) ranking: Vec<(ImageSource, f64)>,
    /// A line for each image that was left out.
    pub(super) failures: Vec<String>,
}

impl Evaluate {
    /// The summary to show; `photo` is the id of the image on the canvas.
    pub(super) fn tell(&mut self, photo: Option<u64>, context: &Context) -> Option<&ScoreSummary> {
        if self.summary.is_none() {
            self.summary = self.summarise(photo, context);
        }
        self.summary.as_ref()
    }

    fn summarise(&self, photo: Option<u64>, context: &Context) -> Option<ScoreSummary> {
        let shown = self.shown.as_ref().filter(|shown| Some(shown.wanted.photo) == photo);
        let count = self.counted();
        let of_image = shown.map(|shown| (shown.confusion.clone(), "this photo".to_owned()));
        let of_all = self.total.clone().map(|total| (total, format!("{count} photos")));
        let (confusion, title) = match self.this_image || count < 2 {
            true => of_image?,
            false => of_all?,
        };
        let failures = self.scored.iter();
        let failures =
            failures.filter_map(|(source, scored)| Some(format!("{}: {}", source.name(), scored.failure.as_ref()?)));
        let mut failures: Vec<String> = failures.collect();
        failures.sort();
        let classes: Vec<ClassScore> = (0..confusion.classes()).map(|class| confusion.class(class)).collect();
        let iou = |class: &usize| classes[*class].iou;
        let mut order: Vec<usize> = (0..classes.len()).filter(|class| iou(class).is_some()).collect();
        order.sort_by(|a, b| iou(b).unwrap_or(0.0).total_cmp(&iou(a).unwrap_or(0.0)));
        Some(ScoreSummary {
            order,
            classes,
            mean_iou: confusion.mean_iou(),
            mean_accuracy: confusion.mean(|score| score.accuracy),
            pixel_accuracy: confusion.pixel_accuracy(),
            matrix: matrix(&confusion, context),
            ranking: self.ranking(),
            confusion,
            title,
            failures,
        })
    }

    /// The scored images, the worst first; with a chosen cell of the matrix, those with the most pixels in it first.
    fn ranking(&self) -> Vec<(ImageSource, f64)> {
        let value = |scored: &super::Scored| match self.cell {
            None => scored.mean_iou,
            Some(Cell { truth, predicted }) => {
                let cell = (usize::from(truth), usize::from(predicted));
                let found = scored
                    .cells
                    .iter()
                    .find(|(truth, predicted, _)| (*truth, *predicted) == cell);
                found.map(|(.., count)| *count as f64)
            }
        };
        let all = self.scored.iter();
        let mut ranking: Vec<_> = all
            .filter_map(|(source, scored)| Some((source.clone(), value(scored)?)))
            .collect();
        ranking.sort_by(|a, b| {
            let order = a.1.total_cmp(&b.1);
            let order = if self.cell.is_some() { order.reverse() } else { order };
            order.then_with(|| a.0.name().cmp(&b.0.name()))
        });
        ranking
    }
}

/// How strongly a cell is coloured, for its share of the true class. The square root keeps small confusions visible
/// beside the diagonal.
pub(super) fn strength(share: f64) -> f32 {
    share.sqrt() as f32
}

/// The matrix as an image: each cell is stronger the larger its share of the true class.
fn matrix(confusion: &Confusion, context: &Context) -> TextureHandle {
    let count = confusion.classes();
    let mut image = ColorImage::filled([count, count], Color32::TRANSPARENT);
    let labelled: Vec<u64> = (0..count).map(|class| confusion.labelled(class)).collect();
    for (truth, predicted, pixels) in confusion.cells() {
        if predicted < count {
            let share = pixels as f64 / labelled[truth].max(1) as f64;
            let color = RIGHT_AND_WRONG[usize::from(truth != predicted)];
            image[(predicted, truth)] = color.gamma_multiply(strength(share));
        }
    }
    context.load_texture("confusion matrix", image, TextureOptions::NEAREST)
}
