//! Regions as rings through the middles of their border pixels, in pixel indices: what PIL and OpenCV fill exactly.

use super::crack::{Part, Way, walk};

/// The outer ring of a part, clockwise on the screen; its holes are filled. At least three points: those of parts of one
/// or two pixels, or of a line, come more than once.
pub fn outer(part: &Part) -> Vec<[u32; 2]> {
    let mut ring = Vec::new();
    let ends = part.outer.iter().cycle().skip(1);
    for (from, to) in part.outer.iter().zip(ends) {
        ring.extend(pixels_along([*from, *to]));
    }
    simplified(ring)
}

/// One ring around a part that leaves its holes out: bridges in the part lead to them and back. `cv2.fillPoly` sets
/// exactly the pixels of the part. At least three points, as in [`outer`].
///
/// The ring follows rows and columns, also in concave corners: ultralytics puts points between those of the file and cuts
/// their fractions off, which moves diagonal lines. It is diagonal only where a part touches itself at a corner.
pub fn bridged(part: &Part) -> Vec<[u32; 2]> {
    let touching = touching(part);
    let mut ring: Vec<[u32; 2]> = Vec::new();
    let mut step_to = |corner: [u32; 2], level: bool, pixel: [u32; 2]| {
        if let Some([x, y]) = ring.last().copied() {
            let is_diagonal = x != pixel[0] && y != pixel[1];
            if is_diagonal && touching.binary_search(&corner).is_err() {
                ring.push(if level { [pixel[0], y] } else { [x, pixel[1]] });
            }
        }
        ring.push(pixel);
    };
    // Whether the last edge lay in a row.
    let mut was_level = false;
    let mut first = None;
    walk(part, |way, [from, to]| match way {
        Way::Edge => {
            let [start, end] = pixels_along([from, to]);
            step_to(from, was_level, start);
            step_to(to, false, end);
            was_level = from[1] == to[1];
            first.get_or_insert((from, start));
        }
        // The edge before ends at the bridge, and the ring of the hole begins at its other end.
        Way::In => {}
        Way::Out => {
            let [x, y] = from;
            step_to(from, was_level, [x.saturating_sub(1), y]);
            step_to(to, true, to);
            // The bridge ends in the middle of an edge that goes upwards.
            was_level = false;
        }
    });
    if let Some((corner, pixel)) = first {
        step_to(corner, was_level, pixel);
    }
    simplified(ring)
}

/// Corners in which two rings of a part touch, sorted.
fn touching(part: &Part) -> Vec<[u32; 2]> {
    if part.holes.is_empty() {
        return Vec::new();
    }
    let mut corners: Vec<[u32; 2]> = part.outer.iter().chain(part.holes.iter().flatten()).copied().collect();
    corners.sort_unstable();
    let pairs = corners.windows(2).filter(|pair| pair[0] == pair[1]);
    pairs.map(|pair| pair[0]).collect()
}

/// The first and the last pixel on the right of an edge.
fn pixels_along([[x, y], [u, v]]: [[u32; 2]; 2]) -> [[u32; 2]; 2] {
    let before = |at: u32| at.saturating_sub(1);
    if y == v && x < u {
        [[x, y], [before(u), v]]
    } else if x == u && y < v {
        [[before(x), y], [before(u), before(v)]]
    } else if y == v {
        [[before(x), before(y)], [u, before(v)]]
    } else {
        [[x, before(y)], [u, v]]
    }
}

/// Drops repeated points, and points in the middle of a line, but keeps three.
fn simplified(mut ring: Vec<[u32; 2]>) -> Vec<[u32; 2]> {
    ring.dedup();
    while ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
    }
    let last = ring.len().saturating_sub(1);
    let around = ring.iter().cycle();
    let [before, after] = [around.clone().skip(last), around.skip(1)];
    let turns = before
        .zip(&ring)
        .zip(after)
        .filter(|((before, at), after)| direction(**before, **at) != direction(**at, **after));
    let mut kept: Vec<[u32; 2]> = turns.map(|((_, at), _)| *at).collect();
    if kept.is_empty() {
        kept = ring;
    }
    while let (1..3, Some(last)) = (kept.len(), kept.last()) {
        kept.push(*last);
    }
    kept
}

/// Of a move along a row, a column, or a diagonal step.
fn direction(from: [u32; 2], to: [u32; 2]) -> [std::cmp::Ordering; 2] {
    [to[0].cmp(&from[0]), to[1].cmp(&from[1])]
}

#[cfg(test)]
mod tests {
    use super::super::crack::parts_where;
    use super::super::fill::cv2;
    use super::*;
    use crate::interchange::sample;

    #[test]
    fn bridged_rings_come_back_exactly_from_opencv() {
        for labels in sample::maps(&[1, 3, 4], 200) {
            let mut painted = vec![None; labels.ids.len()];
            for (place, (_, part)) in parts_where(&labels, |_| true).iter().enumerate() {
                let ring = bridged(part);
                assert!(ring.len() >= 3);
                let ring = ring.iter().map(|point| point.map(|at| at as i32)).collect();
                cv2(&[ring], [labels.width, labels.height], |y, columns| {
                    for x in columns {
                        let before = painted[y * labels.width + x].replace(place);
                        assert!(before.is_none_or(|before| before == place));
                    }
                });
            }
            assert!(painted.iter().all(Option::is_some));
        }
    }

    #[test]
    fn small_parts_repeat_points() {
        let part = |outer: &[[u32; 2]]| Part {
            outer: outer.to_vec(),
            ..Part::default()
        };
        assert_eq!(outer(&part(&[[2, 1], [3, 1], [3, 2], [2, 2]])), [[2, 1]; 3]);
        assert_eq!(
            outer(&part(&[[0, 0], [4, 0], [4, 1], [0, 1]])),
            [[0, 0], [3, 0], [3, 0]]
        );
        assert_eq!(
            outer(&part(&[[0, 0], [2, 0], [2, 2], [0, 2]])),
            [[0, 0], [1, 0], [1, 1], [0, 1]]
        );
    }
}
