//! The kinds of files that can be exported.

use serde::{Deserialize, Serialize};

/// A kind of file that can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Class ids as an indexed PNG (16-bit grey above 256 classes)
    Labels,
    /// The colour of each pixel's class as an RGB PNG
    Color,
    /// The class colours over the image
    Overlay,
    /// One black-and-white PNG per class that occurs
    Classes,
    /// The confidence as a 16-bit grey PNG
    Confidence,
}

impl Format {
    /// Every format, in the order in which they are offered and written.
    pub const ALL: [Self; 5] = [
        Self::Labels,
        Self::Color,
        Self::Overlay,
        Self::Classes,
        Self::Confidence,
    ];

    /// Name shown to the user.
    pub fn title(self) -> &'static str {
        match self {
            Self::Labels => "Label map",
            Self::Color => "Colour map",
            Self::Overlay => "Overlay",
            Self::Classes => "One mask per class",
            Self::Confidence => "Confidence",
        }
    }

    /// Explanation of the files' content, in one line.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Labels => "Class ids as an indexed PNG; 16-bit grey above 256 classes",
            Self::Color => "The colour of each pixel's class",
            Self::Overlay => "The class colours laid over the photo",
            Self::Classes => "A black and white PNG for each class that occurs",
            Self::Confidence => "16-bit grey PNG; white where the network is certain",
        }
    }

    /// The content in two or three words, such as `class ids`.
    pub fn content(self) -> &'static str {
        match self {
            Self::Labels => "class ids",
            Self::Color => "class colours",
            Self::Overlay => "over the photo",
            Self::Classes => "black and white",
            Self::Confidence => "16-bit grey",
        }
    }

    /// Folder of the files of this format, inside the output folder.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Color => "color",
            Self::Overlay => "overlay",
            Self::Classes => "classes",
            Self::Confidence => "confidence",
        }
    }
}
