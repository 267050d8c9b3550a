//! The inside of a polygon.

use super::super::spans::Span;

/// The pixels whose centres lie inside a polygon, in an image of this size. Corners are in pixels from the left and top
/// edge of the image; the last is joined to the first. Where the polygon crosses itself, what lies inside twice is
/// outside (even-odd rule). Two polygons with a common edge share no pixel and leave none out.
pub fn inside(corners: &[[f64; 2]], [width, height]: [usize; 2]) -> Vec<Span> {
    let mut spans = Vec::new();
    if corners.len() < 3 {
        return spans;
    }
    let [mut top, mut bottom] = [f64::INFINITY, f64::NEG_INFINITY];
    for [_, y] in corners {
        (top, bottom) = (top.min(*y), bottom.max(*y));
    }
    let rows = (top - 0.5).ceil().max(0.0) as usize..(bottom + 0.5).floor().clamp(0.0, height as f64) as usize;
    let mut crossings = Vec::new();
    for y in rows {
        let centre = y as f64 + 0.5;
        crossings.clear();
        for (i, [ax, ay]) in corners.iter().enumerate() {
            let [bx, by] = corners[(i + 1) % corners.len()];
            // An edge owns its upper end and not its lower one, so a corner counts once.
            if (*ay <= centre) != (by <= centre) {
                crossings.push(ax + (centre - ay) / (by - ay) * (bx - ax));
            }
        }
        crossings.sort_by(f64::total_cmp);
        for pair in crossings.chunks_exact(2) {
            // Likewise a row owns what begins at a pixel's centre and not what ends there.
            let start = (pair[0] - 0.5).ceil().max(0.0) as usize;
            let end = (pair[1] - 0.5).ceil().clamp(0.0, width as f64) as usize;
            if start < end {
                spans.push(Span { y, x: start..end });
            }
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(spans: &[Span]) -> usize {
        spans.iter().map(|span| span.x.len()).sum()
    }

    #[test]
    fn a_rectangle_on_pixel_edges_has_its_area() {
        let corners = [[2.0, 1.0], [6.0, 1.0], [6.0, 4.0], [2.0, 4.0]];
        let spans = inside(&corners, [10, 10]);
        assert_eq!(spans.len(), 3);
        assert!(spans.iter().all(|span| span.x == (2..6)));
        let outside = corners.map(|[x, y]| [x - 4.0, y]);
        assert_eq!(count(&inside(&outside, [10, 10])), 2 * 3, "cut off at the edge");
        assert!(inside(&corners[..2], [10, 10]).is_empty());
    }

    #[test]
    fn neighbours_share_no_pixel_and_leave_none_out() {
        // A fan around a point in the middle of a pixel covers a square exactly once.
        let around = [[0.0, 0.0], [16.0, 0.0], [16.0, 16.0], [0.0, 16.0], [0.0, 7.3]];
        let middle = [8.5, 8.5];
        let mut times = vec![0; 256];
        for i in 0..around.len() {
            let triangle = [middle, around[i], around[(i + 1) % around.len()]];
            for span in inside(&triangle, [16, 16]) {
                for x in span.x {
                    times[span.y * 16 + x] += 1;
                }
            }
        }
        assert!(times.iter().all(|times| *times == 1), "{times:?}");
    }

    #[test]
    fn a_crossed_polygon_is_empty_where_it_covers_twice() {
        let twice = [
            [0.0, 0.0],
            [8.0, 0.0],
            [8.0, 8.0],
            [0.0, 8.0],
            [0.0, 0.0],
            [2.0, 2.0],
            [6.0, 2.0],
            [6.0, 6.0],
            [2.0, 6.0],
            [2.0, 2.0],
        ];
        assert_eq!(count(&inside(&twice, [8, 8])), 64 - 16);
    }
}
