//! The rule of `cv2.fillPoly` (OpenCV 4 and 5, without anti-aliasing).

use std::ops::Range;

/// Fractions of a pixel in the columns of edges.
const ONE: i64 = 1 << 16;

/// An edge that is not horizontal, over the rows `top..bottom`.
#[derive(Clone, Copy, Debug)]
struct Edge {
    top: i64,
    bottom: i64,
    /// Column at the top, and how it changes with each row, in fractions of a pixel.
    x: i64,
    dx: i64,
}

/// Paints the pixels that `cv2.fillPoly` sets: the edges as lines of 8-connected pixels, and what lies between them by
/// the even-odd rule over all rings together. A pixel can be painted more than once.
pub fn cv2(rings: &[Vec<[i32; 2]>], size: [usize; 2], mut paint: impl FnMut(usize, Range<usize>)) {
    let mut edges: Vec<Edge> = Vec::new();
    for ring in rings {
        // From the last point on, as OpenCV goes around.
        let before = ring.iter().cycle().skip(ring.len().saturating_sub(1));
        for (from, to) in before.zip(ring) {
            let [from, to] = [from, to].map(|point| point.map(i64::from));
            let (inside, [start, end]) = clipped(from, to, size.map(|side| side as i64 - 1));
            if inside {
                line(start, end, &mut paint);
            }
            if from[1] != to[1] {
                // OpenCV computes columns from the piece inside, even when that has become a point.
                let [first, last] = if start[1] == end[1] {
                    [from[1], to[1]]
                } else {
                    [start[1], end[1]]
                };
                let dx = (end[0] - start[0]) * ONE / (last - first);
                let [top, bottom] = [from[1].min(to[1]), from[1].max(to[1])];
                let [x, known] = if from[1] < to[1] {
                    [start[0], first]
                } else {
                    [end[0], last]
                };
                let x = (x * ONE).saturating_add((top - known).saturating_mul(dx));
                edges.push(Edge { top, bottom, x, dx });
            }
        }
    }
    edges.sort_by_key(|edge| (edge.top, edge.x, edge.dx));
    between(&edges, size, &mut paint);
}

/// Paints between edges, in pairs from left to right.
fn between(edges: &[Edge], [width, height]: [usize; 2], paint: &mut impl FnMut(usize, Range<usize>)) {
    let mut waiting = edges.iter().peekable();
    let mut active: Vec<Edge> = Vec::new();
    let mut columns: Vec<i64> = Vec::new();
    let Some(first) = edges.first() else {
        return;
    };
    let mut y = first.top.max(0);
    while y < height as i64 {
        active.retain(|edge| edge.bottom > y);
        while let Some(edge) = waiting.next_if(|edge| edge.top <= y) {
            if edge.bottom > y {
                active.push(*edge);
            }
        }
        columns.clear();
        columns.extend(
            active
                .iter()
                .map(|edge| edge.x.saturating_add(edge.dx.saturating_mul(y - edge.top))),
        );
        columns.sort_unstable();
        for pair in columns.as_chunks::<2>().0 {
            // Only whole pixels; the lines cover the rest.
            let [start, end] = [pair[0].saturating_add(ONE - 1).div_euclid(ONE), pair[1].div_euclid(ONE)];
            let columns = start.clamp(0, width as i64) as usize..(end + 1).clamp(0, width as i64) as usize;
            if !columns.is_empty() {
                paint(y as usize, columns);
            }
        }
        y += 1;
        if active.is_empty() {
            let Some(next) = waiting.peek() else {
                return;
            };
            y = y.max(next.top);
        }
    }
}

/// Paints a line of 8-connected pixels, from its left end on. Halves stay with the left end's side.
fn line(mut from: [i64; 2], mut to: [i64; 2], paint: &mut impl FnMut(usize, Range<usize>)) {
    if from[0] > to[0] {
        (from, to) = (to, from);
    }
    let [dx, dy] = [to[0] - from[0], (to[1] - from[1]).abs()];
    let down = if to[1] < from[1] { -1 } else { 1 };
    let minor = |steps: i64, long: i64, short: i64| match long {
        0 => 0,
        _ => (2 * short * steps + long - 1).div_euclid(2 * long),
    };
    if dy > dx {
        for step in 0..=dy {
            let x = (from[0] + minor(step, dy, dx)) as usize;
            paint((from[1] + down * step) as usize, x..x + 1);
        }
        return;
    }
    // Pixels of one row together.
    let mut start = 0;
    while start <= dx {
        let row = minor(start, dx, dy);
        // The last step that is still in this row.
        let end = if dy == 0 {
            dx
        } else {
            ((2 * row + 1) * dx / (2 * dy)).min(dx)
        };
        let columns = (from[0] + start) as usize..(from[0] + end + 1) as usize;
        paint((from[1] + down * row) as usize, columns);
        start = end + 1;
    }
}

/// The piece of a line inside the image, as OpenCV cuts it: rows first, then columns, each rounded towards the end that
/// is cut. Whether a piece is inside, and its ends; else the ends are where cutting stopped.
fn clipped(mut from: [i64; 2], mut to: [i64; 2], last: [i64; 2]) -> (bool, [[i64; 2]; 2]) {
    let beyond = |at: i64, last: i64| if at < 0 { -1 } else { i64::from(at > last) };
    for axis in [1, 0] {
        let apart = |axis: usize| beyond(from[axis], last[axis]) * beyond(to[axis], last[axis]) == 1;
        if apart(0) || apart(1) {
            return (false, [from, to]);
        }
        let sides = [from, to].map(|end| beyond(end[axis], last[axis]));
        if sides[0] != 0 {
            from = cut(from, to, axis, last[axis], sides[0]);
        }
        if sides[1] != 0 {
            to = cut(to, from, axis, last[axis], sides[1]);
        }
    }
    let inside = |end: [i64; 2]| (0..2).all(|axis| beyond(end[axis], last[axis]) == 0);
    (inside(from) && inside(to), [from, to])
}

/// Moves one end of a line along it to the border of the image.
fn cut(end: [i64; 2], other: [i64; 2], axis: usize, last: i64, side: i64) -> [i64; 2] {
    let border = if side < 0 { 0 } else { last };
    let along = (border - end[axis]) as f64 * (other[1 - axis] - end[1 - axis]) as f64;
    let mut moved = end;
    moved[1 - axis] += (along / (other[axis] - end[axis]) as f64) as i64;
    moved[axis] = border;
    moved
}
