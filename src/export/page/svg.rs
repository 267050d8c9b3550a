//! A page as SVG 1.1. Text is drawn as outlines, so that it looks the same without the typeface; its words are the
//! labels of the outlines.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tiny_skia::{Path, PathSegment};

use super::{Item, Page};
use crate::export::{escaped, label_png, typeface};

/// The page as text.
pub(super) fn encode(page: &Page) -> Result<String, png::EncodingError> {
    let (width, height) = (page.width, page.height);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    // Writing to a string does not fail.
    for item in &page.items {
        match item {
            Item::Picture([x, y], photo) => {
                let data = STANDARD.encode(label_png::image(photo)?);
                let (width, height) = (photo.width, photo.height);
                writeln!(
                    svg,
                    "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
                     href=\"data:image/png;base64,{data}\"/>"
                )
                .ok();
            }
            Item::Field(field) => {
                let ([x, y], [width, height]) = (field.at, field.size);
                let color = hex(field.color);
                writeln!(
                    svg,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{color}\"/>"
                )
                .ok();
            }
            Item::Text(text) => {
                if let Some(path) = typeface::outline(&text.text, text.size, text.weight, text.at) {
                    let (words, color) = (escaped(&text.text), hex(text.color));
                    let outline = commands(&path);
                    writeln!(svg, "<path aria-label=\"{words}\" fill=\"{color}\" d=\"{outline}\"/>").ok();
                }
            }
        }
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A path in SVG's notation.
fn commands(path: &Path) -> String {
    let mut out = String::new();
    for segment in path.segments() {
        match segment {
            PathSegment::MoveTo(to) => write!(out, "M{:.2} {:.2}", to.x, to.y),
            PathSegment::LineTo(to) => write!(out, "L{:.2} {:.2}", to.x, to.y),
            PathSegment::QuadTo(by, to) => write!(out, "Q{:.2} {:.2} {:.2} {:.2}", by.x, by.y, to.x, to.y),
            PathSegment::CubicTo(a, b, to) => {
                write!(
                    out,
                    "C{:.2} {:.2} {:.2} {:.2} {:.2} {:.2}",
                    a.x, a.y, b.x, b.y, to.x, to.y
                )
            }
            PathSegment::Close => write!(out, "Z"),
        }
        .ok();
    }
    out
}
