//! How far two label maps of one picture agree.

use super::LabelMap;

/// Distances in pixels at which boundaries are compared.
pub const BOUNDARY_PIXELS: [usize; 3] = [1, 2, 4];

/// How far two label maps agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Share of the pixels that have the same label, among those that are labelled in both.
    pub same: f64,
    /// Agreement of the boundaries between labels at each of [`BOUNDARY_PIXELS`]: the harmonic mean of the share of
    /// one map's boundary that lies within that distance of the other's, and the other way round (the boundary score of
    /// Csurka et al., BMVC 2013, over all labels together; distance along rows or columns, whichever is larger). 1 where
    /// neither has a boundary.
    pub boundary: [f64; 3],
}

impl Agreement {
    /// Of a map with a reference of the same size; ids from `classes` on are no labels; `None` when their sizes
    /// differ.
    pub fn of(a: &LabelMap, b: &LabelMap, classes: usize) -> Option<Self> {
        let is_known = |id: u16| usize::from(id) < classes;
        Self::where_labelled(a, b, |a, b| is_known(a) && is_known(b))
    }

    /// Of a prediction with the truth: where that has no label, nothing counts; a predicted id that is no class is one
    /// that is wrong. `None` when their sizes differ, or nothing is labelled.
    pub fn with_truth(prediction: &LabelMap, truth: &LabelMap, classes: usize) -> Option<Self> {
        let is_known = |id: u16| usize::from(id) < classes;
        let any = truth.ids.iter().any(|id| is_known(*id));
        Self::where_labelled(prediction, truth, |_, truth| is_known(truth)).filter(|_| any)
    }

    fn where_labelled(a: &LabelMap, b: &LabelMap, is_labelled: impl Fn(u16, u16) -> bool) -> Option<Self> {
        if [a.width, a.height] != [b.width, b.height] {
            return None;
        }
        let both = || a.ids.iter().zip(&b.ids);
        let known = || both().filter(|(a, b)| is_labelled(**a, **b));
        let same = known().filter(|(a, b)| a == b).count();
        let labelled: Vec<bool> = both().map(|(a, b)| is_labelled(*a, *b)).collect();
        let edges = [a, b].map(|map| boundary(map, &labelled));
        Some(Self {
            same: same as f64 / known().count().max(1) as f64,
            boundary: BOUNDARY_PIXELS.map(|pixels| {
                let near = [&edges[0], &edges[1]].map(|edges| grown(edges, a.width, a.height, pixels));
                let covered = |edges: &[bool], near: &[bool]| {
                    let all = edges.iter().filter(|edge| **edge).count();
                    let hit = edges.iter().zip(near).filter(|(edge, near)| **edge && **near).count();
                    if all == 0 { 1.0 } else { hit as f64 / all as f64 }
                };
                let shares = [covered(&edges[0], &near[1]), covered(&edges[1], &near[0])];
                let sum = shares[0] + shares[1];
                if sum > 0.0 {
                    2.0 * shares[0] * shares[1] / sum
                } else {
                    0.0
                }
            }),
        })
    }
}

/// Whether each pixel has another label than the one to the right of it or below it, both being `labelled`: where one of
/// the maps says nothing, there is no boundary to agree on.
fn boundary(map: &LabelMap, labelled: &[bool]) -> Vec<bool> {
    let (width, ids) = (map.width, &map.ids);
    let differ = |i: usize, j: usize| labelled[i] && labelled[j] && ids[i] != ids[j];
    (0..ids.len())
        .map(|i| {
            let right = (i + 1) % width != 0 && differ(i, i + 1);
            right || i + width < ids.len() && differ(i, i + width)
        })
        .collect()
}

/// Whether there is one within so many rows and columns.
fn grown(mask: &[bool], width: usize, height: usize, pixels: usize) -> Vec<bool> {
    let mut across = vec![false; mask.len()];
    for (from, to) in mask.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        spread(width, pixels, |i| from[i], |i| to[i] = true);
    }
    let mut out = vec![false; mask.len()];
    for x in 0..width {
        spread(height, pixels, |y| across[y * width + x], |y| out[y * width + x] = true);
    }
    out
}

/// Calls `set` for every place within `pixels` of one that `is` there, along a line.
fn spread(length: usize, pixels: usize, is: impl Fn(usize) -> bool, mut set: impl FnMut(usize)) {
    // Up to where everything is set already.
    let mut done = 0;
    for i in (0..length).filter(|i| is(*i)) {
        for place in done.max(i.saturating_sub(pixels))..(i + pixels + 1).min(length) {
            set(place);
        }
        done = (i + pixels + 1).min(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ones to the right of column `edge`.
    fn split(edge: usize) -> LabelMap {
        let (width, height) = (20, 3);
        LabelMap {
            width,
            height,
            ids: (0..width * height).map(|i| u16::from(i % width >= edge)).collect(),
        }
    }

    #[test]
    fn a_moved_edge_is_seen_at_its_distance() {
        let found = Agreement::of(&split(10), &split(13), 2).expect("one size");
        assert!((found.same - 17.0 / 20.0).abs() < 1e-12);
        assert_eq!(found.boundary, [0.0, 0.0, 1.0]);
        let found = Agreement::of(&split(10), &split(12), 2).expect("one size");
        assert_eq!(found.boundary, [0.0, 1.0, 1.0]);
    }

    #[test]
    fn what_the_reference_does_not_label_does_not_count() {
        let mut reference = split(13);
        reference.ids.iter_mut().filter(|id| **id == 0).for_each(|id| *id = 255);
        let found = Agreement::of(&split(10), &reference, 2).expect("one size");
        assert_eq!(found.same, 1.0);
        // The edge at 10 borders on what is not labelled, so neither has a boundary there.
        assert_eq!(found.boundary, [1.0; 3]);
    }

    #[test]
    fn a_map_agrees_with_itself_and_not_with_one_of_another_size() {
        let found = Agreement::of(&split(10), &split(10), 2).expect("one size");
        assert_eq!((found.same, found.boundary), (1.0, [1.0; 3]));
        // One label everywhere: no boundary.
        assert_eq!(
            Agreement::of(&split(0), &split(0), 2).expect("one size").boundary,
            [1.0; 3]
        );
        let other = LabelMap {
            width: 1,
            height: 1,
            ids: vec![0],
        };
        assert!(Agreement::of(&split(10), &other, 2).is_none());
    }
}
