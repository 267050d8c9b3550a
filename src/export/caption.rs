//! A title above a figure, and the colour bar of its scale, if it has one, at its right.

use super::heat::Scale;
use super::page::{INK, Page, SECOND, Side, Style};
use super::typeface::{self, Weight};
use crate::photo::Photo;

// Lengths in units, of which the size of the image decides.
/// Margin.
const PAD: f32 = 8.0;
/// Height of a line of text.
const LINE: f32 = 12.0;
/// Size of the letters.
const LETTERS: f32 = 8.0;
/// Width of the colour bar.
const BAR: f32 = 9.0;
/// Widest value beside the bar.
const VALUE: &str = "0.00123";

/// Longer side of an image whose unit is a pixel, and the smallest and largest unit, in pixels.
const UNIT: f32 = 560.0;
const UNITS: [f32; 2] = [1.25, 16.0];

/// Positions of the values beside the bar, as shares of its height from the bottom.
const TICKS: [f32; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// Minimum height of the bar, in units.
const MIN_BAR: f32 = 50.0;

/// The title and the colour bar of a figure.
#[derive(Clone, Debug)]
pub(super) struct Caption<'a> {
    /// Lines of the title above the figure, the first one stronger; long ones are wrapped.
    pub(super) lines: &'a [String],
    /// The scale of the colour bar; `None` for a title alone.
    pub(super) scale: Option<Scale>,
}

impl Caption<'_> {
    /// The image with the title and the colour bar around it.
    pub(super) fn around(&self, image: Photo) -> Page {
        let [least, most] = UNITS;
        let unit = (image.width.max(image.height) as f32 / UNIT).clamp(least, most);
        let value = typeface::width(VALUE, LETTERS, Weight::Regular);
        let bar_side = match self.scale {
            Some(_) => ((3.0 * PAD + BAR + value) * unit).ceil(),
            None => 0.0,
        };
        let room = image.width as f32 + bar_side - 2.0 * PAD * unit;
        let mut lines = Vec::new();
        for (i, line) in self.lines.iter().enumerate() {
            let (weight, color) = match i {
                0 => (Weight::SemiBold, INK),
                _ => (Weight::Regular, SECOND),
            };
            let size = LETTERS * unit;
            let style = Style { size, weight, color };
            lines.extend(
                wrapped(line, room.max(8.0 * size), style)
                    .into_iter()
                    .map(|line| (line, style)),
            );
        }
        let top = ((1.5 * PAD + lines.len() as f32 * LINE) * unit).ceil();
        let least = if self.scale.is_some() { MIN_BAR * unit } else { 0.0 };
        let height = (image.height as f32).max(least).ceil();
        let below = (PAD * unit).ceil();
        let mut page = Page::new(image.width + bar_side as usize, (top + height + below) as usize);
        for (i, (line, style)) in lines.iter().enumerate() {
            let at = [PAD * unit, (PAD + (i as f32 + 0.5) * LINE) * unit];
            page.text(line, at, Side::Right, *style);
        }
        let left = image.width as f32 + (PAD * unit).round();
        page.picture([0, top as usize], image);
        if let Some(scale) = &self.scale {
            draw_bar(scale, &mut page, [left, top], height, unit);
        }
        page
    }
}

fn draw_bar(scale: &Scale, page: &mut Page, [left, top]: [f32; 2], height: f32, unit: f32) {
    // Keeps the text of the outermost values inside the image.
    let margin = (0.5 * LETTERS * unit).round();
    let (top, height) = (top + margin, height - 2.0 * margin);
    let (across, down) = ((BAR * unit).round().max(1.0) as usize, height.max(1.0) as usize);
    let colors = (0..down).flat_map(|y| {
        let share = 1.0 - (y as f32 + 0.5) / down as f32;
        scale.map.color(share).repeat(across)
    });
    page.picture(
        [left as usize, top as usize],
        Photo::new(across, down, colors.collect()),
    );
    let right = left + across as f32;
    let style = Style {
        size: LETTERS * unit,
        weight: Weight::Regular,
        color: INK,
    };
    for tick in TICKS {
        let y = top + (1.0 - tick) * (down - 1) as f32;
        let thick = (0.6 * unit).max(1.0);
        page.field([right, y - 0.5 * thick], [2.0 * unit, thick], INK);
        let text = rounded(scale.value_at(tick));
        page.text(&text, [right + 4.0 * unit, y], Side::Right, style);
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

/// Lines that are no wider than `room` pixels, broken at spaces where possible.
fn wrapped(text: &str, room: f32, style: Style) -> Vec<String> {
    let fits = |text: &str| typeface::width(text, style.size, style.weight) <= room;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut rest = word;
        loop {
            let line = lines.last().map_or("", String::as_str);
            let joined = if line.is_empty() {
                rest.to_owned()
            } else {
                format!("{line} {rest}")
            };
            if fits(&joined) {
                lines.pop();
                lines.push(joined);
                break;
            }
            if !line.is_empty() {
                lines.push(String::new());
                continue;
            }
            // A word that is wider than the room is cut.
            let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
            let end = ends.take_while(|end| fits(&rest[..*end])).last();
            let end = end.unwrap_or_else(|| rest.chars().next().map_or(rest.len(), char::len_utf8));
            lines.pop();
            lines.push(rest[..end].to_owned());
            rest = &rest[end..];
            if rest.is_empty() {
                break;
            }
            lines.push(String::new());
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
        let style = Style {
            size: 10.0,
            weight: Weight::Regular,
            color: INK,
        };
        let room = |text| typeface::width(text, 10.0, Weight::Regular) + 0.1;
        assert_eq!(wrapped("one two three", room("one two"), style), ["one two", "three"]);
        assert_eq!(wrapped("aaaaaaaa b", room("aaa"), style), ["aaa", "aaa", "aa", "b"]);
        assert_eq!(wrapped("", 5.0, style), [""]);
        assert_eq!(wrapped("ab", 0.0, style), ["a", "b"]);
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
        let drawn = Caption {
            lines: &lines,
            scale: Some(scale),
        }
        .around(image)
        .draw();
        let below = (PAD * UNITS[0]) as usize;
        let top = drawn.height - 90 - below;
        assert_eq!(drawn.pixel(0, top), Some([7; 3]));
        assert_eq!(drawn.pixel(59, top + 89), Some([7; 3]));
        let bar = |y: usize| drawn.pixel(60 + below + 4, y).expect("a pixel")[0];
        let (first, last) = (bar(top + 6), bar(top + 83));
        assert!(first > 235 && last < 30, "{first} {last}");
        // Halfway up the bar is a quarter of the largest value.
        assert!((scale.value_at(0.5) - 0.125).abs() < 1e-6);
    }

    #[test]
    fn values_are_short() {
        for value in [0.0, 1e-7, -0.00012, 0.0123, 0.5, -1.0, 12.25, 1234.5] {
            assert!(rounded(value).chars().count() <= VALUE.len() + 1, "{}", rounded(value));
        }
        assert_eq!(rounded(0.125), "0.125");
    }
}
