//! Reads what is scored.

use anyhow::Result;

use crate::cli::open_photo;
use crate::cli::printing::err;
use crate::cli::reading_ahead::ReadAhead;
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
    pub(super) fn read_ahead(&self, pair: &Pair, truths: &TruthReader) -> ReadAhead<Result<Scored>> {
        match self {
            Self::Photos { classes, .. } => ReadAhead::of(&pair.file, (*classes, None), || self.read(pair, truths)),
            Self::Predictions(_) => ReadAhead::Here(self.read(pair, truths)),
        }
    }

    /// Reads a pair.
    pub(super) fn read(&self, pair: &Pair, truths: &TruthReader) -> Result<Scored> {
        let (input, size) = match self {
            Self::Photos { classes, opening } => {
                let photo = open_photo(&pair.file, *opening, (*classes, None), &|line| err!("segscope: {line}"))?;
                let size = [photo.width, photo.height];
                (Input::Photo(photo), size)
            }
            Self::Predictions(reader) => {
                let map = reader.read(&pair.file)?;
                let size = [map.width, map.height];
                (Input::Prediction(map), size)
            }
        };
        let truth = truths.read(&pair.truth, Some(size))?.map;
        Ok(Scored { input, truth })
    }
}
