//! The brush: the pixels under a tip that moves in a straight line.

use super::super::spans::Span;

/// Form of the tip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tip {
    /// A disc. Its radius is half a pixel larger than half the size rounded down, so that no pixel sticks out of the
    /// circle.
    #[default]
    Round,
    /// A square.
    Square,
}

/// A tip with its diameter or side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brush {
    /// Its form.
    pub tip: Tip,
    /// Its size in pixels of the image, at least 1.
    pub size: u32,
}

impl Brush {
    /// Smallest and largest size.
    pub const SIZES: [u32; 2] = [1, 2000];

    /// Where the tip is when the pointer is at a place of the image, in pixels from its left or top edge: a tip of odd
    /// size stands in the middle of a pixel, one of even size on a corner. The same pixels are painted at every zoom.
    pub fn settled(self, [x, y]: [f64; 2]) -> [f64; 2] {
        match self.size % 2 {
            0 => [x.round(), y.round()],
            _ => [x.floor() + 0.5, y.floor() + 0.5],
        }
    }

    /// The pixels under the tip while it moves from one settled place to another, in an image of this size. There are
    /// no gaps, however far apart the places are.
    pub fn path(self, from: [f64; 2], to: [f64; 2], [width, height]: [usize; 2]) -> Vec<Span> {
        let reach = self.reach();
        let top = (from[1].min(to[1]) - reach - 0.5).ceil().max(0.0) as usize;
        let bottom = (from[1].max(to[1]) + reach + 0.5).floor().clamp(0.0, height as f64) as usize;
        let rows = top..bottom;
        rows.filter_map(|y| {
            let columns = match self.tip {
                Tip::Round => round_row(from, to, reach, y as f64 + 0.5),
                Tip::Square => square_row(from, to, reach, y as f64 + 0.5),
            }?;
            Span::of_centres(y, columns, width)
        })
        .collect()
    }

    /// Distance from the middle of the tip to its edge.
    fn reach(self) -> f64 {
        let size = self.size.max(1);
        match (self.tip, size % 2) {
            (Tip::Square, _) => f64::from(size) / 2.0,
            // Half of it, plus what makes the edge even: napari's rule for odd sizes.
            (Tip::Round, 1) => f64::from(size / 2) + 0.5,
            (Tip::Round, _) => f64::from(size) / 2.0,
        }
    }
}

/// The part of a row within a distance of the line between two places. The area is convex, so the part has no gap.
fn round_row([ax, ay]: [f64; 2], [bx, by]: [f64; 2], reach: f64, y: f64) -> Option<[f64; 2]> {
    let mut row: Option<[f64; 2]> = None;
    let mut add = |x: f64| {
        row = Some(match row {
            Some([left, right]) => [left.min(x), right.max(x)],
            None => [x, x],
        });
    };
    for [x, centre] in [[ax, ay], [bx, by]] {
        let half = reach * reach - (y - centre) * (y - centre);
        if half >= 0.0 {
            add(x - half.sqrt());
            add(x + half.sqrt());
        }
    }
    // The two straight sides: the line, moved at a right angle.
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx.hypot(dy);
    if length > 0.0 && dy != 0.0 {
        for side in [reach, -reach] {
            let (ox, oy) = (-dy / length * side, dx / length * side);
            let along = (y - ay - oy) / dy;
            if (0.0..=1.0).contains(&along) {
                add(ax + ox + along * dx);
            }
        }
    }
    row
}

/// The part of a row under a square that moves between two places.
fn square_row([ax, ay]: [f64; 2], [bx, by]: [f64; 2], reach: f64, y: f64) -> Option<[f64; 2]> {
    let dy = by - ay;
    // The part of the way on which the square covers the row.
    let [first, last] = if dy == 0.0 {
        if (y - ay).abs() > reach {
            return None;
        }
        [0.0, 1.0]
    } else {
        let ends = [(y - reach - ay) / dy, (y + reach - ay) / dy];
        [ends[0].min(ends[1]).max(0.0), ends[0].max(ends[1]).min(1.0)]
    };
    if first > last {
        return None;
    }
    let [start, end] = [first, last].map(|along| ax + along * (bx - ax));
    Some([start.min(end) - reach, start.max(end) + reach])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(brush: Brush, from: [f64; 2], to: [f64; 2], size: [usize; 2]) -> Vec<String> {
        let mut rows = vec![".".repeat(size[0]); size[1]];
        for span in brush.path(brush.settled(from), brush.settled(to), size) {
            rows[span.y].replace_range(span.x.clone(), &"#".repeat(span.x.len()));
        }
        rows
    }

    fn brush(tip: Tip, size: u32) -> Brush {
        Brush { tip, size }
    }

    #[test]
    fn tips_have_their_size_and_no_stray_pixel() {
        let at = [3.2, 3.7];
        assert_eq!(drawn(brush(Tip::Round, 1), at, at, [7, 7])[3], "...#...");
        assert_eq!(
            drawn(brush(Tip::Round, 1), at, at, [7, 7])
                .concat()
                .matches('#')
                .count(),
            1
        );
        assert_eq!(
            drawn(brush(Tip::Round, 5), at, at, [7, 7]),
            [
                ".......", "..###..", ".#####.", ".#####.", ".#####.", "..###..", "......."
            ]
        );
        assert_eq!(
            drawn(brush(Tip::Square, 2), at, at, [7, 7]),
            [
                ".......", ".......", ".......", "..##...", "..##...", ".......", "......."
            ]
        );
        assert_eq!(
            drawn(brush(Tip::Square, 3), at, at, [7, 7])[2..5],
            ["..###..", "..###..", "..###.."]
        );
    }

    #[test]
    fn a_long_way_has_no_gap_and_equals_many_short_steps() {
        let size = [200, 120];
        for tip in [Tip::Round, Tip::Square] {
            for (diameter, from, to) in [
                (1, [3.0, 100.0], [190.0, 4.0]),
                (7, [10.0, 10.0], [180.0, 90.0]),
                (12, [100.0, 5.0], [100.0, 110.0]),
                (9, [5.0, 60.0], [195.0, 60.0]),
            ] {
                let brush = brush(tip, diameter);
                let way = drawn(brush, from, to, size);
                let mut steps = vec![".".repeat(size[0]); size[1]];
                let (a, b) = (brush.settled(from), brush.settled(to));
                for i in 0..=4000 {
                    let at = [0, 1].map(|axis| a[axis] + (b[axis] - a[axis]) * f64::from(i) / 4000.0);
                    for span in brush.path(at, at, size) {
                        steps[span.y].replace_range(span.x.clone(), &"#".repeat(span.x.len()));
                    }
                }
                let pairs = || {
                    way.iter()
                        .flat_map(|row| row.bytes())
                        .zip(steps.iter().flat_map(|row| row.bytes()))
                };
                let missing = pairs().filter(|pair| *pair == (b'.', b'#')).count();
                let more = pairs().filter(|pair| *pair == (b'#', b'.')).count();
                // An edge can pass a pixel's centre exactly, or between two of the short steps.
                assert!(missing <= 2 && more <= 8, "{tip:?} {diameter}: {missing}, {more}");
                let rows: Vec<&String> = way.iter().filter(|row| row.contains('#')).collect();
                assert!(rows.iter().all(|row| !row.trim_matches('.').contains('.')));
            }
        }
    }

    #[test]
    fn what_lies_outside_of_the_image_is_cut_off() {
        let rows = drawn(brush(Tip::Round, 9), [-2.0, -2.0], [30.0, 3.0], [8, 6]);
        assert!(rows.concat().contains('#'));
        assert!(
            brush(Tip::Round, 9)
                .path([-50.0, -50.0], [-20.0, -20.0], [8, 6])
                .is_empty()
        );
        assert!(
            brush(Tip::Square, 9)
                .path([100.0, 3.0], [120.0, 3.0], [8, 6])
                .is_empty()
        );
    }
}
