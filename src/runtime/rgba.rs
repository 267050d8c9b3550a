//! Images in the format of the clipboard.

use crate::photo::Photo;

/// An RGBA image for the clipboard.
#[derive(Clone, Debug)]
pub struct Rgba {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
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
