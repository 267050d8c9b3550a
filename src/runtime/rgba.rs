//! Pictures as clipboards take them.

use crate::photo::Photo;

/// A picture as clipboards take it.
#[derive(Clone, Debug)]
pub struct Rgba {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green, blue and 255 of each pixel, row by row.
    pub bytes: Vec<u8>,
}

impl From<&Photo> for Rgba {
    fn from(photo: &Photo) -> Self {
        let pixels = photo.rgb.as_chunks().0.iter();
        Self {
            width: photo.width,
            height: photo.height,
            bytes: pixels.flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect(),
        }
    }
}
