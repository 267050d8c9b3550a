//! The evaluate workspace: compares the output in use with ground truth, on this image and over all open images.

mod bars;
mod facts;
mod matrix;
mod panel;
mod scoring;
mod summary;
#[cfg(test)]
mod tests;
mod truth_choices;
mod view;
mod workspace;
mod worst;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use crate::app::gpu::GpuLabels;
use crate::app::state::ResultKey;
use crate::datasets::TruthReader;
use crate::engine::{Asked, Errors, ImageSource, Segmented, Ticket, Truth};
use crate::labels::Confusion;
use crate::photo::Photo;
use summary::ScoreSummary;

/// The state of the workspace.
#[derive(Default)]
pub(super) struct Evaluate {
    /// Whether it has been opened; nothing is scored before.
    opened: bool,
    /// Whether the run over all images that is under way was started for these scores.
    run: bool,
    /// The chosen folder of label maps; `None` to look beside the images.
    folder: Option<PathBuf>,
    /// The text in the field for ignored ids.
    ignored_text: String,
    truths: Truths,
    /// What the scores belong to.
    of: Option<ScoreKey>,
    scored: HashMap<ImageSource, Scored>,
    /// The sum of the confusion matrices of the scored images.
    total: Option<Confusion>,
    /// Images still to be scored, with their results; without one, the cached result is scored.
    waiting: VecDeque<(ImageSource, Option<Segmented>)>,
    /// Images whose scores have been requested.
    pending: HashMap<ImageSource, Asked>,
    /// The chosen cell of the matrix.
    cell: Option<Cell>,
    /// The class whose errors are shown; `None` for the errors of all classes.
    class: Option<u16>,
    /// Whether the prediction is shown instead of its errors.
    prediction: bool,
    /// Whether the panel shows the scores of this image alone, although others are scored.
    this_image: bool,
    shown: Option<ShownTruth>,
    /// The request for the errors to show.
    asked: Option<(Asked, Wanted)>,
    /// What the panel shows; `None` when it has to be computed again.
    summary: Option<ScoreSummary>,
    worst: worst::Worst,
}

/// Which images have ground truth.
#[derive(Default)]
struct Truths {
    /// The images and the folder that were searched, and whether the sample's ground truth counts; `None` to search
    /// again.
    of: Option<(Vec<ImageSource>, Option<PathBuf>, bool)>,
    /// The pending request.
    asked: Option<Asked>,
    files: HashMap<ImageSource, Truth>,
}

/// What scores belong to: the output, how it is run, and how ground truth is read.
#[derive(Clone, PartialEq)]
struct ScoreKey {
    key: ResultKey,
    /// Holds the classes and the user's choices, which decide what ids mean.
    reader: TruthReader,
}

/// The scores of an image.
struct Scored {
    mean_iou: Option<f64>,
    /// True class, predicted class and number of pixels, for the pairs that occur.
    cells: Vec<(usize, usize, u64)>,
    /// Pixels without a true class.
    unlabelled: u64,
    /// A small image of the errors.
    errors: Option<Photo>,
    /// Why it could not be scored.
    failure: Option<String>,
}

/// A cell of the confusion matrix: a true and a predicted class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    truth: u16,
    predicted: u16,
}

/// The errors to show.
#[derive(Clone, PartialEq)]
struct Wanted {
    key: ResultKey,
    /// Id of the image.
    photo: u64,
    errors: Errors,
    truth: Truth,
    reader: TruthReader,
}

/// Ground truth and errors of the image on the canvas.
struct ShownTruth {
    wanted: Wanted,
    truth: OverlayLabels,
    errors: OverlayLabels,
    confusion: Confusion,
    /// Whether the ground truth holds only 0 and 255 while 255 is ignored.
    is_mask: bool,
}

/// Labels that are uploaded to the GPU; the texture is there once that is done.
struct OverlayLabels {
    upload: Asked,
    texture: Option<Arc<GpuLabels>>,
}

impl Evaluate {
    /// Stores the texture of an upload that is done.
    fn take_texture(&mut self, ticket: &Ticket, texture: &Arc<GpuLabels>) {
        if let Some(shown) = &mut self.shown {
            for layer in [&mut shown.truth, &mut shown.errors] {
                if layer.upload.is(ticket) {
                    layer.texture = Some(texture.clone());
                }
            }
        }
    }

    /// Sets the folder of label maps; `None` looks beside the images.
    fn set_folder(&mut self, folder: Option<PathBuf>) {
        self.folder = folder;
        self.truths.of = None;
        self.truths.files.clear();
        self.forget_scores();
        // Drawn from the ground truth of the other folder.
        self.shown = None;
    }

    fn forget_scores(&mut self) {
        self.scored.clear();
        self.waiting.clear();
        self.pending.clear();
        self.run = false;
        self.asked = None;
        self.cell = None;
        self.worst = worst::Worst::default();
        self.add_up();
    }

    /// Forgets the scores of an image, for example because its file has changed.
    fn forget(&mut self, source: &ImageSource) {
        self.asked = None;
        self.shown.take_if(|shown| shown.wanted.key.source == *source);
        self.pending.clear();
        self.worst.forget(source);
        self.scored.remove(source);
        self.add_up();
    }

    /// Computes the sum again.
    fn add_up(&mut self) {
        self.summary = None;
        let classes = self.total.take().map(|total| total.classes());
        let counted = self.scored.values().filter(|scored| scored.failure.is_none());
        self.total = classes.filter(|_| !self.scored.is_empty()).map(|classes| {
            let mut total = Confusion::new(classes);
            for scored in counted {
                scored.cells.iter().for_each(|cell| total.add_cell(*cell));
                total.add_unlabelled(scored.unlabelled);
            }
            total
        });
    }

    /// Images with ground truth that are neither scored nor pending, including those that have failed.
    fn unscored(&self) -> impl Iterator<Item = &ImageSource> {
        self.truths.files.keys().filter(|source| {
            let scored = self.scored.get(source);
            !self.pending.contains_key(*source) && scored.is_none_or(|scored| scored.failure.is_some())
        })
    }

    /// Number of scored images.
    fn counted(&self) -> usize {
        self.scored.values().filter(|scored| scored.failure.is_none()).count()
    }
}
