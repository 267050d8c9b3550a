//! Connected pixels of one class, and the holes in them.

use super::super::spans::{Bounds, Span};
use crate::labels::LabelMap;

/// The pixels of one class that are connected with a pixel along edges (4-connected), in any order; none outside of the
/// map.
pub fn region(map: &LabelMap, at: [usize; 2]) -> Vec<Span> {
    let Some(class) = map.get(at[0], at[1]) else {
        return Vec::new();
    };
    connected([map.width, map.height], at, |index| map.ids[index] == class)
}

/// All pixels of the class of a pixel, connected or not.
pub fn all_like(map: &LabelMap, [x, y]: [usize; 2]) -> Vec<Span> {
    let Some(class) = map.get(x, y) else {
        return Vec::new();
    };
    let mut spans = Vec::new();
    for (y, row) in map.ids.chunks_exact(map.width.max(1)).enumerate() {
        spans.extend(runs(row, |id| id == class).map(|x| Span { y, x }));
    }
    spans
}

/// The pixels of a row that fit, as runs.
fn runs(row: &[u16], fits: impl Fn(u16) -> bool) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut x = 0;
    std::iter::from_fn(move || {
        let start = x + row[x..].iter().position(|id| fits(*id))?;
        let end = row[start..]
            .iter()
            .position(|id| !fits(*id))
            .map_or(row.len(), |n| start + n);
        x = end;
        Some(start..end)
    })
}

/// The pixels that fit and are connected with a pixel along edges. `fits` is given the index of a pixel, row by row.
pub fn connected(size: [usize; 2], at: [usize; 2], fits: impl Fn(usize) -> bool) -> Vec<Span> {
    flood(size, at, &mut Seen::none(size), fits)
}

/// One bit for each pixel.
struct Seen(Vec<u64>);

impl Seen {
    fn none([width, height]: [usize; 2]) -> Self {
        Self(vec![0; (width * height).div_ceil(64)])
    }

    fn has(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    fn add(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }
}

/// As [`connected`], without pixels that have been seen; those that are found are seen then.
fn flood([width, height]: [usize; 2], [x, y]: [usize; 2], seen: &mut Seen, fits: impl Fn(usize) -> bool) -> Vec<Span> {
    let mut spans = Vec::new();
    if x >= width || y >= height || !fits(y * width + x) {
        return spans;
    }
    let mut waiting = vec![[x, y]];
    while let Some([x, y]) = waiting.pop() {
        let row = y * width;
        if seen.has(row + x) {
            continue;
        }
        let left = (0..x).rev().take_while(|x| fits(row + x)).last().unwrap_or(x);
        let right = (x..width).take_while(|x| fits(row + x)).last().unwrap_or(x) + 1;
        for at in row + left..row + right {
            seen.add(at);
        }
        spans.push(Span { y, x: left..right });
        let above = y.checked_sub(1);
        for other in above.into_iter().chain((y + 1 < height).then_some(y + 1)) {
            let mut inside = false;
            for x in left..right {
                let at = other * width + x;
                let open = fits(at) && !seen.has(at);
                if open && !inside {
                    waiting.push([x, other]);
                }
                inside = open;
            }
        }
    }
    spans
}

/// The holes of at most `most` pixels in an area: what it surrounds without belonging to it, connected along edges.
pub fn holes(area: &[Span], [width, height]: [usize; 2], most: usize) -> Vec<Span> {
    let boxes = area.iter().map(|span| Bounds {
        x: span.x.clone(),
        y: span.y..span.y + 1,
    });
    let Some(bounds) = Bounds::around_all(boxes).filter(|_| most > 0) else {
        return Vec::new();
    };
    let bounds = bounds.grown(1, [width, height]);
    let size = [bounds.x.len(), bounds.y.len()];
    // The area itself counts as seen.
    let mut seen = Seen::none(size);
    for span in area {
        let row = (span.y - bounds.y.start) * size[0];
        for x in span.x.clone() {
            seen.add(row + x - bounds.x.start);
        }
    }
    let of_area = Seen(seen.0.clone());
    let mut found = Vec::new();
    for start in 0..size[0] * size[1] {
        if seen.has(start) {
            continue;
        }
        let part = flood(size, [start % size[0], start / size[0]], &mut seen, |at| {
            !of_area.has(at)
        });
        let pixels: usize = part.iter().map(|span| span.x.len()).sum();
        let open = part
            .iter()
            .any(|span| span.y == 0 || span.y + 1 == size[1] || span.x.start == 0 || span.x.end == size[0]);
        // What reaches the edge of the box lies outside, or at the edge of the image, which closes no hole.
        if !open && pixels <= most {
            found.extend(part.into_iter().map(|span| Span {
                y: span.y + bounds.y.start,
                x: span.x.start + bounds.x.start..span.x.end + bounds.x.start,
            }));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rows: &[&str]) -> LabelMap {
        LabelMap {
            width: rows[0].len(),
            height: rows.len(),
            ids: rows.concat().bytes().map(|b| u16::from(b - b'0')).collect(),
        }
    }

    fn drawn(spans: &[Span], size: [usize; 2]) -> Vec<String> {
        let mut rows = vec![".".repeat(size[0]); size[1]];
        for span in spans {
            rows[span.y].replace_range(span.x.clone(), &"#".repeat(span.x.len()));
        }
        rows
    }

    #[test]
    fn a_region_is_connected_along_edges_only() {
        let map = map(&["11011", "10001", "11111", "00011", "01100"]);
        assert_eq!(
            drawn(&region(&map, [0, 0]), [5, 5]),
            ["##.##", "#...#", "#####", "...##", "....."]
        );
        assert_eq!(
            drawn(&region(&map, [2, 0]), [5, 5]),
            ["..#..", ".###.", ".....", ".....", "....."]
        );
        assert_eq!(drawn(&all_like(&map, [1, 4]), [5, 5])[4], ".##..");
        assert_eq!(drawn(&all_like(&map, [1, 4]), [5, 5])[0], "##.##");
        assert!(region(&map, [9, 9]).is_empty());
    }

    #[test]
    fn regions_equal_those_of_a_plain_search() {
        let mut state = 7u32;
        for _ in 0..40 {
            let ids: Vec<u16> = (0..23 * 17)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    u16::from(state >> 30 != 0)
                })
                .collect();
            let map = LabelMap {
                width: 23,
                height: 17,
                ids,
            };
            let at = [(state >> 3) as usize % 23, (state >> 9) as usize % 17];
            let class = map.get(at[0], at[1]);
            let mut reached = vec![false; 23 * 17];
            let mut waiting = vec![at];
            while let Some([x, y]) = waiting.pop() {
                if map.get(x, y) != class || std::mem::replace(&mut reached[y * 23 + x], true) {
                    continue;
                }
                let around = [[x.wrapping_sub(1), y], [x + 1, y], [x, y.wrapping_sub(1)], [x, y + 1]];
                waiting.extend(around.into_iter().filter(|[x, y]| map.get(*x, *y).is_some()));
            }
            let mut found = vec![false; 23 * 17];
            for span in region(&map, at) {
                for x in span.x {
                    assert!(!std::mem::replace(&mut found[span.y * 23 + x], true), "twice");
                }
            }
            assert_eq!(found, reached);
        }
    }

    #[test]
    fn holes_up_to_a_size_are_found_and_bays_are_not() {
        let map = map(&["1111111", "1011001", "1111001", "1111110", "1111111"]);
        let area = region(&map, [0, 0]);
        assert_eq!(drawn(&holes(&area, [7, 5], 1), [7, 5])[1], ".#.....");
        let both = drawn(&holes(&area, [7, 5], 4), [7, 5]);
        assert_eq!(both[1..3], [".#..##.", "....##."]);
        assert_eq!(both[3], ".......", "at the edge of the image");
        assert!(holes(&area, [7, 5], 0).is_empty());
    }
}
