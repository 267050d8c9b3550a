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

/// Most crossings of edges and columns that are kept at a time; a polygon with more costs a bit for each pixel instead.
const MOST_CROSSINGS: u64 = 1 << 22;

/// Paints the pixels of a COCO polygon with corner coordinates as pycocotools does: those with their centre inside, by
/// the even-odd rule. Edges are rounded to fifths of a pixel.
///
/// The rule is that of `rleFrPoly`: a walk in steps of a fifth of a pixel, of which only the steps over the middles of
/// columns count. This computes these steps alone, so time does not grow with the length of edges outside of the image.
pub fn coco(corners: &[[f64; 2]], size: [usize; 2], mut paint: impl FnMut(usize, Range<usize>)) {
    coco_within(MOST_CROSSINGS, corners, size, &mut paint);
}

/// The same, with the most crossings that are kept.
fn coco_within(
    most: u64,
    corners: &[[f64; 2]],
    [width, height]: [usize; 2],
    paint: &mut impl FnMut(usize, Range<usize>),
) {
    let enlarged = |[x, y]: &[f64; 2]| [x, y].map(|at| (SCALE as f64 * at.clamp(-FAR, FAR) + 0.5) as i64);
    let enlarged: Vec<[i64; 2]> = corners.iter().map(enlarged).collect();
    let edges = || enlarged.iter().zip(enlarged.iter().cycle().skip(1));
    let cross = |take: &mut dyn FnMut(usize, usize)| {
        for (from, to) in edges() {
            cross_columns(*from, *to, width, |column, y| {
                // From fifths to the first row whose middle lies at or below.
                let row = (y as f64 + 0.5) / SCALE as f64 - 0.5;
                take(row.clamp(0.0, height as f64).ceil() as usize, column);
            });
        }
    };
    let columns = edges().map(|(from, to)| {
        let crossed = crossed([from[0], to[0]], width);
        crossed.end.saturating_sub(crossed.start).max(0) as u64
    });
    if columns.sum::<u64>() > most {
        let mut odd = vec![0_u64; (width * height).div_ceil(64)];
        cross(&mut |row, column| {
            let place = row * width + column;
            if let Some(word) = odd.get_mut(place / 64).filter(|_| row < height) {
                *word ^= 1 << (place % 64);
            }
        });
        return paint_bits(&odd, [width, height], paint);
    }
    let mut crossings: Vec<(usize, usize)> = Vec::new();
    cross(&mut |row, column| crossings.push((row, column)));
    crossings.sort_unstable();
    paint_columns(&crossings, height, paint);
}

/// The columns whose middles an edge crosses: both fifth 2 and fifth 3 of the column must be on the edge.
fn crossed(ends: [i64; 2], width: usize) -> Range<i64> {
    let [low, high] = [ends[0].min(ends[1]), ends[0].max(ends[1])];
    let half = SCALE / 2;
    let first = (low - half).max(0).div_euclid(SCALE) + i64::from((low - half).max(0) % SCALE > 0);
    first..(high - half - 1).div_euclid(SCALE).min(width as i64 - 1) + 1
}

/// Calls `cross(column, y)` for each middle of a column that an edge crosses, with the upper of the two steps.
fn cross_columns(from: [i64; 2], to: [i64; 2], width: usize, mut cross: impl FnMut(usize, i64)) {
    let [dx, dy] = [(to[0] - from[0]).abs(), (to[1] - from[1]).abs()];
    let flat = dx >= dy;
    // The walk has the same steps in both directions.
    let flip = if flat { from[0] > to[0] } else { from[1] > to[1] };
    let (from, to) = if flip { (to, from) } else { (from, to) };
    let half = SCALE / 2;
    let slope = if flat {
        (to[1] - from[1]) as f64 / dx as f64
    } else {
        (to[0] - from[0]) as f64 / dy as f64
    };
    let at = |steps: i64, start: i64| (start as f64 + slope * steps as f64 + 0.5) as i64;
    for column in crossed([from[0], to[0]], width) {
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

/// The same as [`paint_columns`], from one bit for each pixel: whether the number of crossings right there is odd.
fn paint_bits(odd: &[u64], [width, height]: [usize; 2], paint: &mut impl FnMut(usize, Range<usize>)) {
    let mut inside = vec![false; width];
    for y in 0..height {
        for (x, inside) in inside.iter_mut().enumerate() {
            let place = y * width + x;
            *inside ^= odd.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1);
        }
        let mut start = 0;
        for run in inside.chunk_by(|left, right| left == right) {
            let end = start + run.len();
            if run[0] {
                paint(y, start..end);
            }
            start = end;
        }
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
