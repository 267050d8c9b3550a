//! Grid lines over the photo: between its pixels when magnified, and between the network's patches.

use std::ops::Range;

use egui::{Painter, Rangef, Rect, Stroke};

/// Smallest width of a pixel for which the pixel grid is drawn, in points.
const MIN_PIXEL: f32 = 10.0;

/// Smallest width of a patch for which the patch grid is drawn, in points: closer lines would hide the photo.
const MIN_PATCH: f32 = 5.0;

/// Draws lines between photo pixels, if they are large enough on the screen.
pub(super) fn pixels(painter: &Painter, canvas: Rect, photo: Rect, size: [usize; 2], stroke: Stroke) {
    let step = photo.width() / size[0] as f32;
    if step < MIN_PIXEL {
        return;
    }
    let seen = canvas.intersect(photo);
    for x in lines(seen.x_range(), photo.left(), step, size[0]) {
        painter.vline(photo.left() + x as f32 * step, seen.y_range(), stroke);
    }
    for y in lines(seen.y_range(), photo.top(), step, size[1]) {
        painter.hline(seen.x_range(), photo.top() + y as f32 * step, stroke);
    }
}

/// Indices of the lines within `seen`, of at most `count + 1` lines that start at `start` and are `step` apart.
fn lines(seen: Rangef, start: f32, step: f32, count: usize) -> Range<usize> {
    let first = ((seen.min - start) / step).ceil().max(0.0) as usize;
    let last = ((seen.max - start) / step).floor().max(0.0) as usize;
    first..(last + 1).min(count + 1)
}

/// How a photo was cut for the network: windows that start at `columns` and `rows`, with patches of size `patch`, all
/// in pixels of the resized photo of `size`.
pub(in crate::app) struct Patches<'a> {
    pub(in crate::app) size: [usize; 2],
    pub(in crate::app) patch: usize,
    pub(in crate::app) columns: &'a [usize],
    pub(in crate::app) rows: &'a [usize],
}

/// Draws lines between patches. Where windows overlap, the lines are those of the last window that starts before them.
/// The starts of windows are drawn stronger.
pub(super) fn patches(painter: &Painter, canvas: Rect, photo: Rect, cut: &Patches, [thin, strong]: [Stroke; 2]) {
    let scale = photo.width() / cut.size[0] as f32;
    if cut.patch as f32 * scale < MIN_PATCH {
        return;
    }
    let seen = canvas.intersect(photo);
    let vertical = |x: f32, stroke| painter.vline(photo.left() + x, seen.y_range(), stroke);
    let horizontal = |y: f32, stroke| painter.hline(seen.x_range(), photo.top() + y, stroke);
    for (at, starts) in edges(cut.columns, cut.size[0], cut.patch) {
        let x = at as f32 * scale;
        if seen.x_range().contains(photo.left() + x) {
            vertical(x, if starts { strong } else { thin });
        }
    }
    let scale = photo.height() / cut.size[1] as f32;
    for (at, starts) in edges(cut.rows, cut.size[1], cut.patch) {
        let y = at as f32 * scale;
        if seen.y_range().contains(photo.top() + y) {
            horizontal(y, if starts { strong } else { thin });
        }
    }
}

/// Patch edges along one axis, and whether a window starts there.
fn edges(starts: &[usize], length: usize, patch: usize) -> Vec<(usize, bool)> {
    let ends = starts.iter().skip(1).copied().chain([length]);
    let bands = starts.iter().zip(ends);
    let inside = |(start, end): (&usize, usize)| {
        let start = *start;
        (start..end).step_by(patch.max(1)).map(move |at| (at, at == start))
    };
    bands.flat_map(inside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_visible_lines_are_drawn() {
        assert_eq!(lines(Rangef::new(100.0, 131.0), 0.0, 10.0, 1000), 10..14);
        assert_eq!(lines(Rangef::new(0.0, 500.0), 0.0, 10.0, 3), 0..4);
    }

    #[test]
    fn patches_follow_the_last_started_window() {
        let expected = [
            (0, true),
            (16, false),
            (32, false),
            (40, true),
            (56, false),
            (72, false),
        ];
        assert_eq!(edges(&[0, 40], 80, 16), expected);
    }
}
