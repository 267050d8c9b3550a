//! Regions as rings along pixel edges. Pixel (x, y) covers `x..x+1` and `y..y+1`, so corners go from 0 to the width and
//! the height.

use std::collections::BTreeMap;

use crate::labels::{LabelMap, Regions};

/// A 4-connected region of one class.
///
/// Its rings are simple: none visits a corner twice, though two may touch in one. They have no collinear corners, and
/// each starts at its topmost corner, the leftmost of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The outer ring, clockwise on the screen.
    pub outer: Vec<[u32; 2]>,
    /// The rings of the holes, counter-clockwise.
    pub holes: Vec<Vec<[u32; 2]>>,
    /// Number of pixels, without the holes.
    pub pixels: u64,
}

/// The parts of a class, in the order of their first pixels.
pub fn parts(labels: &LabelMap, class: u16) -> Vec<Part> {
    let of_class = parts_where(labels, |id| id == class);
    of_class.into_iter().map(|(_, part)| part).collect()
}

/// The parts of all classes for which `wanted` holds, with their classes, in the order of their first pixels. One pass
/// over the pixels, however many classes there are.
pub fn parts_where(labels: &LabelMap, wanted: impl Fn(u16) -> bool) -> Vec<(u16, Part)> {
    parts_of(labels, &Regions::of(labels), wanted)
}

/// [`parts_where`] with the regions of the map at hand. When all are wanted, places are numbers of regions.
pub(super) fn parts_of(labels: &LabelMap, regions: &Regions, wanted: impl Fn(u16) -> bool) -> Vec<(u16, Part)> {
    let mut tracer = Tracer {
        labels,
        regions,
        seen: vec![0; (labels.width * labels.height).div_ceil(64)],
    };
    let places = regions.list().iter().scan(0, |next, region| {
        let place = wanted(region.class).then_some(*next);
        *next += usize::from(place.is_some());
        Some(place)
    });
    let places: Vec<Option<usize>> = places.collect();
    let mut found = Vec::with_capacity(places.iter().flatten().count());
    for y in 0..labels.height {
        for (columns, number) in regions.row(y) {
            let (Some(place), Some(region)) = (places[number as usize], regions.list().get(number as usize)) else {
                continue;
            };
            for x in columns {
                if tracer.is_new_top(x, y) {
                    let ring = tracer.ring(x, y);
                    // The first pixel of a region in this order lies on its outer ring.
                    match found.get_mut(place) {
                        Some((_, Part { holes, .. })) => holes.push(from_top_left(ring)),
                        None => found.push((
                            region.class,
                            Part {
                                outer: from_top_left(ring),
                                holes: Vec::new(),
                                pixels: region.pixels,
                            },
                        )),
                    }
                }
            }
        }
    }
    found
}

/// Walks along the edges with the region on the right.
struct Tracer<'a> {
    labels: &'a LabelMap,
    regions: &'a Regions,
    /// One bit for each pixel: whether a walk went along its top edge.
    seen: Vec<u64>,
}

/// Steps to the right, down, left and up.
const STEPS: [[i64; 2]; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/// For each direction of arrival at a corner, offsets from the corner to the pixels behind on the right, ahead on the
/// right and ahead on the left.
const AROUND: [[[i64; 2]; 3]; 4] = [
    [[-1, 0], [0, 0], [0, -1]],
    [[-1, -1], [-1, 0], [0, 0]],
    [[0, -1], [-1, -1], [-1, 0]],
    [[0, 0], [0, -1], [-1, -1]],
];

impl Tracer<'_> {
    /// Whether the top edge of a pixel borders on another class and was not walked along.
    fn is_new_top(&self, x: usize, y: usize) -> bool {
        let at = y * self.labels.width + x;
        let inner = y > 0 && self.labels.ids[at] == self.labels.ids[at - self.labels.width];
        !inner && self.seen[at / 64] >> (at % 64) & 1 == 0
    }

    /// The ring that begins with the top edge of a pixel; without collinear corners.
    fn ring(&mut self, x: usize, y: usize) -> Vec<[u32; 2]> {
        let start = [x as i64, y as i64];
        let class = self.id(start);
        let (mut at, mut direction) = (start, 0);
        let mut corners = Vec::new();
        loop {
            if direction == 0 {
                let top = at[1] as usize * self.labels.width + at[0] as usize;
                self.seen[top / 64] |= 1 << (top % 64);
            }
            at = added(at, STEPS[direction]);
            let next = self.turned(at, direction, class);
            if next != direction {
                corners.push([at[0] as u32, at[1] as u32]);
                direction = next;
            }
            // A corner where two regions of the ring's class meet is passed twice, in different directions.
            if at == start && direction == 0 {
                return corners;
            }
        }
    }

    /// The direction in which a walk leaves a corner.
    fn turned(&self, at: [i64; 2], direction: usize, class: Option<u16>) -> usize {
        let [behind, right, left] = AROUND[direction].map(|offset| added(at, offset));
        let on_left = self.id(left) == class;
        if self.id(right) == class {
            return if on_left { (direction + 3) % 4 } else { direction };
        }
        // Diagonal pixels are joined at their corner only when they belong to the same region anyway. Then the ring goes
        // to the other pixel, and no ring comes to this corner twice.
        let crosses = on_left && self.region(left) == self.region(behind);
        (direction + if crosses { 3 } else { 1 }) % 4
    }

    fn id(&self, [x, y]: [i64; 2]) -> Option<u16> {
        self.labels.get(usize::try_from(x).ok()?, usize::try_from(y).ok()?)
    }

    fn region(&self, [x, y]: [i64; 2]) -> Option<u32> {
        self.regions.at(usize::try_from(x).ok()?, usize::try_from(y).ok()?)
    }
}

fn added([x, y]: [i64; 2], [right, down]: [i64; 2]) -> [i64; 2] {
    [x + right, y + down]
}

/// The same ring from its topmost corner on, the leftmost of these.
fn from_top_left(mut ring: Vec<[u32; 2]>) -> Vec<[u32; 2]> {
    let first = (0..ring.len()).min_by_key(|at| (ring[*at][1], ring[*at][0]));
    ring.rotate_left(first.unwrap_or(0));
    ring
}

/// A hole that is walked on the way along another ring.
#[derive(Clone, Copy, Debug)]
struct Seam {
    /// Index of the ring, and of the corner from which the edge goes upwards that the seam starts on.
    ring: usize,
    corner: usize,
    /// Where the seam starts.
    from: [u32; 2],
    /// Index of the hole's ring.
    hole: usize,
}

/// One ring around a part that leaves its holes out: it goes to each hole along a seam, around it, and the same way
/// back, so that the seam has no area. Seams are horizontal and lie in the part.
pub fn keyhole(part: &Part) -> Vec<[u32; 2]> {
    let mut joined: Vec<[u32; 2]> = Vec::new();
    walk(part, |_, [from, _]| joined.push(from));
    joined
}

/// What a walk around a part with its holes goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// An edge of a ring, or a piece of one, with the part on the right.
    Edge,
    /// A seam to a hole.
    In,
    /// The same seam back.
    Out,
}

/// Calls `visit` with both ends of each edge and seam, in the order of walking around a part and all of its holes. None
/// has a length of zero.
pub(super) fn walk(part: &Part, mut visit: impl FnMut(Way, [[u32; 2]; 2])) {
    let rings: Vec<&[[u32; 2]]> = std::iter::once(&part.outer)
        .chain(&part.holes)
        .map(Vec::as_slice)
        .collect();
    let seams = seams(&rings);
    let of_ring = |ring: usize| seams.partition_point(|seam| seam.ring < ring);
    // A ring, the corner that comes next, where the walk is, the seam that comes next, and the seam to the ring.
    let start = |ring: usize, via: Option<Seam>| {
        let first = rings.get(ring).and_then(|ring| ring.first()).copied();
        first.map(|first| (ring, 0, first, of_ring(ring), via))
    };
    let mut walks: Vec<_> = start(0, None).into_iter().collect();
    while let Some((ring, corner, at, seam, via)) = walks.pop() {
        let corners = rings[ring];
        if corner == corners.len() {
            if let Some(Seam { from, .. }) = via {
                visit(Way::Out, [at, from]);
            }
            continue;
        }
        match seams
            .get(seam)
            .filter(|seam| (seam.ring, seam.corner) == (ring, corner))
        {
            Some(next) => {
                visit(Way::Edge, [at, next.from]);
                walks.push((ring, corner, next.from, seam + 1, via));
                let hole = start(next.hole, Some(*next));
                hole.into_iter().for_each(|hole| {
                    visit(Way::In, [next.from, hole.2]);
                    walks.push(hole);
                });
            }
            None => {
                let end = corners[(corner + 1) % corners.len()];
                if at != end {
                    visit(Way::Edge, [at, end]);
                }
                walks.push((ring, corner + 1, end, seam, via));
            }
        }
    }
}

/// The seam of each hole, from the hole's topmost corner to the left up to the next ring, in the order of walking.
///
/// That ring is the outer one, or a hole that begins above or further left: the seams make no circle.
fn seams(rings: &[&[[u32; 2]]]) -> Vec<Seam> {
    // Edges that go upwards have the part on their right. Rows: of the upper end, and of the lower end.
    let mut starts: Vec<(u32, u32, u32, usize, usize)> = Vec::new();
    for (number, ring) in rings.iter().enumerate() {
        let followers = ring.iter().cycle().skip(1);
        for (corner, ([x, bottom], [_, top])) in ring.iter().zip(followers).enumerate() {
            if top < bottom {
                starts.push((*top, *x, *bottom, number, corner));
            }
        }
    }
    starts.sort_unstable();
    let mut entries: Vec<([u32; 2], usize)> = Vec::new();
    for (number, ring) in rings.iter().enumerate().skip(1) {
        entries.extend(ring.first().map(|[x, y]| ([*y, *x], number)));
    }
    entries.sort_unstable();
    let mut starts = starts.into_iter().peekable();
    // Edges by their column: the last that began at or above the row. Those that ended above it are dropped when met.
    let mut active: BTreeMap<u32, (u32, usize, usize)> = BTreeMap::new();
    let mut seams = Vec::with_capacity(entries.len());
    for ([y, x], hole) in entries {
        while let Some((_, column, bottom, ring, corner)) = starts.next_if(|start| start.0 <= y) {
            active.insert(column, (bottom, ring, corner));
        }
        while let Some((column, (bottom, ring, corner))) = active.range(..x).next_back().map(|(at, edge)| (*at, *edge))
        {
            if bottom > y {
                let from = [column, y];
                seams.push(Seam {
                    ring,
                    corner,
                    from,
                    hole,
                });
                break;
            }
            active.remove(&column);
        }
    }
    // Edges go upwards, so the lowest seam comes first.
    seams.sort_unstable_by_key(|seam| (seam.ring, seam.corner, std::cmp::Reverse(seam.from[1])));
    seams
}

#[cfg(test)]
mod tests {
    use super::super::fill::coco;
    use super::*;
    use crate::interchange::sample;

    fn map(rows: &[&str]) -> LabelMap {
        let ids = rows
            .iter()
            .flat_map(|row| row.bytes().map(|b| u16::from(b - b'0')))
            .collect();
        LabelMap {
            width: rows[0].len(),
            height: rows.len(),
            ids,
        }
    }

    fn area(ring: &[[u32; 2]]) -> i64 {
        let next = ring.iter().cycle().skip(1);
        let cross =
            |([x, y], [u, v]): (&[u32; 2], &[u32; 2])| i64::from(*x) * i64::from(*v) - i64::from(*u) * i64::from(*y);
        ring.iter().zip(next).map(cross).sum::<i64>() / 2
    }

    #[test]
    fn a_ring_around_a_hole() {
        let found = parts(&map(&["000", "010", "000"]), 0);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].outer, [[0, 0], [3, 0], [3, 3], [0, 3]]);
        assert_eq!(found[0].holes, [[[1, 1], [1, 2], [2, 2], [2, 1]]]);
        assert_eq!(found[0].pixels, 8);
        let ring = keyhole(&found[0]);
        let expected = [
            [0, 0],
            [3, 0],
            [3, 3],
            [0, 3],
            [0, 1],
            [1, 1],
            [1, 2],
            [2, 2],
            [2, 1],
            [1, 1],
            [0, 1],
        ];
        assert_eq!(ring, expected);
    }

    #[test]
    fn diagonal_pixels_are_two_parts_and_diagonal_holes_two_rings() {
        assert_eq!(parts(&map(&["10", "01"]), 1).len(), 2);
        let found = parts(&map(&["0000", "0100", "0010", "0000"]), 0);
        assert_eq!((found.len(), found[0].holes.len()), (1, 2));
    }

    #[test]
    fn rings_are_simple_and_have_the_area_of_their_pixels() {
        for labels in sample::maps(&[1, 3, 4], 100) {
            let mut pixels = 0;
            for (_, part) in parts_where(&labels, |_| true) {
                let holes: i64 = part.holes.iter().map(|hole| area(hole)).sum();
                assert!(part.holes.iter().all(|hole| area(hole) < 0));
                assert_eq!(area(&part.outer) + holes, part.pixels as i64);
                assert_eq!(area(&keyhole(&part)), part.pixels as i64);
                for ring in std::iter::once(&part.outer).chain(&part.holes) {
                    let unique: std::collections::BTreeSet<_> = ring.iter().collect();
                    assert_eq!(unique.len(), ring.len());
                    let before = ring.iter().cycle().skip(ring.len() - 1);
                    assert!(ring.iter().zip(before).all(|(a, b)| (a[0] == b[0]) != (a[1] == b[1])));
                }
                pixels += part.pixels;
            }
            assert_eq!(pixels, labels.ids.len() as u64);
        }
    }

    #[test]
    fn keyholes_come_back_exactly_as_coco_polygons() {
        for labels in sample::maps(&[1, 3, 4], 100) {
            let mut painted = vec![None; labels.ids.len()];
            for (class, part) in parts_where(&labels, |_| true) {
                let ring: Vec<[f64; 2]> = keyhole(&part).iter().map(|point| point.map(f64::from)).collect();
                coco(&ring, [labels.width, labels.height], |y, columns| {
                    for x in columns {
                        assert_eq!(painted[y * labels.width + x].replace(class), None);
                    }
                });
            }
            assert!(painted.iter().zip(&labels.ids).all(|(found, id)| *found == Some(*id)));
        }
    }
}
