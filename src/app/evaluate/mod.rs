//! The evaluate workspace: the output in use against ground truth, on this picture and over all open ones.

mod matrix;
mod panel;
mod scoring;
mod view;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use super::App;
use super::gpu::GpuLabels;
use super::results::ResultKey;
use crate::engine::{Errors, PhotoSource, ScoreRequest, Scorer};
use crate::labels::Confusion;

/// What the workspace knows.
#[derive(Default)]
pub(super) struct Evaluate {
    /// `None` until the workspace was opened, and where the system gives no thread.
    scorer: Option<Scorer>,
    /// Requests that did not fit into the thread's queue.
    waiting: VecDeque<ScoreRequest>,
    /// Counts requests.
    requests: u64,
    /// Answers to requests up to this one are about something else.
    forgotten: u64,
    /// Folder of label maps that was chosen.
    folder: Option<PathBuf>,
    truths: Truths,
    /// Whose scores these are.
    of: Option<Of>,
    scored: HashMap<PhotoSource, Scored>,
    /// Sum over the scored pictures.
    total: Option<Confusion>,
    /// What is asked of the matrix.
    cell: Option<Cell>,
    /// Errors of which class are shown; all without one.
    class: Option<u16>,
    /// The masks that are shown in place of errors.
    prediction: bool,
    shown: Option<Shown>,
    /// The request for what is to be shown.
    asked: Option<(u64, Wanted)>,
}

/// Which pictures have ground truth.
#[derive(Default)]
struct Truths {
    /// Of which list of pictures and which folder this is.
    of: (Vec<PhotoSource>, Option<PathBuf>),
    /// Number of the request that is on its way.
    asked: Option<u64>,
    files: HashMap<PhotoSource, PathBuf>,
}

/// Whose scores are kept: the output in use, run in this way.
#[derive(Clone, PartialEq)]
struct Of {
    key: ResultKey,
    /// Class names decide which ids are ignored.
    class_set: String,
}

/// A picture's scores.
struct Scored {
    mean_iou: Option<f64>,
    /// Pixels by true and predicted class, those that there are.
    cells: Vec<(Cell, u64)>,
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
    errors: Errors,
    truth: PathBuf,
}

/// Ground truth and errors of the picture on the canvas.
struct Shown {
    wanted: Wanted,
    /// Number of the photo.
    photo: u64,
    truth: Layer,
    errors: Layer,
    confusion: Confusion,
}

/// Labels on their way to the GPU or there.
struct Layer {
    version: u64,
    texture: Option<Arc<GpuLabels>>,
}

impl Evaluate {
    /// Gives labels that are on the GPU now to what is shown.
    pub(super) fn take_texture(&mut self, version: u64, texture: &Arc<GpuLabels>) {
        if let Some(shown) = &mut self.shown {
            for layer in [&mut shown.truth, &mut shown.errors] {
                if layer.version == version {
                    layer.texture = Some(texture.clone());
                }
            }
        }
    }

    /// Takes a folder of label maps.
    pub(super) fn set_folder(&mut self, folder: PathBuf) {
        self.folder = Some(folder);
        self.forget_scores();
    }

    fn forget_scores(&mut self) {
        self.forgotten = self.requests;
        self.scored.clear();
        self.total = None;
        self.cell = None;
    }

    /// Scored pictures, the worst first, or those with the most pixels in the chosen cell of the matrix.
    fn ranking(&self) -> Vec<(&PhotoSource, f64)> {
        let mut ranking: Vec<(&PhotoSource, f64)> = match self.cell {
            None => self
                .scored
                .iter()
                .filter_map(|(source, scored)| Some((source, scored.mean_iou?)))
                .collect(),
            Some(cell) => self
                .scored
                .iter()
                .filter_map(|(source, scored)| {
                    let (_, count) = scored.cells.iter().find(|(other, _)| *other == cell)?;
                    Some((source, *count as f64))
                })
                .collect(),
        };
        ranking.sort_by(|a, b| {
            let order = a.1.total_cmp(&b.1);
            let order = if self.cell.is_some() { order.reverse() } else { order };
            order.then_with(|| a.0.name().cmp(&b.0.name()))
        });
        ranking
    }
}

impl App {
    /// Opens the workspace.
    pub(super) fn enter_evaluate(&mut self, context: &egui::Context) {
        if self.evaluate.scorer.is_none() {
            let context = context.clone();
            let wake = Box::new(move || context.request_repaint());
            self.evaluate.scorer = Scorer::start(wake)
                .inspect_err(|why| log::error!(target: "segscope", "the system gives no thread for scoring ({why})"))
                .ok();
        }
    }

    /// Whether a picture with ground truth has no score yet.
    pub(super) fn can_score(&self) -> bool {
        self.evaluate.scored.len() < self.evaluate.truths.files.len()
    }

    /// Leaves it; scores stay.
    pub(super) fn leave_evaluate(&mut self) {
        self.evaluate.shown = None;
        self.evaluate.asked = None;
    }
}
