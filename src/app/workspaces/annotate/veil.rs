//! Layers over the photo at a reduced resolution: what a tool would change, what is selected, and the prediction below
//! the labels. They are drawn again only when what they show has changed.

use egui::{Color32, ColorImage, Context, Painter, Pos2, Rect, TextureHandle, TextureOptions, pos2};

use crate::annotate::Span;
use crate::annotate::tools::connected;

/// Longest side in points of the grid: a flood over it takes a few milliseconds at most.
const LONGEST: usize = 768;

/// Every second, third, … pixel of a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    photo: [usize; 2],
    step: usize,
    /// Columns and rows.
    size: [usize; 2],
}

impl Grid {
    pub(super) fn of(photo: [usize; 2]) -> Self {
        let step = photo[0].max(photo[1]).div_ceil(LONGEST).max(1);
        Self {
            photo,
            step,
            size: photo.map(|side| side.div_ceil(step).max(1)),
        }
    }

    /// Index of the photo's pixel that stands for a point.
    pub(super) fn pixel(&self, point: usize) -> usize {
        let [x, y] = [point % self.size[0], point / self.size[0]];
        let place = |index: usize, side: usize| (index * self.step + self.step / 2).min(side.saturating_sub(1));
        place(y, self.photo[1]) * self.photo[0] + place(x, self.photo[0])
    }

    /// The point of a pixel.
    fn point(&self, [x, y]: [usize; 2]) -> [usize; 2] {
        [
            (x / self.step).min(self.size[0] - 1),
            (y / self.step).min(self.size[1] - 1),
        ]
    }

    /// Number of points.
    pub(super) fn count(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// The points connected with that of a pixel whose pixels fit; that of the pixel itself always counts.
    pub(super) fn flood(&self, at: [usize; 2], fits: impl Fn(usize) -> bool) -> Vec<bool> {
        let start = self.point(at);
        let first = start[1] * self.size[0] + start[0];
        let mut inside = vec![false; self.count()];
        for span in connected(self.size, start, |point| point == first || fits(self.pixel(point))) {
            inside[span.y * self.size[0]..][span.x].fill(true);
        }
        inside
    }

    /// The points of spans of the photo.
    pub(super) fn points_of(&self, spans: &[Span]) -> Vec<bool> {
        let mut inside = vec![false; self.count()];
        for span in spans.iter().filter(|span| !span.x.is_empty()) {
            let [left, y] = self.point([span.x.start, span.y]);
            let [right, _] = self.point([span.x.end - 1, span.y]);
            inside[y * self.size[0]..][left..=right].fill(true);
        }
        inside
    }

    /// The points whose pixels fit.
    pub(super) fn points(&self, fits: impl Fn(usize) -> bool) -> Vec<bool> {
        (0..self.count()).map(|point| fits(self.pixel(point))).collect()
    }
}

/// A layer over the photo, with a key of what it shows.
pub(super) struct Veil<K> {
    shown: Option<(K, Grid, TextureHandle)>,
}

impl<K> Default for Veil<K> {
    fn default() -> Self {
        Self { shown: None }
    }
}

impl<K: PartialEq> Veil<K> {
    /// What it shows.
    pub(super) fn key(&self) -> Option<&K> {
        self.shown.as_ref().map(|(key, ..)| key)
    }

    /// Shows something else, whose colours are given point by point.
    pub(super) fn set(&mut self, context: &Context, key: K, grid: Grid, colors: Vec<Color32>) {
        let image = ColorImage::new(grid.size, colors);
        match &mut self.shown {
            Some((known, size, texture)) => {
                texture.set(image, TextureOptions::NEAREST);
                (*known, *size) = (key, grid);
            }
            None => {
                let texture = context.load_texture("over the labels", image, TextureOptions::NEAREST);
                self.shown = Some((key, grid, texture));
            }
        }
    }

    /// Shows nothing.
    pub(super) fn clear(&mut self) {
        self.shown = None;
    }

    /// Draws it over the photo. `on_screen` gives the place of a pixel's corner.
    pub(super) fn paint(&self, painter: &Painter, on_screen: impl Fn([f64; 2]) -> Pos2) {
        let Some((_, grid, texture)) = &self.shown else { return };
        let [width, height] = grid.size.map(|side| (side * grid.step) as f64);
        let place = Rect::from_two_pos(on_screen([0.0, 0.0]), on_screen([width, height]));
        // The last column and row reach beyond the photo.
        let [right, bottom] = grid.photo.map(|side| side as f64);
        let photo = Rect::from_two_pos(on_screen([0.0, 0.0]), on_screen([right, bottom]));
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        let clipped = painter.with_clip_rect(painter.clip_rect().intersect(photo));
        clipped.image(texture.id(), place, whole, Color32::WHITE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_stands_for_all_pixels_of_a_large_photo() {
        let grid = Grid::of([2000, 1501]);
        assert_eq!((grid.step, grid.size), (3, [667, 501]));
        assert_eq!(grid.pixel(0), 2000 + 1);
        assert_eq!(grid.pixel(666), 2000 + 1999);
        assert_eq!(grid.point([1999, 1500]), [666, 500]);
        let small = Grid::of([30, 20]);
        assert_eq!((small.step, small.pixel(31)), (1, 31));
    }

    #[test]
    fn floods_and_spans_are_told_in_points() {
        let grid = Grid::of([4, 2]);
        let ids = [1, 1, 0, 1, 0, 0, 0, 1];
        let flooded = grid.flood([0, 0], |pixel| ids[pixel] == 1);
        assert_eq!(flooded, [true, true, false, false, false, false, false, false]);
        let points = grid.points_of(&[Span { y: 1, x: 1..3 }]);
        assert_eq!(points, [false, false, false, false, false, true, true, false]);
        assert_eq!(grid.points(|pixel| ids[pixel] == 1).iter().filter(|on| **on).count(), 4);
    }
}
