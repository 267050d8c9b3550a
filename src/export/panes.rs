//! A figure that compares models on an image: their masks side by side, with what matters of each below its title.

use super::page::{FigureFormat, INK, Page, SECOND, Side, Style};
use super::typeface::{self, Weight};
use super::{ExportError, Report, ReportEntry};
use crate::photo::Photo;

/// Longest side of a pane, in pixels.
const SIDE: usize = 960;

// Lengths in units, of which the width of a pane decides.
/// Space around the figure and between panes.
const PAD: f32 = 10.0;
/// Height of a line of text, and size of its letters.
const LINE: f32 = 14.0;
const LETTERS: f32 = 10.0;

/// Width of a pane whose unit is a pixel.
const UNIT: f32 = 400.0;

impl Report<'_> {
    /// The figure: the image and all entries in a grid, each at most 960 pixels on its longer side.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn figure(&self, format: FigureFormat) -> Result<Vec<u8>, ExportError> {
        self.panes(SIDE).encode(format).map_err(|source| ExportError::Encode {
            source,
            path: Default::default(),
        })
    }

    /// The figure as pixels, with panes of at most `side` pixels.
    pub fn draw(&self, side: usize) -> Photo {
        self.panes(side).draw()
    }

    fn panes(&self, side: usize) -> Page {
        let longest = self.photo.width.max(self.photo.height).max(1);
        let scaled = |length: usize| (length * side.min(longest) / longest).max(1);
        let (width, height) = (scaled(self.photo.width), scaled(self.photo.height));
        let unit = (width as f32 / UNIT).max(0.5);
        let px = |units: f32| (units * unit).round();
        let count = self.entries.len() + 1;
        let columns = (1..=count).find(|columns| columns * columns >= count).unwrap_or(1);
        let rows = count.div_ceil(columns);
        let (pad, line) = (px(PAD), px(LINE));
        let cell = [width as f32 + pad, height as f32 + 2.0 * line + pad];
        let mut page = Page::new(
            (columns as f32 * cell[0] + pad) as usize,
            (rows as f32 * cell[1] + pad) as usize,
        );
        let size = format!("{} × {} pixels", self.photo.width, self.photo.height);
        let image = (self.name.to_owned(), size, self.photo);
        let entries = self
            .entries
            .iter()
            .map(|entry| (entry.title.clone(), self.facts(entry), &entry.image));
        for (index, (title, facts, photo)) in std::iter::once(image).chain(entries).enumerate() {
            let left = pad + (index % columns) as f32 * cell[0];
            let top = pad + (index / columns) as f32 * cell[1];
            let style = |weight, color| Style {
                size: px(LETTERS),
                weight,
                color,
            };
            let lines = [
                (title, style(Weight::SemiBold, INK)),
                (facts, style(Weight::Regular, SECOND)),
            ];
            for (row, (text, style)) in lines.into_iter().enumerate() {
                let text = shortened(&text, width as f32, style);
                page.text(&text, [left, top + (row as f32 + 0.4) * line], Side::Right, style);
            }
            let at = [left as usize, (top + 2.0 * line) as usize];
            page.picture(at, photo.resized(width, height));
        }
        page
    }

    /// Score, agreement and time of an entry.
    fn facts(&self, entry: &ReportEntry) -> String {
        let percent = |value: f64| format!("{:.1} %", 100.0 * value);
        let mut facts = Vec::new();
        if let Some(score) = entry.mean_iou {
            facts.push(format!("mIoU {}", percent(score)));
        }
        match &entry.agreement {
            Some(agreement) => facts.push(format!("{} as in {}", percent(agreement.same), self.reference)),
            None if entry.title == self.reference => facts.push("reference".into()),
            None => {}
        }
        if let Some(run) = &entry.run {
            let time: std::time::Duration = run.times.iter().sum();
            facts.push(format!("{:.0} ms", time.as_secs_f64() * 1e3));
        }
        facts.join(" · ")
    }
}

/// The text, cut with an ellipsis where it is wider than `room` pixels.
fn shortened(text: &str, room: f32, style: Style) -> String {
    let fits = |text: &str| typeface::width(text, style.size, style.weight) <= room;
    if fits(text) {
        return text.to_owned();
    }
    let mut kept = text.to_owned();
    while kept.pop().is_some() {
        let cut = format!("{}…", kept.trim_end());
        if fits(&cut) {
            return cut;
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_stand_in_a_grid_with_cut_titles() {
        let photo = Photo::new(400, 200, vec![90; 400 * 200 * 3]);
        let entry = |title: &str, value: u8| ReportEntry {
            title: title.into(),
            run: None,
            agreement: None,
            mean_iou: Some(0.5),
            image: Photo::new(400, 200, vec![value; 400 * 200 * 3]),
        };
        let entries = [
            entry("A", 10),
            entry(
                "A model with a name that is much longer than its pane is wide, whatever the screen",
                20,
            ),
            entry("C", 30),
        ];
        let report = Report {
            name: "street.jpg",
            photo: &photo,
            reference: "A",
            entries: &entries,
        };
        let drawn = report.draw(400);
        // Two columns and two rows: 400 x 228 pixels with their text, and 10 between and around them.
        assert_eq!([drawn.width, drawn.height], [2 * 410 + 10, 2 * 238 + 10]);
        assert_eq!(drawn.pixel(20, 100), Some([90; 3]));
        assert_eq!(drawn.pixel(430, 100), Some([10; 3]));
        assert_eq!(drawn.pixel(20, 400), Some([20; 3]));
        assert_eq!(drawn.pixel(430, 400), Some([30; 3]));
        let margin = (248..276).flat_map(|y| (412..418).map(move |x| (x, y)));
        for (x, y) in margin {
            assert_eq!(drawn.pixel(x, y), Some([255; 3]), "the long title is cut");
        }
        assert_eq!(report.facts(&entries[0]), "mIoU 50.0 % · reference");
    }
}
