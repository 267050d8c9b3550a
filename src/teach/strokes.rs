//! From strokes to pixels: what a stroke covers, the mask of all strokes, and the pixels that are learnt from.
//!
//! A pixel belongs to a stroke when its centre is at most half the stroke's width away from one of its segments.
//! Coordinates are those of the stroke file: integers are pixel centres.

use std::ops::Range;

use super::stroke_file::{MAX_PLACE, MAX_WIDTH, Stroke};
use crate::labels::LabelMap;

/// Most pixels of a stroke that are learnt from.
pub const MAX_SAMPLES: usize = 20;

/// What the mask of strokes holds where there is none.
pub const NO_STROKE: u16 = u16::MAX;

/// Adjoining pixels of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    y: usize,
    x: Range<usize>,
}

/// A pixel that is learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplePixel {
    /// Column.
    pub x: usize,
    /// Row.
    pub y: usize,
    /// Class id of its stroke.
    pub class: u16,
}

/// The pixels of a stroke in an image of `[width, height]`: indices `y * width + x`, ascending, each once. Parts
/// outside are left out; a stroke that is out of bounds (see `StrokeFile::check`) has no pixels.
pub fn pixels(stroke: &Stroke, size: [usize; 2]) -> Vec<usize> {
    let runs = runs(stroke, size);
    let of_run = |run: &Run| run.y * size[0] + run.x.start..run.y * size[0] + run.x.end;
    runs.iter().flat_map(of_run).collect()
}

/// The classes of all strokes in an image of `[width, height]`, later ones over earlier ones; [`NO_STROKE`] elsewhere.
pub fn mask(strokes: &[Stroke], size: [usize; 2]) -> LabelMap {
    let mut map = LabelMap {
        width: size[0],
        height: size[1],
        ids: vec![NO_STROKE; size[0] * size[1]],
    };
    paint(strokes, &mut map);
    map
}

/// Writes the classes of all strokes into a label map, later ones over earlier ones.
pub fn paint(strokes: &[Stroke], map: &mut LabelMap) {
    for stroke in strokes {
        for run in runs(stroke, [map.width, map.height]) {
            map.ids[run.y * map.width..][run.x].fill(stroke.class);
        }
    }
}

/// The pixels of all strokes that are learnt from, stroke by stroke.
///
/// Of each stroke's `n` pixels, row by row, those with the numbers `floor(i (n - 1) / 19)` for `i` in `0..20`, or all
/// if there are no more than [`MAX_SAMPLES`]. Those that a later stroke of another class covers are left out after
/// that, so that painting over a mistake corrects it.
pub fn samples(strokes: &[Stroke], size: [usize; 2]) -> Vec<SamplePixel> {
    let mask = mask(strokes, size);
    let mut all = Vec::new();
    for stroke in strokes {
        let pixels = pixels(stroke, size);
        let kept = evenly_spaced(&pixels).filter(|at| mask.ids[*at] == stroke.class);
        all.extend(kept.map(|at| SamplePixel {
            x: at % size[0],
            y: at / size[0],
            class: stroke.class,
        }));
    }
    all
}

/// At most [`MAX_SAMPLES`] of these, with the first and the last.
fn evenly_spaced(pixels: &[usize]) -> impl Iterator<Item = usize> {
    let count = pixels.len().min(MAX_SAMPLES);
    let steps = count.saturating_sub(1).max(1);
    (0..count).map(move |i| pixels[i * (pixels.len() - 1) / steps])
}

/// The rows of a stroke, top to bottom and left to right; none of them touch.
fn runs(stroke: &Stroke, size: [usize; 2]) -> Vec<Run> {
    let in_bounds = |point: &[f64; 2]| point.iter().all(|at| at.abs() <= MAX_PLACE);
    if !(stroke.width > 0.0 && stroke.width <= MAX_WIDTH && stroke.points.iter().all(in_bounds)) {
        return Vec::new();
    }
    let mut runs = Vec::new();
    match stroke.points.as_slice() {
        [dot] => segment(*dot, *dot, stroke.width / 2.0, size, &mut runs),
        points => {
            for ends in points.windows(2) {
                segment(ends[0], ends[1], stroke.width / 2.0, size, &mut runs);
            }
        }
    }
    runs.sort_unstable_by_key(|run| (run.y, run.x.start));
    let mut merged: Vec<Run> = Vec::new();
    for run in runs {
        match merged.last_mut() {
            Some(last) if last.y == run.y && run.x.start <= last.x.end => last.x.end = last.x.end.max(run.x.end),
            _ => merged.push(run),
        }
    }
    merged
}

/// Adds the rows of the pixels at most `reach` away from a segment, in an image of this size.
fn segment(from: [f64; 2], to: [f64; 2], reach: f64, size: [usize; 2], runs: &mut Vec<Run>) {
    let last = size.map(|side| side as f64 - 1.0);
    let bounds = |axis: usize| {
        let low = (from[axis].min(to[axis]) - reach).ceil().max(0.0);
        let high = (from[axis].max(to[axis]) + reach).floor().min(last[axis]);
        (low, high)
    };
    let ((left, right), (top, bottom)) = (bounds(0), bounds(1));
    if left > right || top > bottom {
        return;
    }
    for y in top as usize..=bottom as usize {
        // The area is convex: what it has of a row is one piece. Its ends are estimated, then found with the exact
        // rule.
        let Some([first, end]) = reach_of_row(from, to, reach, y as f64) else {
            continue;
        };
        let mut first = (first - 2.0).floor().max(left);
        let mut end = (end + 2.0).ceil().min(right);
        while first <= end && !covers(from, to, reach, [first, y as f64]) {
            first += 1.0;
        }
        while first <= end && !covers(from, to, reach, [end, y as f64]) {
            end -= 1.0;
        }
        if first <= end {
            runs.push(Run {
                y,
                x: first as usize..end as usize + 1,
            });
        }
    }
}

/// Whether a place is at most `reach` away from a segment. Exact where coordinates and `2 reach` are integers.
fn covers([ax, ay]: [f64; 2], [bx, by]: [f64; 2], reach: f64, [x, y]: [f64; 2]) -> bool {
    let (dx, dy) = (bx - ax, by - ay);
    let (px, py) = (x - ax, y - ay);
    let (squared, along) = (dx * dx + dy * dy, px * dx + py * dy);
    if along <= 0.0 || squared == 0.0 {
        return px * px + py * py <= reach * reach;
    }
    if along >= squared {
        return (x - bx) * (x - bx) + (y - by) * (y - by) <= reach * reach;
    }
    let across = px * dy - py * dx;
    across * across <= reach * reach * squared
}

/// The columns between which a row may be covered, with a little room.
fn reach_of_row([ax, ay]: [f64; 2], [bx, by]: [f64; 2], reach: f64, y: f64) -> Option<[f64; 2]> {
    // The row can only be reached from the part of the segment that is at most `reach` above or below it.
    let dy = by - ay;
    let [start, stop] = match dy == 0.0 {
        true => [0.0, 1.0],
        false => {
            let ends = [(y - reach - ay) / dy, (y + reach - ay) / dy];
            [ends[0].min(ends[1]).max(0.0), ends[0].max(ends[1]).min(1.0)]
        }
    };
    if start > stop + 1e-9 {
        return None;
    }
    let [one, two] = [start, stop].map(|along| ax + along * (bx - ax));
    Some([one.min(two) - reach, one.max(two) + reach])
}
