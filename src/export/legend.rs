//! The legend beside an image: the colour, name and share of each class.

use super::page::{INK, Page, SECOND, Side, Style};
use super::plan::present;
use super::typeface::{self, Weight};
use super::{Options, Subject};
use crate::photo::Photo;

// Lengths in units, of which the height of the image decides.
/// Margin of the strip, and space between its columns.
const PAD: f32 = 8.0;
/// Height of a row.
const ROW: f32 = 13.0;
/// Side of a colour swatch.
const SWATCH: f32 = 8.0;
/// Space between swatch, name and share.
const GAP: f32 = 5.0;
/// Size of the letters.
const LETTERS: f32 = 8.0;

/// Height of an image whose unit is a pixel, and the smallest and largest unit, in pixels.
const UNIT: f32 = 400.0;
const UNITS: [f32; 2] = [1.25, 16.0];

/// Minimum number of rows in a column before another one starts; a low image grows to fit them.
const FEWEST_LINES: usize = 8;

/// Maximum number of characters of a name.
const LONGEST_NAME: usize = 32;

/// Colour of a swatch's frame, which makes white and pale classes visible.
const FRAME: [u8; 3] = [150; 3];

/// The row of one class.
struct Row {
    color: [u8; 3],
    name: String,
    share: String,
}

/// The layout of the rows, in pixels.
struct Layout {
    unit: f32,
    /// Rows per column.
    lines: usize,
    columns: usize,
    /// From one column to the next.
    column_width: f32,
}

/// The image with a legend of its visible classes at the right, largest first; alone without visible classes.
pub(super) fn beside(image: Photo, subject: &Subject, options: &Options) -> Page {
    let rows = rows(subject, options);
    if rows.is_empty() {
        let mut page = Page::new(image.width, image.height);
        page.picture([0, 0], image);
        return page;
    }
    let layout = Layout::of(&rows, image.height);
    let mut page = Page::new(image.width + layout.width(), layout.height().max(image.height));
    let left = image.width as f32;
    page.picture([0, 0], image);
    layout.draw(&mut page, &rows, left);
    page
}

/// The legend alone, as high as the image or higher if the rows need it. `None` without visible classes.
pub(super) fn strip(subject: &Subject, options: &Options, height: usize) -> Option<Photo> {
    let rows = rows(subject, options);
    if rows.is_empty() {
        return None;
    }
    let layout = Layout::of(&rows, height);
    let mut page = Page::new(layout.width(), layout.height().max(height));
    layout.draw(&mut page, &rows, 0.0);
    Some(page.draw())
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
    name.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

fn percent(count: u64, all: usize) -> String {
    let percent = 100.0 * count as f64 / all as f64;
    if percent < 0.05 {
        "<0.1 %".into()
    } else {
        format!("{percent:.1} %")
    }
}

impl Layout {
    /// The layout with the largest letters that fit the rows into two columns, or else with the smallest letters.
    fn of(rows: &[Row], height: usize) -> Self {
        let [least, most] = UNITS;
        let preferred = (height as f32 / UNIT).clamp(least, most);
        let steps = ((preferred / least).ln() / 1.15f32.ln()) as i32;
        (0..=steps)
            .map(|step| Self::at(preferred / 1.15f32.powi(step), rows, height))
            .find(|layout| layout.columns <= 2)
            .unwrap_or_else(|| Self::at(least, rows, height))
    }

    fn at(unit: f32, rows: &[Row], height: usize) -> Self {
        let fitting = ((height as f32 - 2.0 * PAD * unit) / (ROW * unit)).max(0.0) as usize;
        let lines = fitting.max(FEWEST_LINES).min(rows.len()).max(1);
        let widest = |text: fn(&Row) -> &str| {
            let widths = rows
                .iter()
                .map(|row| typeface::width(text(row), LETTERS, Weight::Regular));
            widths.fold(0.0, f32::max)
        };
        let text = widest(|row| &row.name) + widest(|row| &row.share);
        Self {
            unit,
            lines,
            columns: rows.len().div_ceil(lines).max(1),
            column_width: (SWATCH + 3.0 * GAP + text + PAD) * unit,
        }
    }

    fn width(&self) -> usize {
        (PAD * self.unit + self.columns as f32 * self.column_width).ceil() as usize
    }

    fn height(&self) -> usize {
        ((2.0 * PAD + self.lines as f32 * ROW) * self.unit).ceil() as usize
    }

    /// Draws the rows right of `left`.
    fn draw(&self, page: &mut Page, rows: &[Row], left: f32) {
        let unit = self.unit;
        let style = |color| Style {
            size: LETTERS * unit,
            weight: Weight::Regular,
            color,
        };
        for (i, row) in rows.iter().enumerate() {
            let (column, line) = (i / self.lines, i % self.lines);
            let x = left + PAD * unit + column as f32 * self.column_width;
            let middle = (PAD + (line as f32 + 0.5) * ROW) * unit;
            let (side, top) = (SWATCH * unit, middle - 0.5 * SWATCH * unit);
            let edge = (0.5 * unit).max(1.0);
            page.field([x, top], [side; 2], FRAME);
            page.field([x + edge, top + edge], [side - 2.0 * edge; 2], row.color);
            let name = x + (SWATCH + GAP) * unit;
            page.text(&row.name, [name, middle], Side::Right, style(INK));
            let share = x + self.column_width - PAD * unit;
            page.text(&row.share, [share, middle], Side::Left, style(SECOND));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(count: usize, name: &str) -> Vec<Row> {
        let row = || Row {
            color: [0; 3],
            name: name.into(),
            share: "50.0 %".into(),
        };
        (0..count).map(|_| row()).collect()
    }

    #[test]
    fn every_row_has_a_place() {
        for count in [1, 7, 8, 9, 25, 150, 1000] {
            for height in [1, 20, 512, 1080, 9000] {
                let layout = Layout::of(&some(count, "car"), height);
                assert!(layout.lines * layout.columns >= count, "{count} {height}");
                let fewest = (2.0 * PAD + FEWEST_LINES as f32 * ROW) * layout.unit;
                assert!(layout.height() <= height.max(fewest.ceil() as usize));
            }
        }
    }

    #[test]
    fn names_and_shares_stay_short() {
        assert_eq!(shortened("car"), "car");
        assert_eq!(shortened(&"x".repeat(1000)).chars().count(), LONGEST_NAME);
        assert_eq!(percent(1, 1_000_000), "<0.1 %");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(5, 5), "100.0 %");
    }
}
