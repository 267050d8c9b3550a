//! A title above a figure, and the colour bar of its scale at its right.

use super::glyphs;
use super::heat::Scale;
use super::lettering::{INK, fill, paper, write};
use crate::photo::Photo;

// Lengths in dots; a dot is one or more pixels.
/// Margin.
const PAD: usize = 6;
/// Height of a line of text.
const LINE: usize = 11;
/// Width of the colour bar.
const BAR: usize = 10;
/// Maximum number of characters of a value beside the bar, such as `0.00123`.
const VALUE: usize = 7;

/// Positions of the values beside the bar, as shares of its height from the bottom.
const TICKS: [f32; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// Minimum height of the bar, in dots.
const MIN_BAR: usize = 40;

/// The title and the colour bar of a figure.
#[derive(Clone, Debug)]
pub(super) struct Caption<'a> {
    /// Lines of the title above the figure; long ones are wrapped.
    pub(super) lines: &'a [String],
    /// The scale of the colour bar.
    pub(super) scale: Scale,
}

impl Caption<'_> {
    /// The image with the title and the colour bar around it.
    pub(super) fn around(&self, image: &Photo) -> Photo {
        let dot = ((image.width.max(image.height) + 320) / 640).clamp(1, 12);
        let bar_side = (3 * PAD + BAR + VALUE * glyphs::ADVANCE) * dot;
        let letters = ((image.width + bar_side) / dot).saturating_sub(2 * PAD) / glyphs::ADVANCE;
        let lines: Vec<String> = self
            .lines
            .iter()
            .flat_map(|line| wrapped(line, letters.max(8)))
            .collect();
        let top = (2 * PAD + lines.len() * LINE) * dot;
        let height = image.height.max(MIN_BAR * dot);
        let mut canvas = paper(image.width + bar_side, top + height + PAD * dot);
        for (i, line) in lines.iter().enumerate() {
            write(&mut canvas, [PAD * dot, (PAD + i * LINE) * dot], dot, line);
        }
        let rows = canvas.rgb.chunks_exact_mut(3 * canvas.width).skip(top);
        for (to, from) in rows.zip(image.rgb.chunks_exact(3 * image.width)) {
            to[..from.len()].copy_from_slice(from);
        }
        self.draw_bar(&mut canvas, [image.width + PAD * dot, top], height, dot);
        canvas
    }

    fn draw_bar(&self, canvas: &mut Photo, [left, top]: [usize; 2], height: usize, dot: usize) {
        // Keeps the text of the outermost values inside the image.
        let margin = glyphs::HEIGHT * dot / 2;
        let (top, height) = (top + margin, height - 2 * margin);
        for y in 0..height {
            let share = 1.0 - (y as f32 + 0.5) / height as f32;
            fill(canvas, [left, top + y], [BAR * dot, 1], self.scale.map.color(share));
        }
        for tick in TICKS {
            let y = top + ((1.0 - tick) * (height - 1) as f32) as usize;
            fill(canvas, [left + BAR * dot, y], [2 * dot, dot], INK);
            let text = rounded(self.scale.value_at(tick));
            let at = [left + (BAR + 4) * dot, y.saturating_sub(glyphs::HEIGHT * dot / 2)];
            write(canvas, at, dot, &text);
        }
    }
}

/// A value in at most seven characters.
fn rounded(value: f32) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".into(),
        s if s < 1e-4 => format!("{value:.0e}"),
        s if s < 0.01 => format!("{value:.5}"),
        s if s < 10.0 => format!("{value:.3}"),
        _ => format!("{value:.0}"),
    }
}

/// Lines of at most `letters` characters, broken at spaces where possible.
fn wrapped(text: &str, letters: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let word: Vec<char> = word.chars().collect();
        for part in word.chunks(letters) {
            let part: String = part.iter().collect();
            match lines.last_mut() {
                Some(line) if line.is_empty() => *line = part,
                Some(line) if line.chars().count() + 1 + part.chars().count() <= letters => {
                    line.push(' ');
                    line.push_str(&part);
                }
                _ => lines.push(part),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{ColorMap, Curve};

    #[test]
    fn lines_break_at_spaces_or_else_anywhere() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrapped("", 5), [""]);
    }

    #[test]
    fn the_image_is_unchanged_and_the_bar_spans_the_map() {
        let image = Photo::new(60, 90, vec![7; 3 * 60 * 90]);
        let scale = Scale {
            low: 0.0,
            high: 0.5,
            curve: Curve::Root,
            map: ColorMap::Grey,
        };
        let lines = ["Layer 1".to_owned()];
        let drawn = Caption { lines: &lines, scale }.around(&image);
        let top = drawn.height - 90 - PAD;
        assert_eq!(drawn.pixel(0, top), Some([7; 3]));
        assert_eq!(drawn.pixel(59, top + 89), Some([7; 3]));
        let bar = |y: usize| drawn.pixel(60 + PAD + 1, y).expect("a pixel")[0];
        assert!(
            bar(top + 4) > 245 && bar(top + 84) < 10,
            "{} {}",
            bar(top + 4),
            bar(top + 84)
        );
        // Halfway up the bar is a quarter of the largest value.
        assert!((scale.value_at(0.5) - 0.125).abs() < 1e-6);
    }

    #[test]
    fn values_are_short() {
        for value in [0.0, 1e-7, -0.00012, 0.0123, 0.5, -1.0, 12.25, 1234.5] {
            assert!(rounded(value).chars().count() <= VALUE + 1, "{}", rounded(value));
        }
        assert_eq!(rounded(0.125), "0.125");
    }
}
