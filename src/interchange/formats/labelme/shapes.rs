//! The shapes of a labelme file, and the pixels that they cover.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::interchange::outline::fill;
use crate::labels::LabelMap;

/// A labelme file. Other keys are not read.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct File {
    #[serde(default)]
    pub version: Option<String>,
    #[serde(default)]
    pub flags: Flags,
    pub shapes: Vec<Shape>,
    #[serde(rename = "imagePath", default)]
    pub image_path: Option<String>,
    // Labelme refuses files without this key.
    #[serde(rename = "imageData", default, skip_deserializing)]
    pub image_data: Option<String>,
    #[serde(rename = "imageHeight", default)]
    pub image_height: Option<u64>,
    #[serde(rename = "imageWidth", default)]
    pub image_width: Option<u64>,
}

/// An object without keys; the keys of other files are not read.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct Flags {}

/// One shape. Later shapes lie on top.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct Shape {
    pub label: String,
    pub points: Vec<[f64; 2]>,
    #[serde(default, skip_deserializing)]
    pub group_id: Option<u64>,
    #[serde(default, skip_deserializing)]
    pub description: String,
    #[serde(default)]
    pub shape_type: Option<String>,
    #[serde(default, skip_deserializing)]
    pub flags: Flags,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
}

/// How a shape was painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Painted {
    /// As labelme's own export does it.
    Exactly,
    /// Border pixels can differ from labelme's own export.
    Nearly,
    /// Not at all: points and lines have no area.
    Not,
}

/// Gives the pixels of a shape an id.
///
/// # Errors
/// A sentence, when the shape contradicts itself.
pub(in super::super) fn paint(shape: &Shape, labels: &mut LabelMap, id: u16) -> Result<Painted, String> {
    if shape.points.iter().flatten().any(|at| !at.is_finite()) {
        return Err("expected numbers as points, found others; draw the shape again".to_owned());
    }
    let size = [labels.width, labels.height];
    let mut set = |y: usize, columns: Range<usize>| {
        if let Some(row) = labels
            .ids
            .get_mut(y * size[0]..(y + 1) * size[0])
            .and_then(|row| row.get_mut(columns))
        {
            row.fill(id);
        }
    };
    let kind = shape.shape_type.as_deref().unwrap_or("polygon");
    let count = shape.points.len();
    match (kind, shape.points.as_slice()) {
        ("polygon" | "oriented_rectangle", points) if count > 2 => fill::pil(points, size, set),
        ("rectangle", [first, second]) => {
            let [columns, rows] = [0, 1].map(|axis| inclusive(first[axis], second[axis], size[axis]));
            rows.for_each(|y| set(y, columns.clone()));
        }
        ("circle", [middle, on_it]) => {
            disk(*middle, (middle[0] - on_it[0]).hypot(middle[1] - on_it[1]), size, set);
            return Ok(Painted::Nearly);
        }
        ("mask", [first, second]) => mask(shape.mask.as_deref().unwrap_or_default(), [*first, *second], size, set)?,
        ("line" | "linestrip" | "point" | "points", _) => return Ok(Painted::Not),
        ("polygon" | "oriented_rectangle" | "rectangle" | "circle" | "mask", _) => {
            return Err(format!(
                "expected the points of a {kind}, found {count}; draw the shape again"
            ));
        }
        _ => {
            return Err(format!(
                "expected a shape of labelme, found {kind:?}; change it to a polygon"
            ));
        }
    }
    Ok(Painted::Exactly)
}

/// Whole pixels between two coordinates, both included, inside of the image.
fn inclusive(a: f64, b: f64, size: usize) -> Range<usize> {
    let [first, last] = [a.min(b) as i64, a.max(b) as i64];
    let start = first.clamp(0, size as i64);
    start as usize..last.saturating_add(1).clamp(start, size as i64) as usize
}

/// Pixels whose index lies in a circle.
fn disk(middle: [f64; 2], radius: f64, size: [usize; 2], mut set: impl FnMut(usize, Range<usize>)) {
    for y in inclusive(middle[1] - radius, middle[1] + radius, size[1]) {
        let half = (radius.powi(2) - (y as f64 - middle[1]).powi(2)).max(0.0).sqrt();
        let [start, end] = [(middle[0] - half).ceil(), (middle[0] + half).floor() + 1.0];
        let columns = start.clamp(0.0, size[0] as f64) as usize..end.clamp(0.0, size[0] as f64) as usize;
        if (y as f64 - middle[1]).abs() <= radius && !columns.is_empty() {
            set(y, columns);
        }
    }
}

/// Pixels that are not zero in a PNG, which has its corners (both included) at two points.
fn mask(
    text: &str,
    corners: [[f64; 2]; 2],
    size: [usize; 2],
    mut set: impl FnMut(usize, Range<usize>),
) -> Result<(), String> {
    let [left, top, right, bottom] = [corners[0][0], corners[0][1], corners[1][0], corners[1][1]].map(|at| at as i64);
    let inside = left >= 0 && top >= 0 && right < size[0] as i64 && bottom < size[1] as i64;
    if !inside || left > right || top > bottom {
        return Err(format!(
            "expected a mask inside of the image, found {corners:?}; draw it again"
        ));
    }
    let expected = [(right - left + 1) as usize, (bottom - top + 1) as usize];
    let bytes = STANDARD
        .decode(text)
        .map_err(|why| format!("the mask is no base64 text ({why}); draw it again"))?;
    // The size in the header, before memory is used for it.
    let stated = [16, 20].map(|at| {
        bytes
            .get(at..)
            .and_then(|rest| rest.first_chunk().copied().map(u32::from_be_bytes))
    });
    if stated != expected.map(|side| u32::try_from(side).ok()) {
        let text = format!("expected a mask of {expected:?} pixels as its points say, found {stated:?}; draw it again");
        return Err(text);
    }
    let crop = LabelMap::from_png(&bytes).map_err(|why| why.to_string())?;
    for (y, row) in crop.ids.chunks_exact(crop.width.max(1)).enumerate() {
        let mut x = left as usize;
        for run in row.chunk_by(|a, b| (*a == 0) == (*b == 0)) {
            if run.first().is_some_and(|value| *value != 0) {
                set(top as usize + y, x..x + run.len());
            }
            x += run.len();
        }
    }
    Ok(())
}
