//! Agreement of two label maps of one image.

use super::LabelMap;

/// Distances in pixels at which boundaries are compared.
pub const BOUNDARY_PIXELS: [usize; 3] = [1, 2, 4];

/// Agreement of two label maps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Share of pixels with the same label, among those that are labelled in both maps.
    pub same: f64,
    /// Agreement of the boundaries between labels, at each distance of [`BOUNDARY_PIXELS`].
    ///
    /// The harmonic mean of the share of one map's boundary that is within that distance of the other's, and vice versa
    /// (the boundary score of Csurka et al., BMVC 2013, over all labels together; distance along rows or columns,
    /// whichever is larger). 1 where neither map has a boundary.
    pub boundary: [f64; 3],
}

impl Agreement {
    /// Compares a map with a reference. Ids of `classes` and above are not labels. `None` when the sizes differ.
    pub fn of(a: &LabelMap, b: &LabelMap, classes: usize) -> Option<Self> {
        let is_known = |id: u16| usize::from(id) < classes;
        Self::where_labelled(a, b, |a, b| is_known(a) && is_known(b))
    }

    /// Compares a prediction with ground truth. Only pixels that are labelled in the ground truth count; a predicted id
    /// that is not a class is wrong. `None` when the sizes differ or no pixel is labelled.
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

/// Whether each pixel's label differs from the one to its right or below it, where both are `labelled`.
///
/// Pixels that are not labelled in one of the maps have no boundary to compare.
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

/// Whether `mask` is set within `pixels` rows and columns of each pixel.
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

/// Calls `set` for every position of a line that is within `pixels` of a position where `is` holds.
fn spread(length: usize, pixels: usize, is: impl Fn(usize) -> bool, mut set: impl FnMut(usize)) {
    // All positions below this one are done.
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

    /// A map with class 1 from column `edge` on, and class 0 to the left of it.
    fn split(edge: usize) -> LabelMap {
        let (width, height) = (20, 3);
        LabelMap {
            width,
            height,
            ids: (0..width * height).map(|i| u16::from(i % width >= edge)).collect(),
        }
    }

    #[test]
    fn a_shifted_edge_agrees_only_within_its_distance() {
        let found = Agreement::of(&split(10), &split(13), 2).expect("one size");
        assert!((found.same - 17.0 / 20.0).abs() < 1e-12);
        assert_eq!(found.boundary, [0.0, 0.0, 1.0]);
        let found = Agreement::of(&split(10), &split(12), 2).expect("one size");
        assert_eq!(found.boundary, [0.0, 1.0, 1.0]);
    }

    #[test]
    fn pixels_unlabelled_in_the_reference_do_not_count() {
        let mut reference = split(13);
        reference.ids.iter_mut().filter(|id| **id == 0).for_each(|id| *id = 255);
        let found = Agreement::of(&split(10), &reference, 2).expect("one size");
        assert_eq!(found.same, 1.0);
        // The edge at column 10 borders on unlabelled pixels, so neither map has a boundary there.
        assert_eq!(found.boundary, [1.0; 3]);
    }

    #[test]
    fn a_map_agrees_with_itself_but_not_with_another_size() {
        let found = Agreement::of(&split(10), &split(10), 2).expect("one size");
        assert_eq!((found.same, found.boundary), (1.0, [1.0; 3]));
        // A single label has no boundary.
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
