//! Which files an export of attention maps has, and how the maps are drawn.

use crate::export::{ColorMap, Curve, FigureFormat, Ground};
use crate::photo::Photo;

/// How attention maps are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FigureStyle {
    /// Opacity of the colours over the image, 0..=1.
    pub opacity: f32,
    /// What the photo looks like under them.
    pub ground: Ground,
    /// Colour map, from small to large values.
    pub colors: ColorMap,
    /// Curve that is applied to values before they are coloured.
    pub curve: Curve,
    /// Interpolate between patches.
    pub smooth: bool,
    /// Scale each map to its own largest value, instead of all maps to a common one.
    pub own_scale: bool,
    /// Factor by which the sides are enlarged, from 1 to [`FigureStyle::MAX_ZOOM`]; reduced where the result would
    /// have more than 67 megapixels.
    pub zoom: usize,
    /// Write a title above each image and draw the colour scale beside it.
    pub caption: bool,
    /// The kind of file of the figures.
    pub format: FigureFormat,
    /// File format of the values.
    pub numbers: NumberFormat,
}

/// File format for the values of attention maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum NumberFormat {
    /// NumPy array.
    #[default]
    Npy,
    /// Safetensors file; the tensor is called `maps`.
    Safetensors,
}

impl NumberFormat {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Npy, Self::Safetensors];

    /// Name shown to the user.
    pub fn title(self) -> &'static str {
        match self {
            Self::Npy => "NumPy",
            Self::Safetensors => "Safetensors",
        }
    }

    /// File extension, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Safetensors => "safetensors",
        }
    }
}

impl FigureStyle {
    /// Maximum zoom.
    pub const MAX_ZOOM: usize = 4;

    /// Maximum number of pixels of an enlarged image.
    const MAX_PIXELS: usize = 1 << 26;

    /// The zoom for a photo: reduced where the enlarged image would be too large.
    pub(super) fn zoom_for(&self, photo: &Photo) -> usize {
        let fits = |zoom: &usize| photo.width * photo.height * zoom * zoom <= Self::MAX_PIXELS;
        let wanted = self.zoom.clamp(1, Self::MAX_ZOOM);
        (1..=wanted).rev().find(fits).unwrap_or(1)
    }
}

/// Which of the files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FigureContents {
    /// The figure of the map on the screen.
    pub shown: bool,
    /// The figures of the other maps: all heads of the layer, their mean and their maximum.
    pub others: bool,
    /// The values of all maps, and their description.
    pub values: bool,
}

impl FigureContents {
    /// Every file.
    pub const ALL: Self = Self {
        shown: true,
        others: true,
        values: true,
    };
}
