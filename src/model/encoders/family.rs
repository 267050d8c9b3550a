//! The interface of encoder specs.

use super::super::spec::SpecError;
use super::super::tensors::TensorList;
use super::super::weights::HostTensor;
use super::EncoderSpec;

/// Sizes of one of an encoder's output maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelSpec {
    /// Distance between two cells in pixels.
    pub stride: usize,
    /// Number of values per cell.
    pub channels: usize,
}

/// Sizes of the attention of an encoder in which all patches attend to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionSpec {
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Number of layers with attention.
    pub layers: usize,
    /// Number of heads in each layer.
    pub heads: usize,
    /// Width of a token.
    pub width: usize,
    /// Number of tokens that are not patches.
    pub extra: usize,
}

impl AttentionSpec {
    /// Number of patches in a window of these sides in pixels.
    pub fn patches(&self, window: [usize; 2]) -> usize {
        cells(window, self.patch)
    }
}

/// Number of squares of `stride` pixels a side that cover a window of these sides in pixels.
pub(in crate::model) fn cells(window: [usize; 2], stride: usize) -> usize {
    window.map(|side| side.div_ceil(stride)).iter().product()
}

/// Sizes with which to continue the training of an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refit {
    /// Side of a patch in pixels; families without patches ignore it.
    pub patch: usize,
    /// Side of the training images in pixels.
    pub crop: usize,
    /// Whether some decoder reads the output of the final norm.
    pub final_norm: bool,
}

/// Why an encoder cannot be trained with these sizes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefitError {
    /// The patch size cannot be derived from the encoder's.
    #[error("patch: expected the backbone's {own}, a multiple or a divisor of it, found {found}")]
    Patch {
        /// The encoder's patch size.
        own: usize,
        /// The requested patch size.
        found: usize,
    },
    /// The crop is not a multiple of the patch size.
    #[error("crop: expected a multiple of the patch {patch}, found {crop}")]
    Crop {
        /// The patch size.
        patch: usize,
        /// The crop.
        crop: usize,
    },
}

/// The interface that the encoder spec of each family implements: titles, sizes, tensors and cost. [`EncoderSpec`]
/// documents the functions. Windows are two sides in pixels, in either order.
pub(super) trait EncoderFamily {
    fn title(&self) -> String;

    fn title_parts(&self) -> [String; 2];

    fn described(&self) -> Vec<(&'static str, String)>;

    fn multiple(&self) -> usize;

    fn layers(&self) -> usize;

    fn levels(&self) -> Vec<LevelSpec>;

    fn attention(&self) -> Option<AttentionSpec> {
        None
    }

    fn trained_size(&self) -> Option<[usize; 2]> {
        None
    }

    fn products(&self, window: [usize; 2]) -> f64;

    fn feature_bytes(&self, window: [usize; 2], taps: usize) -> usize;

    /// Adds its tensors to `list`; their names start with `encoder.`.
    fn tensors(&self, list: &mut TensorList);

    fn check(&self) -> Result<(), SpecError>;

    fn has_final_norm(&self) -> bool;

    fn with_final_norm(&self, is_there: bool) -> EncoderSpec;

    fn refit(&self, refit: &Refit) -> Result<EncoderSpec, RefitError>;

    fn refit_tensor(&self, to: &EncoderSpec, name: &str, stored: HostTensor) -> HostTensor;
}
