//! What every decoder says of itself.

use super::super::encoders::LevelSpec;
use super::super::spec::{ModelSpec, SpecError};
use super::super::tensors::TensorList;

/// What a decoder reads of an encoder's features.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Levels that it reads as maps, by number; the finest is 0.
    pub levels: Vec<usize>,
    /// Whether it reads the tokens behind the last layer and the final norm.
    pub tokens: bool,
    /// Layers, from 0, whose tokens it reads before any final norm.
    pub taps: Vec<usize>,
}

/// Whose decoder it is: how a model with it is called, and how it is tested where its file does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// Segmenter (arXiv 2105.05633).
    Segmenter,
    /// SETR (arXiv 2012.15840).
    Setr,
}

impl Paper {
    /// What its authors call a model: `Seg-T-Mask/16`, `SETR-PUP-L/16`. `variant` is that of the encoder, and `end`
    /// what stands behind everything.
    pub(in crate::model) fn title(self, decoder: &str, variant: &str, end: &str) -> String {
        match self {
            Self::Segmenter => format!("Seg-{variant}-{decoder}{end}"),
            Self::Setr => format!("SETR-{decoder}-{variant}{end}"),
        }
    }
}

/// What surrounds a decoder, for sizes that follow from it.
pub(in crate::model) struct Inputs {
    /// The encoder's maps, the finest first.
    pub(in crate::model) levels: Vec<LevelSpec>,
    /// Width of a token, where the encoder has tokens.
    pub(in crate::model) token_width: Option<usize>,
    /// Layers of the encoder.
    pub(in crate::model) layers: usize,
    pub(in crate::model) classes: usize,
}

impl Inputs {
    pub(in crate::model) fn of(spec: &ModelSpec) -> Self {
        Self {
            levels: spec.encoder.levels(),
            token_width: spec.encoder.attention().map(|attention| attention.width),
            layers: spec.encoder.layers(),
            classes: spec.classes,
        }
    }

    /// Channels of the last level; for an encoder with tokens the width of one.
    pub(super) fn width(&self) -> usize {
        self.levels.last().map_or(0, |level| level.channels)
    }

    /// Cells of the last level in a window of these sides in pixels.
    pub(in crate::model) fn cells(&self, window: [usize; 2]) -> usize {
        window.map(|side| side.div_ceil(self.stride())).iter().product()
    }

    /// Pixels between two cells of the last level; for an encoder with tokens the side of a patch.
    pub(in crate::model) fn stride(&self) -> usize {
        self.levels.last().map_or(1, |level| level.stride)
    }
}

/// What every decoder says of itself. `auxiliary` is the number of an auxiliary head, or `None` for the main one, and
/// cells are those of the encoder's last level.
pub(in crate::model) trait Head {
    /// The name that papers use: `Mask`, `PUP`.
    fn title(&self) -> &'static str;

    /// Whose it is.
    fn paper(&self) -> Paper;

    /// Kind and sizes for people, without auxiliary heads.
    fn described(&self) -> String;

    /// What it reads of the features.
    fn needs(&self) -> Needs;

    /// Whether it has batch norms, which in training normalise by the whole batch.
    fn has_batch_norm(&self) -> bool;

    /// The layer of the encoder, from 0, that each auxiliary head looks at.
    fn auxiliary_layers(&self) -> Vec<usize> {
        Vec::new()
    }

    /// Channels of its first convolution, where it has convolutions of a size to be chosen.
    fn channels(&self) -> Option<usize> {
        None
    }

    /// Steps of a run of one of its heads, for progress.
    fn steps(&self, auxiliary: Option<usize>) -> usize;

    /// Adds its tensors, whose names begin with `prefix` and a dot.
    fn tensors(&self, prefix: &str, inputs: &Inputs, list: &mut TensorList);

    /// Products of one of its heads over so many cells.
    fn products(&self, auxiliary: Option<usize>, inputs: &Inputs, cells: f64) -> f64;

    /// Logits per cell and side that one of its heads puts out, on cells of `stride` pixels; `left_out` when the last
    /// upsampling is left to whoever resizes the logits, where it can be.
    fn logits_per_cell(&self, _auxiliary: Option<usize>, _stride: usize, _left_out: bool) -> usize {
        1
    }

    /// Values per cell of the largest map on the way to the logits of one of its heads, at most.
    fn largest_map(&self, _auxiliary: Option<usize>) -> usize {
        0
    }

    /// Checks that its sizes are possible and within bounds.
    fn check(&self, inputs: &Inputs) -> Result<(), SpecError>;
}
