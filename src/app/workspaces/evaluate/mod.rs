//! The evaluate workspace: the output in use against ground truth, on this picture and over all open ones.

mod matrix;
mod panel;
mod reading;
mod scoring;
#[cfg(test)]
mod tests;
mod told;
mod view;
mod workspace;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use crate::app::gpu::GpuLabels;
use crate::app::state::ResultKey;
use crate::datasets::TruthReader;
use crate::engine::{Asked, Errors, Labelling, PhotoSource, Ticket, Truth};
use crate::labels::Confusion;
use told::Told;

/// What the workspace knows.
#[derive(Default)]
pub(super) struct Evaluate {
    /// It has been in sight: before that nothing is scored.
    opened: bool,
    /// The run over all pictures that is made for scores is one for these.
    run: bool,
    /// Folder of label maps that was chosen.
    folder: Option<PathBuf>,
    /// The ignored ids as they are being written.
    ignored_text: String,
    truths: Truths,
    /// Whose scores these are.
    of: Option<Of>,
    scored: HashMap<PhotoSource, Scored>,
    /// Sum over the scored pictures.
    total: Option<Confusion>,
    /// What is still to be scored, with labels or with a kept result.
    waiting: VecDeque<(PhotoSource, Option<Labelling>)>,
    /// Pictures whose scores are on their way.
    pending: HashMap<PhotoSource, Asked>,
    /// What is asked of the matrix.
    cell: Option<Cell>,
    /// Errors of which class are shown; all without one.
    class: Option<u16>,
    /// The masks are shown in place of errors.
    prediction: bool,
    /// The scores of this picture are told although others are scored.
    this_picture: bool,
    shown: Option<Shown>,
    /// The request for what is to be shown.
    asked: Option<(Asked, Wanted)>,
    /// What the panel tells, remade when something has changed.
    told: Option<Told>,
}

/// Which pictures have ground truth.
#[derive(Default)]
struct Truths {
    /// Of which list of pictures and which folder this is, and whether the sample's truth counts; `None` to look again.
    of: Option<(Vec<PhotoSource>, Option<PathBuf>, bool)>,
    /// The request that is on its way.
    asked: Option<Asked>,
    files: HashMap<PhotoSource, Truth>,
}

/// Whose scores are kept: the output in use, run in this way.
#[derive(Clone, PartialEq)]
struct Of {
    key: ResultKey,
    /// Classes and choices decide what ids mean.
    reader: TruthReader,
}

/// A picture's scores.
struct Scored {
    mean_iou: Option<f64>,
    /// True class, predicted class and pixels, where there are any.
    cells: Vec<(usize, usize, u64)>,
    /// Pixels without a true class.
    unlabelled: u64,
    /// Why it was not counted.
    failure: Option<String>,
}

/// A true and a predicted class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    truth: u16,
    predicted: u16,
}

/// What is to be seen: errors of a result.
#[derive(Clone, PartialEq)]
struct Wanted {
    key: ResultKey,
    /// Number of the photo.
    photo: u64,
    errors: Errors,
    truth: Truth,
    reader: TruthReader,
}

/// Ground truth and errors of the picture on the canvas.
struct Shown {
    wanted: Wanted,
    truth: Layer,
    errors: Layer,
    confusion: Confusion,
    /// Its ground truth holds only 0 and 255, and 255 means "no class".
    is_mask: bool,
}

/// Labels on their way to the GPU or there.
struct Layer {
    upload: Asked,
    texture: Option<Arc<GpuLabels>>,
}

impl Evaluate {
    /// Gives labels that are on the GPU now to what is shown.
    fn take_texture(&mut self, ticket: &Ticket, texture: &Arc<GpuLabels>) {
        if let Some(shown) = &mut self.shown {
            for layer in [&mut shown.truth, &mut shown.errors] {
                if layer.upload.is(ticket) {
                    layer.texture = Some(texture.clone());
                }
            }
        }
    }

    /// Takes a folder of label maps, or looks beside the pictures again without one.
    fn set_folder(&mut self, folder: Option<PathBuf>) {
        self.folder = folder;
        self.truths.of = None;
        self.truths.files.clear();
        self.forget_scores();
    }

    fn forget_scores(&mut self) {
        self.scored.clear();
        self.waiting.clear();
        self.pending.clear();
        self.run = false;
        self.asked = None;
        self.cell = None;
        self.add_up();
    }

    /// Forgets what is known of a picture, as when its file has changed.
    fn forget(&mut self, source: &PhotoSource) {
        self.asked = None;
        self.shown.take_if(|shown| shown.wanted.key.source == *source);
        self.pending.clear();
        self.scored.remove(source);
        self.add_up();
    }

    /// Makes the sum anew.
    fn add_up(&mut self) {
        self.told = None;
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

    /// Listed pictures with ground truth that have no score, failed ones among them.
    fn unscored(&self) -> impl Iterator<Item = &PhotoSource> {
        self.truths.files.keys().filter(|source| {
            let scored = self.scored.get(source);
            !self.pending.contains_key(*source) && scored.is_none_or(|scored| scored.failure.is_some())
        })
    }

    /// Pictures that have been counted.
    fn counted(&self) -> usize {
        self.scored.values().filter(|scored| scored.failure.is_none()).count()
    }
}
