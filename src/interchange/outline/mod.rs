//! Regions as polygons that come back exactly, and polygons as the pixels that their readers fill.

pub mod border;
pub mod crack;
pub mod fill;
pub mod painter;
