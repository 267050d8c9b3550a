//! The pixels that readers of polygons fill.

mod cv2;
mod pil;

use std::collections::BTreeSet;
use std::ops::Range;

pub use cv2::cv2;
pub use pil::pil;

/// How much pycocotools enlarges a polygon before it walks along its edges.
const SCALE: i64 = 5;

/// Coordinates beyond this are moved to it, so that sums do not overflow.
const FAR: f64 = 1e12;

/// Paints the pixels of a COCO polygon with corner coordinates as pycocotools does: those with their centre inside, by
/// the even-odd rule. Edges are rounded to fifths of a pixel.
///
/// The rule is that of `rleFrPoly`: a walk in steps of a fifth of a pixel, of which only the steps over the middles of
/// columns count. This computes these steps alone, so time does not grow with the length of edges outside of the image.
pub fn coco(corners: &[[f64; 2]], [width, height]: [usize; 2], mut paint: impl FnMut(usize, Range<usize>)) {
    let enlarged = |[x, y]: &[f64; 2]| [x, y].map(|at| (SCALE as f64 * at.clamp(-FAR, FAR) + 0.5) as i64);
    let enlarged: Vec<[i64; 2]> = corners.iter().map(enlarged).collect();
    let mut crossings: Vec<(usize, usize)> = Vec::new();
    for (from, to) in enlarged.iter().zip(enlarged.iter().cycle().skip(1)) {
        cross_columns(*from, *to, width, |column, y| {
            // From fifths to the first row whose middle lies at or below.
            let row = (y as f64 + 0.5) / SCALE as f64 - 0.5;
            crossings.push((row.clamp(0.0, height as f64).ceil() as usize, column));
        });
    }
    crossings.sort_unstable();
    paint_columns(&crossings, height, &mut paint);
}

/// Calls `cross(column, y)` for each middle of a column that an edge crosses, with the upper of the two steps.
fn cross_columns(from: [i64; 2], to: [i64; 2], width: usize, mut cross: impl FnMut(usize, i64)) {
    let [dx, dy] = [(to[0] - from[0]).abs(), (to[1] - from[1]).abs()];
    let flat = dx >= dy;
    // The walk has the same steps in both directions.
    let flip = if flat { from[0] > to[0] } else { from[1] > to[1] };
    let (from, to) = if flip { (to, from) } else { (from, to) };
    let [low, high] = [from[0].min(to[0]), from[0].max(to[0])];
    let half = SCALE / 2;
    // Between fifth 2 and fifth 3 of each column; both must be on the edge.
    let first = (low - half).max(0).div_euclid(SCALE) + i64::from((low - half).max(0) % SCALE > 0);
    let end = (high - half - 1).div_euclid(SCALE).min(width as i64 - 1) + 1;
    let slope = if flat {
        (to[1] - from[1]) as f64 / dx as f64
    } else {
        (to[0] - from[0]) as f64 / dy as f64
    };
    let at = |steps: i64, start: i64| (start as f64 + slope * steps as f64 + 0.5) as i64;
    for column in first..end {
        let before = column * SCALE + half;
        let y = if flat {
            at(before - from[0], from[1]).min(at(before + 1 - from[0], from[1]))
        } else {
            // The number of steps before the edge comes over the middle. Columns grow or shrink along the steps.
            let rising = to[0] > from[0];
            let (mut short, mut past) = (0, dy);
            while past - short > 1 {
                let middle = short + (past - short) / 2;
                let over = if rising {
                    at(middle, from[0]) > before
                } else {
                    at(middle, from[0]) <= before
                };
                if over { past = middle } else { short = middle }
            }
            from[1] + short
        };
        cross(column as usize, y);
    }
}

/// Paints pixels in whose column the number of crossings at or above is odd. Crossings are rows and columns, sorted.
fn paint_columns(crossings: &[(usize, usize)], height: usize, paint: &mut impl FnMut(usize, Range<usize>)) {
    // Where the state changes along the row: starts and ends of painted columns.
    let mut edges: BTreeSet<usize> = BTreeSet::new();
    for (index, (row, column)) in crossings.iter().enumerate() {
        for edge in [*column, column + 1] {
            if !edges.remove(&edge) {
                edges.insert(edge);
            }
        }
        let next = crossings.get(index + 1).map_or(height, |(next, _)| *next);
        if next == *row {
            continue;
        }
        for y in *row..next.min(height) {
            let mut ends = edges.iter();
            while let (Some(start), Some(end)) = (ends.next(), ends.next()) {
                paint(y, *start..*end);
            }
        }
    }
}

#[cfg(test)]
mod tests;
