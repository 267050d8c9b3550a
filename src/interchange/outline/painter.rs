//! A whole map as polygons that are painted over each other.

use std::cmp::Reverse;

use super::border;
use super::crack::{Part, parts_of};
use crate::annotate::UNLABELLED;
use crate::labels::{LabelMap, Regions};

/// A polygon of [`painters_order`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Painted {
    /// Its class. [`UNLABELLED`] where a part without a class lies inside of others.
    pub class: u16,
    /// The middles of its border pixels, as pixel indices; at least three points.
    pub ring: Vec<[u32; 2]>,
    /// Number of pixels inside, with those of its holes.
    pub pixels: u64,
}

/// All parts of a map with their holes filled, those with the most pixels first. A reader that fills them in this order
/// with the rule of PIL or OpenCV, and begins with an unlabelled map, gets the map back exactly: what lies in a hole has
/// fewer pixels than the part around it.
///
/// Parts without a class come only where a part with a class lies around them. Time grows with the pixels, not with the
/// pixels times the parts.
pub fn painters_order(labels: &LabelMap) -> Vec<Painted> {
    let regions = Regions::of(labels);
    let parts = parts_of(labels, &regions, |_| true);
    let covered = covered(labels, &regions, &parts);
    let needed = parts
        .iter()
        .zip(covered)
        .filter(|((class, _), covered)| *class != UNLABELLED || *covered);
    let painted = needed.map(|((class, part), _)| Painted {
        class: *class,
        ring: border::outer(part),
        pixels: area(&part.outer),
    });
    let mut order: Vec<Painted> = painted.collect();
    order.sort_by_key(|painted| Reverse(painted.pixels));
    order
}

/// For each part, whether it lies in a hole of a part with a class.
fn covered(labels: &LabelMap, regions: &Regions, parts: &[(u16, Part)]) -> Vec<bool> {
    // Pixels that a hole begins below of.
    let mut above_hole = vec![0_u64; labels.ids.len().div_ceil(64)];
    for (_, part) in parts {
        for hole in &part.holes {
            for ([x, y], [u, v]) in hole.iter().zip(hole.iter().cycle().skip(1)) {
                // To the left: the part is above.
                if y == v && u < x {
                    let row = (*y as usize).saturating_sub(1) * labels.width;
                    (row + *u as usize..row + *x as usize).for_each(|at| above_hole[at / 64] |= 1 << (at % 64));
                }
            }
        }
    }
    // For each part, the part in whose hole it lies. What lies above a part's first pixel was found before it: the part
    // around it, or one beside it in the same hole.
    let mut around: Vec<Option<u32>> = Vec::with_capacity(parts.len());
    let mut covered: Vec<bool> = Vec::with_capacity(parts.len());
    for (_, part) in parts {
        let first = part
            .outer
            .first()
            .filter(|[_, y]| *y > 0)
            .map(|[x, y]| [*x as usize, *y as usize - 1]);
        let neighbour = first.and_then(|[x, y]| Some((y * labels.width + x, regions.at(x, y)?)));
        let outside = neighbour.and_then(|(at, number)| {
            let in_hole = above_hole[at / 64] >> (at % 64) & 1 == 1;
            if in_hole {
                Some(number)
            } else {
                around.get(number as usize).copied().flatten()
            }
        });
        let is_labelled = |number: usize| parts.get(number).is_some_and(|(class, _)| *class != UNLABELLED);
        let is_covered = |number: usize| is_labelled(number) || covered.get(number) == Some(&true);
        let inside = outside.is_some_and(|number| is_covered(number as usize));
        around.push(outside);
        covered.push(inside);
    }
    covered
}

/// Pixels inside a ring along pixel edges, clockwise.
fn area(ring: &[[u32; 2]]) -> u64 {
    // Edges to the right count what is above them, edges to the left take it away.
    let below = ring
        .iter()
        .zip(ring.iter().cycle().skip(1))
        .map(|([x, y], [u, _])| (i64::from(*x) - i64::from(*u)) * i64::from(*y));
    below.sum::<i64>().unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::super::fill::{cv2, pil};
    use super::*;
    use crate::interchange::sample;

    #[test]
    fn painting_gives_the_map_back() {
        for labels in sample::maps(&[1, 3, 4], 200) {
            let size = [labels.width, labels.height];
            let mut by_rule = [(); 2].map(|()| vec![UNLABELLED; labels.ids.len()]);
            for Painted { class, ring, .. } in painters_order(&labels) {
                let [with_pil, with_cv2] = &mut by_rule;
                let points: Vec<[f64; 2]> = ring.iter().map(|point| point.map(f64::from)).collect();
                pil(&points, size, |y, columns| {
                    with_pil[y * size[0]..][columns].fill(class);
                });
                let ring = ring.iter().map(|point| point.map(|at| at as i32)).collect();
                cv2(&[ring], size, |y, columns| {
                    with_cv2[y * size[0]..][columns].fill(class);
                });
            }
            assert!(by_rule.iter().all(|ids| *ids == labels.ids));
        }
    }

    #[test]
    fn unlabelled_parts_are_painted_only_inside_of_others() {
        let mut labels = LabelMap {
            width: 5,
            height: 5,
            ids: vec![UNLABELLED; 25],
        };
        for y in 1..4 {
            labels.ids[y * 5 + 1..y * 5 + 4].fill(2);
        }
        let classes = |labels: &LabelMap| {
            painters_order(labels)
                .iter()
                .map(|p| (p.class, p.pixels))
                .collect::<Vec<_>>()
        };
        assert_eq!(classes(&labels), [(2, 9)]);
        labels.ids[12] = UNLABELLED;
        assert_eq!(classes(&labels), [(2, 9), (UNLABELLED, 1)]);
        // Two classes around it, neither with a hole.
        labels.ids[7] = 3;
        assert_eq!(classes(&labels), [(2, 7), (3, 1)]);
    }
}
