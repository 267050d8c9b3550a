//! How an image is normalised, scaled and cut into windows.

use serde::{Deserialize, Serialize};

/// Mean and standard deviation per channel, for RGB scaled to 0..1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    /// Subtracted first.
    pub mean: [f32; 3],
    /// Divided by second.
    pub std: [f32; 3],
}

impl Normalisation {
    /// `vit`: 0.5 everywhere (rstrudel segm/data/utils.py).
    pub const VIT: Self = Self {
        mean: [0.5; 3],
        std: [0.5; 3],
    };
    /// The ImageNet statistics: `deit` in rstrudel segm/data/utils.py, and every SETR configuration.
    pub const IMAGENET: Self = Self {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
    };
}

/// How an image is scaled and cut into windows, and how its classes are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InferenceSpec {
    /// Side of the square window in pixels.
    pub window: usize,
    /// Distance between windows in pixels.
    pub stride: usize,
    /// Length in pixels to which the short side of a larger image is reduced; `None` keeps its size.
    pub short_side: Option<usize>,
    /// How images and windows of unusual sizes are treated.
    #[serde(default)]
    pub rules: WindowRules,
    /// Whether an image is cut into windows at all.
    #[serde(default, skip_serializing_if = "WindowMode::is_slide")]
    pub mode: WindowMode,
    /// Only for two classes, for a network whose decoder had one output channel: a pixel is of class 1 where the
    /// probability of class 1 is above this, else of class 0. Without it the most probable class wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// What fills up windows that are not whole patches.
    #[serde(default, skip_serializing_if = "Padding::is_zero")]
    pub padding: Padding,
}

impl InferenceSpec {
    /// Whether the padding of a window is cropped off the enlarged logits, as Segmenter's and SETR's authors do,
    /// instead of being resized with them, as in mmsegmentation. This belongs to the network, independent of what is
    /// chosen for small images.
    pub fn crops_padding(&self) -> bool {
        self.rules == WindowRules::Enlarge
    }
}

/// Whether the network sees an image in windows or all at once (`test_cfg.mode` of mmsegmentation).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WindowMode {
    /// Windows of one size, whose logits are averaged where they overlap.
    #[default]
    Slide,
    /// One window, the whole resized image.
    Whole,
}

impl WindowMode {
    /// Whether images are cut into windows, as in most systems.
    pub fn is_slide(&self) -> bool {
        *self == Self::Slide
    }
}

/// What fills up a window that is not a whole number of patches, at its right and bottom edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Padding {
    /// Zeros after normalisation (rstrudel segm/model/utils.py, `padding`).
    #[default]
    Zero,
    /// The window's last column and row, repeated: how taught decoders are run.
    Edge,
}

impl Padding {
    /// Whether it is that of all published systems.
    pub fn is_zero(&self) -> bool {
        *self == Self::Zero
    }
}

/// Rules for unusual sizes, which differ between the codebases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WindowRules {
    /// An image smaller than the window is enlarged to it; a window that is not a multiple of the patch is padded, and
    /// the padding is cropped off the logits (rstrudel segm/model/utils.py; official SETR enlarges too).
    #[default]
    Enlarge,
    /// An image smaller than the window is one smaller window; the logits of a padded window are resized to the window
    /// (mmsegmentation models/segmentors/encoder_decoder.py).
    Shrink,
}
