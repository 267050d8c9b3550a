//! CVAT's run-length code: runs of pixels along the rows of a box, the rows from the top, zeros first.

use std::collections::BTreeMap;

use crate::annotate::UNLABELLED;
use crate::labels::LabelMap;

/// For every class of a map the box of its pixels (left, top, width and height) and the runs inside it. The first run is
/// of other pixels and may be 0. Unlabelled pixels are of no class.
pub fn runs_of_all(labels: &LabelMap) -> BTreeMap<u16, ([usize; 4], Vec<u32>)> {
    // Row, first column and the column after the last, row by row.
    let mut segments: BTreeMap<u16, Vec<[usize; 3]>> = BTreeMap::new();
    for (y, row) in labels.ids.chunks(labels.width.max(1)).enumerate() {
        let mut x = 0;
        for equal in row.chunk_by(|a, b| a == b) {
            if equal[0] != UNLABELLED {
                segments.entry(equal[0]).or_default().push([y, x, x + equal.len()]);
            }
            x += equal.len();
        }
    }
    let in_box = |segments: Vec<[usize; 3]>| {
        let left = segments.iter().map(|[_, start, _]| *start).min().unwrap_or(0);
        let right = segments.iter().map(|[_, _, end]| *end).max().unwrap_or(0);
        let top = segments.first().map_or(0, |[y, ..]| *y);
        let bottom = segments.last().map_or(0, |[y, ..]| *y + 1);
        let [width, height] = [right - left, bottom - top];
        let mut runs: Vec<u32> = Vec::new();
        let mut after = 0;
        for [y, start, end] in segments {
            let place = (y - top) * width + start - left;
            match runs.last_mut() {
                // A segment that begins where the last one ended, in the row before.
                Some(last) if place == after => *last += (end - start) as u32,
                _ => runs.extend([(place - after) as u32, (end - start) as u32]),
            }
            after = place + end - start;
        }
        if after < width * height {
            runs.push((width * height - after) as u32);
        }
        ([left, top, width, height], runs)
    };
    segments
        .into_iter()
        .map(|(id, segments)| (id, in_box(segments)))
        .collect()
}

/// Gives the pixels of the one-runs inside a box (left, top, width and height in pixels) a class.
///
/// # Errors
/// When the box leaves the map or the runs are not of as many pixels as the box has; then the map is as before. The
/// sentence says what was expected and found.
pub fn paint(runs: &[u32], left_top_width_height: [usize; 4], labels: &mut LabelMap, class: u16) -> Result<(), String> {
    let [left, top, width, height] = left_top_width_height;
    let inside = |start: usize, length, end| start.checked_add(length).is_some_and(|after| after <= end);
    if !inside(left, width, labels.width) || !inside(top, height, labels.height) {
        let [right, bottom] = [labels.width, labels.height];
        return Err(format!(
            "expected a box in {right} x {bottom} pixels, found {width} x {height} at {left}, {top}; export the mask again"
        ));
    }
    let sum: u64 = runs.iter().map(|run| u64::from(*run)).sum();
    let pixels = (width * height) as u64;
    if sum != pixels {
        return Err(format!(
            "expected runs of {pixels} pixels, found {sum}; export the mask again"
        ));
    }
    let mut place = 0;
    for (index, run) in runs.iter().enumerate() {
        let end = place + *run as usize;
        while index % 2 == 1 && place < end {
            let [x, y] = [place % width, place / width];
            let here = (end - place).min(width - x);
            let start = (top + y) * labels.width + left + x;
            if let Some(row) = labels.ids.get_mut(start..start + here) {
                row.fill(class);
            }
            place += here;
        }
        place = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotate::UNLABELLED;
    use crate::interchange::sample;

    fn blank(width: usize, height: usize) -> LabelMap {
        let ids = vec![UNLABELLED; width * height];
        LabelMap { width, height, ids }
    }

    #[test]
    fn the_code_is_that_of_the_reference() {
        let mut labels = blank(6, 5);
        let mask = [[2, 1], [3, 1], [4, 1], [2, 2], [3, 3], [4, 3], [2, 3], [4, 2]];
        mask.iter().for_each(|[x, y]| labels.ids[y * 6 + x] = 4);
        let tight = [2, 1, 3, 3];
        let all = runs_of_all(&labels);
        let runs = vec![0, 4, 1, 4];
        assert_eq!(all[&4], (tight, runs.clone()));
        let mut back = blank(6, 5);
        paint(&runs, tight, &mut back, 4).unwrap();
        assert_eq!(back, labels);
    }

    #[test]
    fn every_map_comes_back() {
        let ids = [1, 3, 9];
        for labels in sample::maps(&ids, 60) {
            let mut back = blank(labels.width, labels.height);
            for (class, (tight, runs)) in runs_of_all(&labels) {
                paint(&runs, tight, &mut back, class).unwrap();
            }
            assert_eq!(back, labels);
        }
    }

    #[test]
    fn damaged_runs_leave_the_map_alone() {
        let mut labels = blank(6, 5);
        for runs in [&[][..], &[0, 4, 1], &[0, 4, 1, 5], &[u32::MAX; 4]] {
            assert!(paint(runs, [2, 1, 3, 3], &mut labels, 4).is_err());
        }
        let boxes = [
            [4, 1, 3, 3],
            [2, 3, 3, 3],
            [usize::MAX, 1, 3, 3],
            [2, 1, usize::MAX, 3],
            [2, usize::MAX, 3, 3],
        ];
        for outside in boxes {
            assert!(paint(&[0, 9], outside, &mut labels, 4).is_err());
        }
        assert_eq!(labels, blank(6, 5));
    }

    #[test]
    fn an_empty_box_has_no_pixels() {
        let mut labels = blank(6, 5);
        paint(&[0], [6, 5, 0, 0], &mut labels, 4).unwrap();
        paint(&[0, 0], [1, 1, 0, 3], &mut labels, 4).unwrap();
        assert_eq!(labels, blank(6, 5));
    }
}
