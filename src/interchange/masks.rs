//! The masks that a label map is written as: one for each class, or one for each connected part of a class.

use crate::annotate::UNLABELLED;
use crate::labels::{LabelMap, Regions};

/// Calls `each` for every mask with a map, a class, and a box (left, top, width and height in pixels). The mask is made
/// of the pixels of that class in that map, and the box is the smallest one around them.
///
/// # Errors
/// The first one of `each`.
pub(super) fn each_mask<E>(
    labels: &LabelMap,
    parts: bool,
    mut each: impl FnMut(&LabelMap, u16, [usize; 4]) -> Result<(), E>,
) -> Result<(), E> {
    if !parts {
        let listed = (0..UNLABELLED).zip(boxes(labels));
        let mut found = listed.filter_map(|(class, edges)| Some((class, size(edges?))));
        return found.try_for_each(|(class, place)| each(labels, class, place));
    }
    let regions = Regions::of(labels);
    let mut alone = LabelMap {
        width: labels.width,
        height: labels.height,
        ids: vec![UNLABELLED; labels.ids.len()],
    };
    for (number, region) in (0..).zip(regions.list()) {
        if region.class == UNLABELLED {
            continue;
        }
        let edges = region.bounds;
        stamp(&regions, number, edges, region.class, &mut alone);
        each(&alone, region.class, size(edges))?;
        stamp(&regions, number, edges, UNLABELLED, &mut alone);
    }
    Ok(())
}

/// Left, top, width and height of a box by its left, top, right and bottom.
fn size([left, top, right, bottom]: [usize; 4]) -> [usize; 4] {
    [left, top, right - left, bottom - top]
}

/// Gives the pixels of a region a class.
fn stamp(regions: &Regions, number: u32, edges: [usize; 4], class: u16, map: &mut LabelMap) {
    for y in edges[1]..edges[3] {
        for (columns, of) in regions.row(y) {
            if of == number {
                map.ids[y * map.width..][columns].fill(class);
            }
        }
    }
}

/// Left, top, right and bottom of each class; right and bottom are exclusive.
fn boxes(labels: &LabelMap) -> Vec<Option<[usize; 4]>> {
    let mut boxes: Vec<Option<[usize; 4]>> = Vec::new();
    for (y, row) in labels.ids.chunks_exact(labels.width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|left, right| left == right) {
            let class = usize::from(run[0]);
            let end = x + run.len();
            if run[0] != UNLABELLED {
                if boxes.len() <= class {
                    boxes.resize(class + 1, None);
                }
                let [left, top, right, _] = boxes[class].unwrap_or([x, y, end, y]);
                boxes[class] = Some([left.min(x), top, right.max(end), y + 1]);
            }
            x = end;
        }
    }
    boxes
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::interchange::sample;

    #[test]
    fn masks_cover_the_map_and_fill_their_boxes() {
        for labels in sample::maps(&[1, 3, 9], 40) {
            for parts in [false, true] {
                let mut back = vec![UNLABELLED; labels.ids.len()];
                each_mask(&labels, parts, |map, class, [left, top, width, height]| {
                    let [mut right, mut bottom, mut first, mut above] = [0, 0, usize::MAX, usize::MAX];
                    for (place, _) in map.ids.iter().enumerate().filter(|(_, id)| **id == class) {
                        let [x, y] = [place % map.width, place / map.width];
                        [right, bottom] = [right.max(x), bottom.max(y)];
                        [first, above] = [first.min(x), above.min(y)];
                        assert_eq!(back[place], UNLABELLED);
                        back[place] = class;
                    }
                    assert_eq!(
                        [first, above, right + 1, bottom + 1],
                        [left, top, left + width, top + height]
                    );
                    Ok::<(), Infallible>(())
                })
                .unwrap();
                assert_eq!(back, labels.ids);
            }
        }
    }
}
