//! Reads what is scored.

use anyhow::Result;

use crate::cli::printing::err;
use crate::cli::reading_ahead::ReadAhead;
use crate::cli::{memory_need, open_needing, open_photo};
use crate::datasets::{Pair, PredictionReader, TruthReader};
use crate::labels::LabelMap;
use crate::photo::{OpenOptions, Photo};

/// What a model, or another program, has for a pair.
pub(super) enum Input {
    Photo(Photo),
    Prediction(LabelMap),
}

/// An input with its ground truth.
pub(super) struct Scored {
    pub(super) input: Input,
    pub(super) truth: LabelMap,
}

/// Reads inputs, also on other threads.
pub(super) enum Inputs {
    /// Images for a model with this number of classes.
    Photos { classes: usize, opening: OpenOptions },
    /// Files that are predictions.
    Predictions(PredictionReader),
}

impl Inputs {
    /// Reads a pair ahead of its use.
    pub(super) fn read_ahead(&self, pair: &Pair, truths: &TruthReader) -> ReadAhead<Scored> {
        match self {
            Self::Photos { classes, opening } => {
                let need = memory_need(&pair.file, (*classes, None));
                ReadAhead::of(&pair.file, need, |need| {
                    let photo = open_needing(&pair.file, need, *opening, &say)?;
                    Input::Photo(photo).with_truth(pair, truths)
                })
            }
            Self::Predictions(_) => ReadAhead::Here(self.read(pair, truths)),
        }
    }

    /// Reads a pair.
    pub(super) fn read(&self, pair: &Pair, truths: &TruthReader) -> Result<Scored> {
        let input = match self {
            Self::Photos { classes, opening } => {
                Input::Photo(open_photo(&pair.file, *opening, (*classes, None), &say)?)
            }
            Self::Predictions(reader) => Input::Prediction(reader.read(&pair.file)?),
        };
        input.with_truth(pair, truths)
    }
}

impl Input {
    fn with_truth(self, pair: &Pair, truths: &TruthReader) -> Result<Scored> {
        let size = match &self {
            Self::Photo(photo) => [photo.width, photo.height],
            Self::Prediction(map) => [map.width, map.height],
        };
        let truth = truths.read(&pair.truth, Some(size))?.map;
        Ok(Scored { input: self, truth })
    }
}

fn say(line: &str) {
    err!("segscope: {line}");
}
