//! What the thread finds in labels and photos while no edit and no label file waits.

use std::path::PathBuf;
use std::sync::Arc;

use crate::annotate::tools::{Cells, Changes, PatchValues, Specks, grown, shrunk, smoothed};
use crate::annotate::{Checks, UNLABELLED};
use crate::labels::LabelMap;
use crate::photo::Photo;
use crate::segment::Prediction;

/// How the borders between classes are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BorderMove {
    /// A class grows by pixels.
    Grow(u16, usize),
    /// A class shrinks by pixels.
    Shrink(u16, usize),
    /// Each pixel takes the most frequent class around it, in a square that reaches this many pixels on each side.
    Smooth(usize),
}

impl BorderMove {
    /// The pixels that change.
    pub fn changes(self, map: &LabelMap) -> Changes {
        match self {
            Self::Grow(class, by) => grown(map, class, by),
            Self::Shrink(class, by) => shrunk(map, class, by),
            Self::Smooth(reach) => smoothed(map, reach),
        }
    }
}

/// Something to find. A newer one of the same kind takes its place.
#[derive(Clone, Debug)]
pub enum Find {
    /// The specks of the labels of an image.
    Specks {
        /// The image.
        image: PathBuf,
        /// Their largest size in pixels.
        most: u64,
        /// Number of the last edit, which comes back.
        number: u64,
    },
    /// What changes when borders move.
    Borders {
        /// The image.
        image: PathBuf,
        /// How they move.
        how: BorderMove,
        /// Number of the last edit, which comes back.
        number: u64,
    },
    /// What should be looked at before the labels of an image are exported.
    Checks {
        /// The image.
        image: PathBuf,
        /// Ids that have a class.
        ids: Vec<u16>,
        /// The prediction, and the id that each of its classes is taken as.
        predicted: Option<(Arc<Prediction>, Vec<Option<u16>>)>,
        /// Number of the last edit, which comes back.
        number: u64,
    },
    /// The superpixels of a photo.
    Cells {
        /// The photo.
        photo: Arc<Photo>,
        /// Number of the photo, which comes back.
        id: u64,
        /// How many pixels a cell is across.
        side: usize,
        /// Features of the model's patches, each about 0..=1; none for cells by colour alone.
        tokens: Vec<PatchValues>,
    },
}

/// What was found.
#[derive(Clone, Debug)]
pub enum Found {
    /// Answers [`Find::Specks`], whose fields come back.
    Specks {
        /// The image.
        image: PathBuf,
        /// Their largest size in pixels.
        most: u64,
        /// Number of the last edit when they were asked for.
        number: u64,
        /// The specks.
        specks: Specks,
    },
    /// Answers [`Find::Borders`].
    Borders {
        /// The image.
        image: PathBuf,
        /// How the borders move.
        how: BorderMove,
        /// Number of the last edit when it was asked for.
        number: u64,
        /// The pixels that change.
        changes: Changes,
    },
    /// Answers [`Find::Checks`].
    Checks {
        /// The image.
        image: PathBuf,
        /// Number of the last edit when it was asked for.
        number: u64,
        /// What was found.
        checks: Checks,
    },
    /// Answers [`Find::Cells`].
    Cells {
        /// Number of the photo.
        id: u64,
        /// How many pixels a cell is across.
        side: usize,
        /// Whether they follow the tokens, too.
        by_tokens: bool,
        /// The cells.
        cells: Arc<Cells>,
    },
}

impl Find {
    /// Finds it. `labels_of` gives the labels of an image that is open; `None` if there are none.
    pub(super) fn run<'a>(self, labels_of: impl Fn(&PathBuf) -> Option<&'a LabelMap>) -> Option<Found> {
        Some(match self {
            Self::Specks { image, most, number } => Found::Specks {
                specks: Specks::of(labels_of(&image)?, most),
                image,
                most,
                number,
            },
            Self::Borders { image, how, number } => Found::Borders {
                changes: how.changes(labels_of(&image)?),
                image,
                how,
                number,
            },
            Self::Checks {
                image,
                ids,
                predicted,
                number,
            } => {
                let predicted = predicted.map(|(prediction, ids)| {
                    let id_of = |class: &u16| ids.get(usize::from(*class)).copied().flatten().unwrap_or(UNLABELLED);
                    prediction.labels.map.ids.iter().map(id_of).collect::<Vec<u16>>()
                });
                let checks = Checks::of(labels_of(&image)?, |id| ids.contains(&id), predicted.as_deref());
                Found::Checks { image, number, checks }
            }
            Self::Cells {
                photo,
                id,
                side,
                tokens,
            } => Found::Cells {
                id,
                side,
                by_tokens: !tokens.is_empty(),
                cells: Arc::new(Cells::of(&photo, side, &tokens)),
            },
        })
    }
}
