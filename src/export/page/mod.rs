//! A page of images, fields and text, as pixels or as a vector file.

mod pdf;
mod raster;
mod svg;

use std::io;

use serde::{Deserialize, Serialize};

use super::label_png;
use super::typeface::{self, Weight};
use crate::photo::Photo;

/// The kind of file of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum FigureFormat {
    /// Pixels
    #[default]
    Png,
    /// Vectors; text as outlines, images embedded
    Svg,
    /// Vectors; text that can be selected, images embedded
    Pdf,
}

impl FigureFormat {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Png, Self::Svg, Self::Pdf];

    /// Name shown to the user.
    pub fn title(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Svg => "SVG",
            Self::Pdf => "PDF",
        }
    }

    /// File extension, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
            Self::Pdf => "pdf",
        }
    }
}

/// Colour of the page.
const PAPER: [u8; 3] = [255; 3];

/// Colours of text: names and titles, and what comes second.
pub(super) const INK: [u8; 3] = [28, 30, 34];
pub(super) const SECOND: [u8; 3] = [96, 102, 112];

/// A page; lengths are in pixels.
pub(super) struct Page {
    pub(super) width: usize,
    pub(super) height: usize,
    items: Vec<Item>,
}

enum Item {
    /// An image with its top left corner, in its own size.
    Picture([usize; 2], Photo),
    Field(Field),
    Text(Text),
}

/// A filled rectangle.
struct Field {
    at: [f32; 2],
    size: [f32; 2],
    color: [u8; 3],
}

/// A line of text.
struct Text {
    text: String,
    /// Left end of the baseline.
    at: [f32; 2],
    size: f32,
    weight: Weight,
    color: [u8; 3],
}

/// How a line of text looks.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) size: f32,
    pub(super) weight: Weight,
    pub(super) color: [u8; 3],
}

/// To which side of its place a text extends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Right,
    Left,
}

impl Page {
    /// An empty page.
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            items: Vec::new(),
        }
    }

    /// Adds an image.
    pub(super) fn picture(&mut self, at: [usize; 2], photo: Photo) {
        self.items.push(Item::Picture(at, photo));
    }

    /// Adds a filled rectangle.
    pub(super) fn field(&mut self, at: [f32; 2], size: [f32; 2], color: [u8; 3]) {
        self.items.push(Item::Field(Field { at, size, color }));
    }

    /// Adds a line of text, centred on a height.
    pub(super) fn text(&mut self, text: &str, [x, middle]: [f32; 2], side: Side, style: Style) {
        let left = match side {
            Side::Right => x,
            Side::Left => x - typeface::width(text, style.size, style.weight),
        };
        self.items.push(Item::Text(Text {
            text: text.chars().map(|c| if typeface::has(c) { c } else { '?' }).collect(),
            at: [left, middle + 0.5 * typeface::CAPITALS * style.size],
            size: style.size,
            weight: style.weight,
            color: style.color,
        }));
    }

    /// The page as pixels.
    pub(super) fn draw(&self) -> Photo {
        raster::draw(self)
    }

    /// The page as the bytes of a file.
    ///
    /// # Errors
    /// When an image cannot be encoded, or the page is too large for the format.
    pub(super) fn encode(&self, format: FigureFormat) -> Result<Vec<u8>, png::EncodingError> {
        match format {
            FigureFormat::Png => label_png::image(&self.draw()),
            FigureFormat::Svg => svg::encode(self).map(String::into_bytes),
            FigureFormat::Pdf => pdf::encode(self),
        }
    }
}

fn failed(why: impl ToString) -> png::EncodingError {
    io::Error::other(why.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let mut page = Page::new(200, 60);
        page.picture([0, 0], Photo::new(40, 60, vec![90; 3 * 40 * 60]));
        page.field([50.0, 20.0], [10.0, 10.0], [255, 0, 0]);
        let style = Style {
            size: 16.0,
            weight: Weight::Regular,
            color: INK,
        };
        page.text("Seg & <p>", [70.0, 25.0], Side::Right, style);
        page.text("36.6 %", [195.0, 25.0], Side::Left, style);
        page
    }

    #[test]
    fn pixels_have_the_picture_the_field_and_smooth_text() {
        let drawn = page().draw();
        assert_eq!([drawn.width, drawn.height], [200, 60]);
        assert_eq!(drawn.pixel(39, 59), Some([90; 3]));
        assert_eq!(drawn.pixel(55, 25), Some([255, 0, 0]));
        assert_eq!(drawn.pixel(61, 25), Some(PAPER));
        let text: Vec<u8> = (70..140)
            .flat_map(|x| (10..40).map(move |y| (x, y)))
            .map(|(x, y)| drawn.pixel(x, y).expect("a pixel")[0])
            .collect();
        assert!(text.contains(&INK[0]), "full strokes");
        assert!(text.iter().any(|v| (100..200).contains(v)), "smooth edges");
        // Right-aligned text ends at its place.
        assert!((10..40).all(|y| drawn.pixel(197, y) == Some(PAPER)));
    }

    #[test]
    fn an_svg_has_the_size_the_parts_and_readable_names() {
        let svg = String::from_utf8(page().encode(FigureFormat::Svg).expect("a file")).expect("text");
        assert!(svg.starts_with("<svg ") && svg.contains("viewBox=\"0 0 200 60\""));
        assert!(svg.contains("data:image/png;base64,"));
        assert!(svg.contains("fill=\"#ff0000\""));
        assert!(svg.contains("aria-label=\"Seg &amp; &lt;p>\""));
    }

    #[test]
    fn a_pdf_has_a_page_of_the_size_with_a_font() {
        let pdf = page().encode(FigureFormat::Pdf).expect("a file");
        assert!(pdf.starts_with(b"%PDF-"));
        let has = |text: &str| pdf.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(has("/MediaBox") && has("/FontFile") && has("/Image"));
    }
}
