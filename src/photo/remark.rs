//! Remarks on how an image was read.

use std::fmt::{self, Display, Formatter};

/// A remark on how an image was read. Its text is part of a sentence about the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhotoRemark {
    /// The file ends after its last pixel, before its end marker.
    NoEndMarker,
    /// The 16-bit samples use only a few bits, as 10-bit or 12-bit scanners and cameras write them.
    FewBits {
        /// Number of bits of the largest sample.
        bits: u32,
    },
    /// The values were stretched to the range from black to white.
    Stretched {
        /// The smallest and the largest value, such as `-3 to 812`.
        range: String,
    },
    /// The file has bands besides its colours.
    BandsLeftOut {
        /// Number of bands that were ignored.
        count: usize,
    },
}

impl Display for PhotoRemark {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEndMarker => f.write_str("its end marker is missing, but no pixels are"),
            Self::FewBits { bits } => write!(
                f,
                "only the lowest {bits} of its 16 bits are used, so it looks nearly black"
            ),
            Self::Stretched { range } => write!(f, "its values from {range} are shown from black to white"),
            Self::BandsLeftOut { count: 1 } => f.write_str("it has a band besides its colours, which is ignored"),
            Self::BandsLeftOut { count } => {
                write!(f, "it has {count} bands besides its colours, which are ignored")
            }
        }
    }
}
