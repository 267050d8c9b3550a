//! The magic wand: connected pixels that resemble the one that was pressed, by colour or by what the model sees there.

use super::super::spans::Span;
use super::fill::connected;
use crate::photo::Photo;

/// Which pixels resemble the one that was pressed. Tells it for a pixel by its index, row by row.
pub struct Alike<'a> {
    of: By<'a>,
}

enum By<'a> {
    Color {
        photo: &'a Photo,
        color: [u8; 3],
        tolerance: u8,
    },
    Value {
        values: &'a PatchValues,
        least: f32,
    },
}

/// A value for each patch of a grid that lies over an image, as one for each pixel.
///
/// Values lie at the middles of the patches; between them they are interpolated, and outside of the grid the nearest one
/// holds.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchValues {
    /// Values, row by row.
    values: Vec<f32>,
    columns: usize,
    /// For each pixel column and row: the patches before and after it, and the weight of the second.
    across: Vec<(usize, usize, f32)>,
    down: Vec<(usize, usize, f32)>,
}

impl PatchValues {
    /// Values of a grid of `[rows, columns]` patches, row by row, over an image. `area` is the part of the image, in
    /// pixels from its left and top edge, that the grid covers: left, top, right, bottom. `None` if the numbers do not
    /// fit together.
    pub fn new(values: Vec<f32>, [rows, columns]: [usize; 2], size: [usize; 2], area: [f64; 4]) -> Option<Self> {
        if rows == 0 || columns == 0 || values.len() != rows * columns {
            return None;
        }
        let [left, top, right, bottom] = area;
        let place = |pixel: usize, [start, end]: [f64; 2], count: usize| {
            let at = (pixel as f64 + 0.5 - start) / (end - start).max(1e-9) * count as f64 - 0.5;
            let at = at.clamp(0.0, (count - 1) as f64);
            let low = at.floor() as usize;
            (low, (low + 1).min(count - 1), (at - low as f64) as f32)
        };
        Some(Self {
            values,
            columns,
            across: (0..size[0]).map(|x| place(x, [left, right], columns)).collect(),
            down: (0..size[1]).map(|y| place(y, [top, bottom], rows)).collect(),
        })
    }

    /// The value at a pixel, by its index, row by row.
    pub fn at(&self, index: usize) -> f32 {
        let width = self.across.len().max(1);
        let (Some(&(left, right, x)), Some(&(top, bottom, y))) =
            (self.across.get(index % width), self.down.get(index / width))
        else {
            return f32::NEG_INFINITY;
        };
        let value = |row: usize, column: usize| self.values.get(row * self.columns + column).copied().unwrap_or(0.0);
        let upper = value(top, left) * (1.0 - x) + value(top, right) * x;
        let lower = value(bottom, left) * (1.0 - x) + value(bottom, right) * x;
        upper * (1.0 - y) + lower * y
    }
}

impl<'a> Alike<'a> {
    /// Pixels whose colour differs from that of the pressed one by at most `tolerance` in every channel, which is the
    /// rule of GIMP's fuzzy select; `None` if it lies outside.
    pub fn by_color(photo: &'a Photo, [x, y]: [usize; 2], tolerance: u8) -> Option<Self> {
        let color = photo.pixel(x, y)?;
        let of = By::Color {
            photo,
            color,
            tolerance,
        };
        Some(Self { of })
    }

    /// Pixels with at least this value, such as the similarity of their tokens with the pressed one's.
    pub fn by_value(values: &'a PatchValues, least: f32) -> Self {
        Self {
            of: By::Value { values, least },
        }
    }

    /// Whether a pixel resembles the pressed one.
    pub fn has(&self, index: usize) -> bool {
        match &self.of {
            By::Color {
                photo,
                color,
                tolerance,
            } => {
                let pixel = photo.rgb.as_chunks::<3>().0.get(index);
                pixel.is_some_and(|pixel| pixel.iter().zip(color).all(|(a, b)| a.abs_diff(*b) <= *tolerance))
            }
            By::Value { values, least } => values.at(index) >= *least,
        }
    }

    /// The pixels that resemble the pressed one and are connected with it.
    pub fn connected(&self, size: [usize; 2], at: [usize; 2]) -> Vec<Span> {
        connected(size, at, |index| self.has(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(spans: &[Span]) -> usize {
        spans.iter().map(|span| span.x.len()).sum()
    }

    #[test]
    fn colours_within_the_tolerance_of_every_channel_are_taken() {
        let grey = |value: u8| [value, value, value];
        let row = [grey(100), [104, 100, 96], [105, 100, 100], grey(100)];
        let photo = Photo::new(4, 1, row.concat());
        let taken = |tolerance| {
            pixels(
                &Alike::by_color(&photo, [0, 0], tolerance)
                    .expect("inside")
                    .connected([4, 1], [0, 0]),
            )
        };
        assert_eq!([0, 3, 4, 5].map(taken), [1, 1, 2, 4]);
        assert!(Alike::by_color(&photo, [4, 0], 3).is_none());
    }

    #[test]
    fn values_of_patches_are_interpolated_between_their_middles() {
        // Two patches of four pixels, whose middles lie at 2 and 6.
        let values = PatchValues::new(vec![0.0, 1.0], [1, 2], [8, 2], [0.0, 0.0, 8.0, 2.0]).expect("fits");
        let row: Vec<f32> = (0..8).map(|x| values.at(x)).collect();
        assert_eq!(row, [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.0, 1.0]);
        assert_eq!(values.at(3), values.at(8 + 3));
        assert_eq!(values.at(16), f32::NEG_INFINITY);
        assert_eq!(pixels(&Alike::by_value(&values, 0.6).connected([8, 2], [7, 0])), 8);
        assert!(PatchValues::new(vec![0.0], [1, 2], [8, 2], [0.0, 0.0, 8.0, 2.0]).is_none());
    }
}
