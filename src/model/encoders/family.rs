//! What every encoder says of itself.

use super::super::spec::SpecError;
use super::super::tensors::TensorList;
use super::super::weights::HostTensor;
use super::EncoderSpec;

/// Sizes of one map that an encoder puts out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelSpec {
    /// Pixels between two of its cells.
    pub stride: usize,
    /// Values per cell.
    pub channels: usize,
}

/// Sizes of the attention of an encoder in which all patches look at each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionSpec {
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Layers with attention.
    pub layers: usize,
    /// Heads in each.
    pub heads: usize,
    /// Width of a token.
    pub width: usize,
    /// Tokens that are no patches.
    pub extra: usize,
}

impl AttentionSpec {
    /// Patches in a window of these sides in pixels.
    pub fn patches(&self, window: [usize; 2]) -> usize {
        window.map(|side| side.div_ceil(self.patch)).iter().product()
    }
}

/// How an encoder is to be trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refit {
    /// Side of a patch in pixels; families without patches have no use for it.
    pub patch: usize,
    /// Side of the pictures in pixels.
    pub crop: usize,
    /// Whether some decoder takes what comes out of its final norm.
    pub final_norm: bool,
}

/// Why an encoder cannot be trained so.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefitError {
    /// The patch cannot be made from the encoder's own.
    #[error("patch: expected the backbone's {own}, or a multiple or a whole part of it, found {found}")]
    Patch {
        /// The encoder's.
        own: usize,
        /// What was wanted.
        found: usize,
    },
    /// The crop is no multiple of the patch.
    #[error("crop: expected a multiple of the patch {patch}, found {crop}")]
    Crop {
        /// The patch.
        patch: usize,
        /// The crop.
        crop: usize,
    },
}

/// What every encoder says of itself; [`EncoderSpec`] has the same for everybody. Windows are width and height in pixels,
/// or height and width: it makes no difference.
pub(super) trait Family {
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

    /// Adds its tensors, whose names begin with `encoder.`.
    fn tensors(&self, list: &mut TensorList);

    fn check(&self) -> Result<(), SpecError>;

    fn has_final_norm(&self) -> bool;

    fn with_final_norm(&self, is_there: bool) -> EncoderSpec;

    fn refit(&self, refit: &Refit) -> Result<EncoderSpec, RefitError>;

    fn refit_tensor(&self, to: &EncoderSpec, name: &str, stored: HostTensor) -> HostTensor;
}
