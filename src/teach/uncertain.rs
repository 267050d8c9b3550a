//! Where a stroke helps most: the largest region in which the decoder is unsure.

use std::ops::Range;

/// Most cells of the grid that is searched; larger images are searched in squares of several pixels.
const MOST_CELLS: usize = 250_000;

/// A region of small margins.
#[derive(Clone, Debug, PartialEq)]
pub struct Uncertain {
    /// A pixel in its middle, as column and row: farthest from everything that is not uncertain.
    pub pixel: [usize; 2],
    /// Its columns.
    pub columns: Range<usize>,
    /// Its rows.
    pub rows: Range<usize>,
    /// Number of its pixels; within a few where the image is searched in squares.
    pub pixels: usize,
}

/// The largest region of margins below a limit, in an image of `[width, height]`; `None` if there is none, or if the
/// number of margins is not that of the pixels.
///
/// The unsure seams along the borders of classes, which connect to a net, are first made thinner by a cell on each
/// side: what remains is compared. Where nothing remains, the seams are.
pub fn largest_uncertain(margins: &[f32], [width, height]: [usize; 2], limit: f32) -> Option<Uncertain> {
    if width == 0 || height == 0 || margins.len() != width * height {
        return None;
    }
    let step = ((margins.len() as f64 / MOST_CELLS as f64).sqrt().ceil() as usize).max(1);
    let [columns, rows] = [width.div_ceil(step), height.div_ceil(step)];
    let unsure = (0..columns * rows).map(|cell| {
        let across = cell % columns * step..(cell % columns * step + step).min(width);
        let down = cell / columns * step..(cell / columns * step + step).min(height);
        let count = across.len() * down.len();
        let sum: f32 = down.flat_map(|y| &margins[y * width..][across.clone()]).sum();
        sum / (count as f32) < limit
    });
    let depths = depths(unsure.collect(), columns);
    let region = largest(&depths, columns, 2).or_else(|| largest(&depths, columns, 1))?;
    let place = |at: usize, side: usize| (at * step + step / 2).min(side - 1);
    let pixels_of = |cells: Range<usize>, side: usize| cells.start * step..(cells.end * step).min(side);
    Some(Uncertain {
        pixel: [
            place(region.deepest % columns, width),
            place(region.deepest / columns, height),
        ],
        columns: pixels_of(region.columns, width),
        rows: pixels_of(region.rows, height),
        pixels: region.cells * step * step,
    })
}

/// The distance of each cell to the nearest one that is not wanted, in steps across and down; 0 for those. The image's
/// edge does not count.
fn depths(wanted: Vec<bool>, columns: usize) -> Vec<u32> {
    const FAR: u32 = u32::MAX / 2;
    let mut depths: Vec<u32> = wanted.iter().map(|wanted| if *wanted { FAR } else { 0 }).collect();
    let last = depths.len();
    for cell in 0..last {
        let above = cell.checked_sub(columns).map_or(FAR, |above| depths[above]);
        let left = if cell % columns > 0 { depths[cell - 1] } else { FAR };
        depths[cell] = depths[cell].min(above.min(left) + 1);
    }
    for cell in (0..last).rev() {
        let below = depths.get(cell + columns).copied().unwrap_or(FAR);
        let right = if cell % columns + 1 < columns {
            depths[cell + 1]
        } else {
            FAR
        };
        depths[cell] = depths[cell].min(below.min(right) + 1);
    }
    depths
}

struct Found {
    cells: usize,
    deepest: usize,
    columns: Range<usize>,
    rows: Range<usize>,
}

/// The connected region with the most cells of at least this depth; the first of equal ones.
fn largest(depths: &[u32], columns: usize, least: u32) -> Option<Found> {
    let mut open: Vec<bool> = depths.iter().map(|depth| *depth >= least).collect();
    let mut best: Option<Found> = None;
    let mut stack = Vec::new();
    for start in 0..open.len() {
        if !std::mem::take(&mut open[start]) {
            continue;
        }
        let (x, y) = (start % columns, start / columns);
        let mut found = Found {
            cells: 0,
            deepest: start,
            columns: x..x + 1,
            rows: y..y + 1,
        };
        stack.push(start);
        while let Some(cell) = stack.pop() {
            let (x, y) = (cell % columns, cell / columns);
            found.cells += 1;
            found.columns = found.columns.start.min(x)..found.columns.end.max(x + 1);
            found.rows = found.rows.start.min(y)..found.rows.end.max(y + 1);
            let rank = |cell: usize| (depths[cell], std::cmp::Reverse(cell));
            if rank(cell) > rank(found.deepest) {
                found.deepest = cell;
            }
            let beside = [
                (x > 0).then(|| cell - 1),
                (x + 1 < columns).then_some(cell + 1),
                cell.checked_sub(columns),
                Some(cell + columns).filter(|below| *below < depths.len()),
            ];
            for next in beside.into_iter().flatten() {
                if std::mem::take(&mut open[next]) {
                    stack.push(next);
                }
            }
        }
        if best.as_ref().is_none_or(|best| found.cells > best.cells) {
            best = Some(found);
        }
    }
    best
}
