//! Sets of pixels as runs of rows, and the boxes around them.

use std::ops::Range;

/// Pixels of one row, next to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The row.
    pub y: usize,
    /// The columns.
    pub x: Range<usize>,
}

impl Span {
    /// The columns of a row whose pixels' centres lie between two places, inside an image of this width; `None` if
    /// there is no such pixel.
    pub(super) fn of_centres(y: usize, [left, right]: [f64; 2], width: usize) -> Option<Self> {
        let start = (left - 0.5).ceil().max(0.0) as usize;
        let end = ((right - 0.5).floor() + 1.0).clamp(0.0, width as f64) as usize;
        (start < end).then_some(Self { y, x: start..end })
    }
}

/// A rectangle of pixels, never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The columns.
    pub x: Range<usize>,
    /// The rows.
    pub y: Range<usize>,
}

impl Bounds {
    /// The smallest rectangle around both.
    pub fn around(self, other: &Self) -> Self {
        let hull = |a: Range<usize>, b: &Range<usize>| a.start.min(b.start)..a.end.max(b.end);
        Self {
            x: hull(self.x, &other.x),
            y: hull(self.y, &other.y),
        }
    }

    /// The smallest rectangle around all of these.
    pub fn around_all(boxes: impl IntoIterator<Item = Self>) -> Option<Self> {
        boxes.into_iter().reduce(|a, b| a.around(&b))
    }

    /// The rectangle grown by some pixels, within an image of this size.
    pub fn grown(&self, by: usize, [width, height]: [usize; 2]) -> Self {
        let grow = |side: &Range<usize>, most: usize| side.start.saturating_sub(by)..(side.end + by).min(most);
        Self {
            x: grow(&self.x, width),
            y: grow(&self.y, height),
        }
    }

    /// Whether it has a pixel.
    pub fn contains(&self, [x, y]: [usize; 2]) -> bool {
        self.x.contains(&x) && self.y.contains(&y)
    }
}
