//! How far and how sharply each head looks in one of many pictures.

use super::picture::PhotoSource;
use crate::attention::{HeadStatistics, Inside, Part, uniform_distance};
use crate::model::Output;
use crate::segment::Settings;

/// A picture to look into.
#[derive(Clone, Debug)]
pub struct HeadsJob {
    /// The picture.
    pub source: PhotoSource,
    /// Number of an open model.
    pub model: u64,
    /// One of its outputs.
    pub output: Output,
    /// How it is run.
    pub settings: Settings,
}

/// Figures of all heads in one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadsOfPicture {
    /// Of the encoder.
    pub encoder: HeadStatistics,
    /// Of the mask transformer; empty without one.
    pub decoder: HeadStatistics,
    /// The distance of a head that looks everywhere alike, in pixels.
    pub uniform: f64,
}

impl HeadsOfPicture {
    /// Of what a pass has kept; `None` as soon as `go_on`, which is asked before each block, says no.
    pub fn of(inside: &Inside, go_on: impl Fn() -> bool) -> Option<Self> {
        Some(Self {
            encoder: inside.head_statistics(Part::Encoder, &go_on)?,
            decoder: inside.head_statistics(Part::Decoder, &go_on)?,
            uniform: uniform_distance(inside.grid, inside.patch),
        })
    }
}
