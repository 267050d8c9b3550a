//! The typeface of the program, for text in figures: widths and outlines.

use std::sync::LazyLock;

use skrifa::instance::{Location, LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider as _};
use tiny_skia::{Path, PathBuilder};

/// Inter, made by `assets/fonts/make_inter.py`.
pub(crate) const INTER: &[u8] = include_bytes!("../../assets/fonts/Inter.ttf");

/// The weight of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    SemiBold,
}

impl Weight {
    /// The value on the axis `wght`.
    pub(super) fn axis(self) -> f32 {
        match self {
            Self::Regular => 400.0,
            Self::SemiBold => 600.0,
        }
    }
}

/// A weight of the typeface.
struct Face {
    font: FontRef<'static>,
    location: Location,
}

static REGULAR: LazyLock<Option<Face>> = LazyLock::new(|| Face::of(Weight::Regular));
static SEMI_BOLD: LazyLock<Option<Face>> = LazyLock::new(|| Face::of(Weight::SemiBold));

impl Face {
    fn of(weight: Weight) -> Option<Self> {
        let font = FontRef::new(INTER).ok()?;
        let location = font.axes().location([("wght", weight.axis())]);
        Some(Self { font, location })
    }

    /// The glyph of a character; a question mark for one that the typeface lacks.
    fn glyph(&self, character: char) -> Option<GlyphId> {
        let glyphs = self.font.charmap();
        glyphs.map(character).or_else(|| glyphs.map('?'))
    }
}

fn face(weight: Weight) -> Option<&'static Face> {
    match weight {
        Weight::Regular => REGULAR.as_ref(),
        Weight::SemiBold => SEMI_BOLD.as_ref(),
    }
}

/// Whether the typeface has a character.
pub(super) fn has(character: char) -> bool {
    REGULAR
        .as_ref()
        .is_some_and(|face| face.font.charmap().map(character).is_some())
}

/// The width of a line of text at a size, both in pixels.
pub(super) fn width(text: &str, size: f32, weight: Weight) -> f32 {
    let Some(face) = face(weight) else { return 0.0 };
    let metrics = face.font.glyph_metrics(Size::new(size), &face.location);
    let advance = |character| metrics.advance_width(face.glyph(character)?);
    text.chars().filter_map(advance).sum()
}

/// The outline of a line of text whose baseline begins at `at`; `None` if nothing would be visible.
pub(super) fn outline(text: &str, size: f32, weight: Weight, at: [f32; 2]) -> Option<Path> {
    let face = face(weight)?;
    let metrics = face.font.glyph_metrics(Size::new(size), &face.location);
    let outlines = face.font.outline_glyphs();
    let mut pen = Pen {
        path: PathBuilder::new(),
        at,
    };
    for character in text.chars() {
        let Some(id) = face.glyph(character) else { continue };
        if let Some(glyph) = outlines.get(id) {
            let settings = DrawSettings::unhinted(Size::new(size), LocationRef::from(&face.location));
            // Fails only for a damaged glyph.
            glyph.draw(settings, &mut pen).ok();
        }
        pen.at[0] += metrics.advance_width(id).unwrap_or(0.0);
    }
    pen.path.finish()
}

/// Height of capital letters as a share of the size.
pub(super) const CAPITALS: f32 = 0.727;

/// Builds a path from outlines, whose vertical axis points up.
struct Pen {
    path: PathBuilder,
    at: [f32; 2],
}

impl Pen {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        (self.at[0] + x, self.at[1] - y)
    }
}

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        let ((cx, cy), (x, y)) = (self.place(cx, cy), self.place(x, y));
        self.path.quad_to(cx, cy, x, y);
    }

    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        let ((ax, ay), (bx, by), (x, y)) = (self.place(ax, ay), self.place(bx, by), self.place(x, y));
        self.path.cubic_to(ax, ay, bx, by, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_their_own_width_and_descend_below_the_baseline() {
        let regular = |text| width(text, 20.0, Weight::Regular);
        assert!(regular("mmm") > 2.0 * regular("iii"));
        assert!(width("road", 20.0, Weight::SemiBold) > regular("road"));
        // Figures are tabular.
        assert!((regular("111") - regular("888")).abs() < 0.01);
        let bounds = |text| {
            outline(text, 20.0, Weight::Regular, [0.0, 0.0])
                .expect("a path")
                .bounds()
        };
        assert!(bounds("pg").bottom() > 3.0, "{:?}", bounds("pg"));
        assert!(bounds("road").bottom() < 1.0);
        assert!((-bounds("H").top() / 20.0 - CAPITALS).abs() < 0.01);
        assert!(outline(" ", 20.0, Weight::Regular, [0.0, 0.0]).is_none());
        assert!(has('é') && !has('\u{4e2d}'));
    }
}
