//! What a person should know about how a picture was read.

use std::fmt::{self, Display, Formatter};

/// What a person should know about how a picture was read. Its text is a part of a sentence about the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhotoRemark {
    /// The file ends after its last pixel, before its end marker.
    NoEndMarker,
    /// Samples of 16 bits hold few bits, as scanners and cameras of 10 or 12 bits write them.
    FewBits {
        /// How many bits the largest sample has.
        bits: u32,
    },
    /// Values that are no brightness from 0 to 1 were stretched.
    Stretched {
        /// From the smallest value to the largest, such as `-3 to 812`.
        range: String,
    },
    /// The file has more bands than its colours.
    BandsLeftOut {
        /// How many were not used.
        count: usize,
    },
}

impl Display for PhotoRemark {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEndMarker => f.write_str("its end marker is missing; every pixel is there"),
            Self::FewBits { bits } => write!(
                f,
                "only the lowest {bits} of its 16 bits are used, so it looks nearly black"
            ),
            Self::Stretched { range } => write!(f, "its values from {range} were stretched to black and white"),
            Self::BandsLeftOut { count: 1 } => f.write_str("it has a band beside its colours, which was left out"),
            Self::BandsLeftOut { count } => {
                write!(f, "it has {count} bands beside its colours, which were left out")
            }
        }
    }
}
