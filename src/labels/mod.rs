//! Label maps and class sets, as plain data.

mod agreement;
mod class_set;
mod color_vision;
mod confusion;
mod label_map;
mod label_png;
mod palette;
mod photo_palette;
mod regions;

pub use agreement::{Agreement, BOUNDARY_PIXELS};
pub use class_set::{Class, ClassSet};
pub use confusion::{ClassScore, Confusion};
pub use label_map::{LabelMap, LabelMapError, OpenLabelsError};
pub use label_png::LabelPng;
pub use palette::color_blind_safe;
pub use photo_palette::{photo_palette, photo_palette_repeats};
pub use regions::{Region, Regions};
