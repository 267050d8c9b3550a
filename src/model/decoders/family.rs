//! The interface of decoder specs, and the inputs that their sizes depend on.

use super::super::encoders::{LevelSpec, cells};
use super::super::spec::{ModelSpec, SpecError};
use super::super::tensors::TensorList;

/// The encoder features that a decoder reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Levels that it reads as maps, by index; the finest is 0.
    pub levels: Vec<usize>,
    /// Whether it reads the tokens after the last layer and the final norm.
    pub tokens: bool,
    /// Layers, from 0, whose tokens it reads before any final norm.
    pub taps: Vec<usize>,
}

/// The paper that a decoder is from. It determines the title of a model, and its inference settings if its file has
/// none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// Segmenter (arXiv 2105.05633).
    Segmenter,
    /// SETR (arXiv 2012.15840).
    Setr,
}

impl Paper {
    /// The title of a model as its authors write it: `Seg-T-Mask/16`, `SETR-PUP-L/16`. `variant` is that of the
    /// encoder, and `end` the end of the title.
    pub(in crate::model) fn title(self, decoder: &str, variant: &str, end: &str) -> String {
        match self {
            Self::Segmenter => format!("Seg-{variant}-{decoder}{end}"),
            Self::Setr => format!("SETR-{decoder}-{variant}{end}"),
        }
    }
}

/// Sizes of the encoder and number of classes, from which sizes of a decoder follow.
pub(in crate::model) struct Inputs {
    /// The encoder's maps, the finest first.
    pub(in crate::model) levels: Vec<LevelSpec>,
    /// Width of a token, if the encoder has tokens.
    pub(in crate::model) token_width: Option<usize>,
    /// Number of layers of the encoder.
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

    /// Channels of the last level; for an encoder with tokens the width of a token.
    pub(in crate::model) fn width(&self) -> usize {
        self.levels.last().map_or(0, |level| level.channels)
    }

    /// Number of cells of the last level in a window of these sides in pixels.
    pub(in crate::model) fn cells(&self, window: [usize; 2]) -> usize {
        cells(window, self.stride())
    }

    /// Distance between two cells of the last level in pixels; for an encoder with tokens the side of a patch.
    pub(in crate::model) fn stride(&self) -> usize {
        self.levels.last().map_or(1, |level| level.stride)
    }
}

/// The interface that each decoder spec implements: titles, features, tensors and cost. `auxiliary` is the index of an
/// auxiliary head, or `None` for the main one, and cells are those of the encoder's last level.
pub(in crate::model) trait DecoderFamily {
    /// The name that papers use: `Mask`, `PUP`.
    fn title(&self) -> &'static str;

    /// The paper that the decoder is from.
    fn paper(&self) -> Paper;

    /// Kind and sizes as text, without auxiliary heads.
    fn described(&self) -> String;

    /// The features that it reads.
    fn needs(&self) -> Needs;

    /// Whether it has batch norms, which in training normalise by the whole batch.
    fn has_batch_norm(&self) -> bool;

    /// The layer of the encoder, from 0, that each auxiliary head reads.
    fn auxiliary_layers(&self) -> Vec<usize> {
        Vec::new()
    }

    /// Channels of its first convolution, if the size of its convolutions can be chosen.
    fn channels(&self) -> Option<usize> {
        None
    }

    /// Number of steps in a run of one of its heads, for progress.
    fn steps(&self, auxiliary: Option<usize>) -> usize;

    /// Adds its tensors to `list`; their names start with `prefix` and a dot.
    fn tensors(&self, prefix: &str, inputs: &Inputs, list: &mut TensorList);

    /// Number of multiplications of one of its heads over `cells` cells.
    fn products(&self, auxiliary: Option<usize>, inputs: &Inputs, cells: f64) -> f64;

    /// Logits of one of its heads per cell and side, for cells of `stride` pixels. `left_out` is whether the head
    /// leaves out its last upsampling where it can, for the caller to do when it resizes the logits.
    fn logits_per_cell(&self, _auxiliary: Option<usize>, _stride: usize, _left_out: bool) -> usize {
        1
    }

    /// Upper bound on the values per cell of the largest map that one of its heads computes.
    fn largest_map(&self, _auxiliary: Option<usize>) -> usize {
        0
    }

    /// Checks that its sizes are possible and within bounds.
    fn check(&self, inputs: &Inputs) -> Result<(), SpecError>;
}
