//! The rows of a label file, and the pixels that ultralytics gives them.

use std::cmp::Reverse;
use std::fmt::Write;

use crate::annotate::UNLABELLED;
use crate::interchange::outline::{border, crack, fill};
use crate::labels::LabelMap;

/// Added to pixel indices, so that they come back whether a reader truncates or rounds.
const INSIDE: f64 = 0.25;

/// How much less than a pixel index a coordinate may be, in pixels: some tools write fractions with five decimals, and
/// the last one is rounded.
const ROUNDED: f32 = 0.05;

/// A polygon in fractions of the image.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Number of the class in the file.
    pub class: u16,
    pub points: Vec<[f32; 2]>,
}

/// One row for each connected part, with bridges to its holes; the largest first, as ultralytics sorts them. Classes
/// without a number are left out.
pub(super) fn written(labels: &LabelMap, number: impl Fn(u16) -> Option<u16>) -> String {
    let mut parts = crack::parts_where(labels, |id| id != UNLABELLED);
    parts.sort_by_key(|(_, part)| Reverse(part.pixels));
    let size = [labels.width, labels.height].map(|side| side as f64);
    let mut text = String::new();
    for (class, part) in parts {
        let Some(number) = number(class) else {
            continue;
        };
        // Writing to a string never fails.
        let _ = write!(text, "{number}");
        for point in border::bridged(&part) {
            for axis in 0..2 {
                let _ = write!(text, " {:.8}", (f64::from(point[axis]) + INSIDE) / size[axis]);
            }
        }
        text.push('\n');
    }
    text
}

/// Reads rows.
///
/// # Errors
/// A sentence, when a row is no polygon. Boxes are refused: they are no masks.
pub(super) fn parsed(text: &str) -> Result<Vec<Row>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| row(line).map_err(|why| format!("row {}: {why}", index + 1)))
        .collect()
}

fn row(line: &str) -> Result<Row, String> {
    let mut values = line.split_whitespace();
    let class = values.next().unwrap_or_default();
    // Some tools write numbers of classes with a fraction of zero.
    let class = class
        .strip_suffix(".0")
        .unwrap_or(class)
        .parse()
        .ok()
        .filter(|class| *class < u16::MAX);
    let class = class.ok_or("expected the number of a class at the beginning; export the labels again")?;
    let values: Result<Vec<f32>, _> = values.map(str::parse).collect();
    let values = values.map_err(|why| format!("expected numbers, found others ({why}); export the labels again"))?;
    if let Some(outside) = values.iter().find(|value| !(-0.01..=1.01).contains(*value)) {
        return Err(format!(
            "expected fractions of the image from 0 to 1, found {outside}; divide by its size"
        ));
    }
    match values.as_chunks::<2>() {
        (points, []) if points.len() > 2 => Ok(Row {
            class,
            points: points.to_vec(),
        }),
        (points, []) if points.len() == 2 => {
            Err("expected a polygon, found a box; export masks or polygons".to_owned())
        }
        _ => Err(format!(
            "expected three or more points, found {} numbers; export the labels again",
            values.len()
        )),
    }
}

/// Paints rows as ultralytics does: coordinates lose their fractions (but not a pixel to a rounded decimal), `cv2.fillPoly` fills, and smaller polygons lie on
/// larger ones.
///
/// # Errors
/// A sentence, when a row's class has no id.
pub(super) fn paint(rows: &[Row], labels: &mut LabelMap, id: impl Fn(u16) -> Option<u16>) -> Result<(), String> {
    let size = [labels.width, labels.height];
    let mut sorted = Vec::with_capacity(rows.len());
    for row in rows {
        let found = format_args!(
            "expected classes of the list, found number {}; add the class",
            row.class
        )
        .to_string();
        let id = id(row.class).ok_or(found)?;
        let whole = |point: &[f32; 2]| [0, 1].map(|axis| (point[axis] * size[axis] as f32 + ROUNDED).floor() as i32);
        let ring: Vec<[i32; 2]> = row.points.iter().map(whole).collect();
        let pixels = pixels(&ring, size);
        sorted.push((pixels, id, ring));
    }
    sorted.sort_by_key(|(pixels, ..)| Reverse(*pixels));
    for (_, id, ring) in sorted {
        fill::cv2(&[ring], size, |y, columns| {
            if let Some(row) = labels.ids.get_mut(y * size[0]..).and_then(|row| row.get_mut(columns)) {
                row.fill(id);
            }
        });
    }
    Ok(())
}

/// Number of pixels of a ring, which are painted more than once where it is thin.
fn pixels(ring: &[[i32; 2]], [width, height]: [usize; 2]) -> usize {
    let side = |axis: usize, size: usize| {
        let inside = ring
            .iter()
            .map(|point| (point[axis].max(0) as usize).min(size.saturating_sub(1)));
        let first = inside.clone().min().unwrap_or(0);
        (first, inside.max().map_or(0, |last| last - first + 1))
    };
    let ((left, across), (top, down)) = (side(0, width), side(1, height));
    let mut painted = vec![false; across * down];
    fill::cv2(&[ring.to_vec()], [width, height], |y, columns| {
        let row = y
            .checked_sub(top)
            .and_then(|y| painted.get_mut(y * across..(y + 1) * across));
        let columns = columns.start.saturating_sub(left)..columns.end.saturating_sub(left).min(across);
        if let Some(pixels) = row.and_then(|row| row.get_mut(columns)) {
            pixels.fill(true);
        }
    });
    painted.iter().filter(|is_painted| **is_painted).count()
}
