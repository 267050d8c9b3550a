//! Text and rectangles drawn on images.

use super::glyphs;
use crate::photo::Photo;

/// Grey of an empty image.
const PAPER: u8 = 255;

/// Colour of text.
pub(super) const INK: [u8; 3] = [32; 3];

/// An empty image.
pub(super) fn paper(width: usize, height: usize) -> Photo {
    Photo::new(width, height, vec![PAPER; 3 * width * height])
}

/// Writes a line of text whose top left is `at`; a dot of a letter is `scale` pixels.
pub(super) fn write(canvas: &mut Photo, at: [usize; 2], scale: usize, text: &str) {
    for (i, character) in text.chars().enumerate() {
        for (down, line) in glyphs::lines(character).iter().enumerate() {
            for across in (0..glyphs::WIDTH).filter(|across| line >> (glyphs::WIDTH - 1 - across) & 1 == 1) {
                let dot = [at[0] + (i * glyphs::ADVANCE + across) * scale, at[1] + down * scale];
                fill(canvas, dot, [scale; 2], INK);
            }
        }
    }
}

/// Fills the part of a rectangle that is inside the image.
pub(super) fn fill(canvas: &mut Photo, at: [usize; 2], size: [usize; 2], color: [u8; 3]) {
    let across = |x: usize| x.min(canvas.width);
    let (left, right) = (across(at[0]), across(at[0] + size[0]));
    for y in at[1]..(at[1] + size[1]).min(canvas.height) {
        let start = y * canvas.width;
        if let Some(line) = canvas.rgb.get_mut(3 * (start + left)..3 * (start + right)) {
            line.as_chunks_mut::<3>().0.fill(color);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_outside_is_clipped() {
        let mut canvas = paper(4, 3);
        fill(&mut canvas, [3, 2], [9, 9], INK);
        fill(&mut canvas, [40, 20], [9, 9], INK);
        assert_eq!(canvas.pixel(3, 2), Some(INK));
        assert_eq!(canvas.rgb.iter().filter(|byte| **byte != PAPER).count(), 3);
    }
}
