//! The legend beside an image: the colour, name and share of each class.

use super::lettering::{fill, paper, write};
use super::plan::present;
use super::{Options, Subject, glyphs};
use crate::photo::Photo;

// Lengths in dots; a dot is `Layout::scale` pixels.
/// Margin of the strip, and space between its columns.
const PAD: usize = 6;
/// Height of a row.
const ROW: usize = 12;
/// Side of a colour swatch.
const SWATCH: usize = 9;
/// Space between swatch, name and share.
const GAP: usize = 6;

/// Minimum width of the strip in pixels.
const NARROWEST: usize = 140;

/// Minimum number of rows in a column before another one starts; a low image grows to fit them.
const FEWEST_LINES: usize = 8;

/// Maximum number of characters of a name.
const LONGEST_NAME: usize = 32;

/// Colour of a swatch's frame, which makes white and pale classes visible.
const FRAME: [u8; 3] = [112; 3];

/// The row of one class.
struct Row {
    color: [u8; 3],
    name: String,
    share: String,
}

/// The layout of the rows.
struct Layout {
    /// Pixels per dot.
    scale: usize,
    /// Rows per column.
    lines: usize,
    columns: usize,
    /// Pixels from one column to the next.
    column_width: usize,
}

/// The image with a legend of its visible classes at the right, largest first; unchanged without visible classes.
pub(super) fn beside(image: Photo, subject: &Subject, options: &Options) -> Photo {
    match strip(subject, options, image.height) {
        Some(strip) => joined(&image, &strip),
        None => image,
    }
}

/// The legend alone, as high as the image or higher if the rows need it. `None` without visible classes.
pub(super) fn strip(subject: &Subject, options: &Options, height: usize) -> Option<Photo> {
    let rows = rows(subject, options);
    if rows.is_empty() {
        return None;
    }
    let layout = Layout::of(&rows, height);
    let mut canvas = paper(layout.width(), layout.height().max(height));
    for (i, row) in rows.iter().enumerate() {
        let x = PAD * layout.scale + i / layout.lines * layout.column_width;
        let y = (PAD + i % layout.lines * ROW) * layout.scale;
        draw_row(&mut canvas, row, [x, y], &layout);
    }
    Some(canvas)
}

fn rows(subject: &Subject, options: &Options) -> Vec<Row> {
    let mut found = present(subject.map);
    found.retain(|(id, _)| !options.hides(*id));
    found.sort_by_key(|(_, share)| std::cmp::Reverse(*share));
    let all = subject.map.ids.len();
    found
        .iter()
        .map(|(id, count)| Row {
            color: subject.classes.color(*id),
            name: shortened(&subject.classes.label(*id)),
            share: percent(*count, all),
        })
        .collect()
}

/// A name cut to [`LONGEST_NAME`] characters, so that a long name in a model file does not make the image too wide.
fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    name.chars().take(LONGEST_NAME - 2).chain("..".chars()).collect()
}

fn percent(count: u64, all: usize) -> String {
    let percent = 100.0 * count as f64 / all as f64;
    if percent < 0.05 {
        "<0.1%".into()
    } else {
        format!("{percent:.1}%")
    }
}

impl Layout {
    /// The layout with the largest letters that fit the rows into two columns, or else with the smallest letters.
    fn of(rows: &[Row], height: usize) -> Self {
        let preferred = ((height + 128) / 320).clamp(1, 12);
        (2..=preferred)
            .rev()
            .map(|scale| Self::at(scale, rows, height))
            .find(|layout| layout.columns <= 2)
            .unwrap_or_else(|| Self::at(1, rows, height))
    }

    fn at(scale: usize, rows: &[Row], height: usize) -> Self {
        let fitting = height.saturating_sub(2 * PAD * scale) / (ROW * scale);
        let lines = fitting.max(FEWEST_LINES).min(rows.len()).max(1);
        let columns = rows.len().div_ceil(lines).max(1);
        let longest = |text: fn(&Row) -> &str| rows.iter().map(|row| text(row).chars().count()).max().unwrap_or(0);
        let letters = longest(|row| &row.name) + longest(|row| &row.share);
        let natural = (SWATCH + 2 * GAP + letters * glyphs::ADVANCE + PAD) * scale;
        let least = NARROWEST.saturating_sub(PAD * scale).div_ceil(columns);
        Self {
            scale,
            lines,
            columns,
            column_width: natural.max(least),
        }
    }

    fn width(&self) -> usize {
        PAD * self.scale + self.columns * self.column_width
    }

    fn height(&self) -> usize {
        (2 * PAD + self.lines * ROW) * self.scale
    }
}

/// The image with the strip at its right, and blank space below it where the strip is taller.
fn joined(image: &Photo, strip: &Photo) -> Photo {
    let mut canvas = paper(image.width + strip.width, image.height.max(strip.height));
    let lines = canvas.rgb.chunks_exact_mut(3 * canvas.width);
    let right = strip.rgb.chunks_exact(3 * strip.width);
    for (to, from) in lines.zip(right) {
        to[3 * image.width..].copy_from_slice(from);
    }
    let lines = canvas.rgb.chunks_exact_mut(3 * canvas.width);
    for (to, from) in lines.zip(image.rgb.chunks_exact(3 * image.width)) {
        to[..from.len()].copy_from_slice(from);
    }
    canvas
}

/// Draws a row whose top left is `at`.
fn draw_row(canvas: &mut Photo, row: &Row, at: [usize; 2], layout: &Layout) {
    let ([x, y], scale) = (at, layout.scale);
    let below = |dots: usize| y + dots * scale;
    let swatch = below((ROW - SWATCH) / 2);
    fill(canvas, [x, swatch], [SWATCH * scale; 2], FRAME);
    fill(
        canvas,
        [x + scale, swatch + scale],
        [(SWATCH - 2) * scale; 2],
        row.color,
    );
    let line = below((ROW - glyphs::HEIGHT) / 2);
    write(canvas, [x + (SWATCH + GAP) * scale, line], scale, &row.name);
    let share = (PAD + row.share.chars().count() * glyphs::ADVANCE) * scale;
    write(
        canvas,
        [x + layout.column_width.saturating_sub(share), line],
        scale,
        &row.share,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(count: usize, name: &str) -> Vec<Row> {
        let row = || Row {
            color: [0; 3],
            name: name.into(),
            share: "50.0%".into(),
        };
        (0..count).map(|_| row()).collect()
    }

    #[test]
    fn every_row_has_a_place() {
        for count in [1, 7, 8, 9, 25, 150, 1000] {
            for height in [1, 20, 512, 1080, 9000] {
                let layout = Layout::of(&some(count, "car"), height);
                assert!(layout.lines * layout.columns >= count, "{count} {height}");
                assert!(layout.width() >= NARROWEST, "{count} {height}");
                assert!(layout.height() <= height.max((2 * PAD + FEWEST_LINES * ROW) * layout.scale));
            }
        }
    }

    #[test]
    fn names_and_shares_stay_short() {
        assert_eq!(shortened("car"), "car");
        assert_eq!(shortened(&"x".repeat(1000)).len(), LONGEST_NAME);
        assert_eq!(percent(1, 1_000_000), "<0.1%");
        assert_eq!(percent(1, 3), "33.3%");
        assert_eq!(percent(5, 5), "100.0%");
    }
}
