//! Stroke files: JSON with an image's name and size, its classes, and the strokes in the order in which they were
//! drawn.
//!
//! `{"picture":"a.png","width":480,"height":360,"classes":[{"id":0,"name":"sky","color":"#87ceeb"}],
//! "strokes":[{"class":0,"width":3,"points":[[120,40],[160,44]]}]}`
//!
//! Integer coordinates are pixel centres: `[0,0]` is the middle of the top left pixel. Keys that are not listed here
//! are kept when a file is read and written, and mean nothing.

use std::fmt::Display;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::error::TeachError;
use crate::photo::MAX_PIXELS;
use crate::staged_file::StagedFile;

/// Largest width of a stroke in pixels.
pub const MAX_WIDTH: f64 = 4_000.0;

/// Largest distance of a point from the image's origin in pixels. Up to here the pixels of strokes are exact.
pub const MAX_PLACE: f64 = 1_000_000.0;

/// Largest class id; the next one stands for "unlabelled" elsewhere.
pub const MAX_CLASS: u16 = u16::MAX - 1;

/// The content of a stroke file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StrokeFile {
    /// Name of the image file, as written: relative to the stroke file's folder or to a data set.
    #[serde(rename = "picture")]
    pub image: String,
    /// Pixels per row of the image.
    pub width: usize,
    /// Rows of the image.
    pub height: usize,
    /// The classes that strokes may have; each id occurs once.
    pub classes: Vec<StrokeClass>,
    /// The strokes, first to last. Where two overlap, the later one counts.
    pub strokes: Vec<Stroke>,
    /// Other keys, as they were read.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A class of a stroke file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StrokeClass {
    /// Id in strokes and label maps, at most [`MAX_CLASS`].
    pub id: u16,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Red, green and blue, if the file says so; in files `"#rrggbb"` or `[r,g,b]`, written as the first.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "color")]
    pub color: Option<[u8; 3]>,
    /// Other keys, as they were read.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A line through points, drawn with a round tip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stroke {
    /// Id of its class.
    pub class: u16,
    /// Diameter of the tip in pixels, more than 0 and at most [`MAX_WIDTH`].
    #[serde(serialize_with = "number")]
    pub width: f64,
    /// Column and row of each point, at least one; integers are pixel centres. One point is a dot.
    #[serde(serialize_with = "numbers")]
    pub points: Vec<[f64; 2]>,
    /// Other keys, as they were read.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Stroke {
    /// A stroke without other keys.
    pub fn new(class: u16, width: f64, points: Vec<[f64; 2]>) -> Self {
        Self {
            class,
            width,
            points,
            other: Map::new(),
        }
    }
}

impl StrokeFile {
    /// Reads a stroke file.
    ///
    /// # Errors
    /// When the file cannot be read, is not JSON of this form, or has values out of bounds; see [`StrokeFile::check`].
    pub fn open(path: &Path) -> Result<Self, TeachError> {
        let text = std::fs::read(path).map_err(|why| TeachError::File("read", why, path.to_owned()))?;
        Self::from_json(&text).map_err(|why| TeachError::In(Box::new(why), path.to_owned()))
    }

    /// Reads a stroke file from memory.
    ///
    /// # Errors
    /// As [`StrokeFile::open`].
    pub fn from_json(text: &[u8]) -> Result<Self, TeachError> {
        let file: Self = serde_json::from_slice(text).map_err(TeachError::Json)?;
        file.check()?;
        Ok(file)
    }

    /// The file's text: JSON on one line. Whole numbers are written without a decimal point.
    ///
    /// # Errors
    /// When a value is out of bounds; see [`StrokeFile::check`].
    pub fn to_json(&self) -> Result<String, TeachError> {
        self.check()?;
        serde_json::to_string(self).map_err(TeachError::Json)
    }

    /// Writes the file; an existing one is replaced when the new one is complete.
    ///
    /// # Errors
    /// When a value is out of bounds or the file cannot be written; then an existing file is unchanged.
    pub fn save(&self, path: &Path) -> Result<(), TeachError> {
        let text = self
            .to_json()
            .map_err(|why| TeachError::In(Box::new(why), path.to_owned()))?;
        StagedFile::replace(path, text.as_bytes()).map_err(|why| TeachError::File("written", why, path.to_owned()))
    }

    /// Checks sizes, classes and strokes.
    ///
    /// # Errors
    /// When the image has no pixels or more than [`MAX_PIXELS`], a class id is too large or occurs twice, or a stroke
    /// has an unlisted class, no points, points far outside, or a width that is out of bounds.
    pub fn check(&self) -> Result<(), TeachError> {
        let pixels = self.width as u128 * self.height as u128;
        if pixels == 0 || pixels > u128::from(MAX_PIXELS) {
            let found = format!("{} x {}", self.width, self.height);
            let expected = format!("an image of 1 to {MAX_PIXELS} pixels (width, height)");
            return Err(bad(expected, found, "correct width and height"));
        }
        for (at, class) in self.classes.iter().enumerate() {
            if class.id > MAX_CLASS {
                let expected = format!("class ids up to {MAX_CLASS}");
                return Err(bad(expected, class.id, "give the class a smaller id"));
            }
            if self.classes[..at].iter().any(|before| before.id == class.id) {
                let found = format!("id {} twice", class.id);
                return Err(bad("each class id once", found, "give one of the classes another id"));
            }
        }
        let mut strokes = self.strokes.iter().enumerate();
        strokes.try_for_each(|(at, stroke)| self.check_stroke(at + 1, stroke))
    }

    fn check_stroke(&self, number: usize, stroke: &Stroke) -> Result<(), TeachError> {
        if !self.classes.iter().any(|class| class.id == stroke.class) {
            let (expected, found) = (
                format!("a listed class for stroke {number}"),
                format!("class {}", stroke.class),
            );
            return Err(bad(expected, found, "add the class to the list"));
        }
        if !(stroke.width > 0.0 && stroke.width <= MAX_WIDTH) {
            let expected = format!("a width above 0 and up to {MAX_WIDTH} for stroke {number}");
            return Err(bad(expected, stroke.width, "correct the width"));
        }
        if stroke.points.is_empty() {
            let expected = format!("at least one point for stroke {number}");
            return Err(bad(expected, "none", "add a point or remove the stroke"));
        }
        let far = |point: &&[f64; 2]| point.iter().any(|at| !at.is_finite() || at.abs() > MAX_PLACE);
        if let Some([x, y]) = stroke.points.iter().find(far) {
            let expected = format!("points within {MAX_PLACE} pixels for stroke {number}");
            return Err(bad(expected, format!("({x}, {y})"), "correct the point"));
        }
        Ok(())
    }
}

fn bad(expected: impl Display, found: impl Display, remedy: &'static str) -> TeachError {
    TeachError::Value {
        expected: expected.to_string(),
        found: found.to_string(),
        remedy,
    }
}

/// A number as JSON; whole ones as integers.
enum Short {
    Whole(i64),
    Broken(f64),
}

impl From<f64> for Short {
    fn from(value: f64) -> Self {
        match value.fract() == 0.0 && value.abs() < 1e15 {
            true => Self::Whole(value as i64),
            false => Self::Broken(value),
        }
    }
}

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(value) => to.serialize_i64(*value),
            Self::Broken(value) => to.serialize_f64(*value),
        }
    }
}

fn number<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    Short::from(*value).serialize(to)
}

fn numbers<S: Serializer>(points: &[[f64; 2]], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(points.iter().map(|point| point.map(Short::from)))
}

mod color {
    use super::{Deserialize, Deserializer, Serializer};
    use serde::de::Error;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Numbers([u8; 3]),
        Text(String),
    }

    pub(super) fn serialize<S: Serializer>(color: &Option<[u8; 3]>, to: S) -> Result<S::Ok, S::Error> {
        match color {
            Some([r, g, b]) => to.serialize_str(&format!("#{r:02x}{g:02x}{b:02x}")),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Option<[u8; 3]>, D::Error> {
        match Option::<Written>::deserialize(from)? {
            None => Ok(None),
            Some(Written::Numbers(color)) => Ok(Some(color)),
            Some(Written::Text(text)) => parse(&text)
                .map(Some)
                .ok_or_else(|| D::Error::custom(format!("a colour is #rrggbb, not {text}"))),
        }
    }

    fn parse(text: &str) -> Option<[u8; 3]> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let value = u32::from_str_radix(digits, 16).ok()?;
        let [_, r, g, b] = value.to_be_bytes();
        Some([r, g, b])
    }
}
