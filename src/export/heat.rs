//! Values of patches as colours.

use super::color_map::ColorMap;

/// How a value becomes a share of the colour map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Curve {
    /// Proportional to the value
    Linear,
    /// Square root, which shows more than the few largest values because attention is far from even
    #[default]
    Root,
    /// Logarithm over four powers of ten below the largest value
    Log,
}

impl Curve {
    /// All curves.
    pub const ALL: [Self; 3] = [Self::Linear, Self::Root, Self::Log];

    /// Name shown to the user.
    pub fn title(self) -> &'static str {
        match self {
            Self::Linear => "Linear",
            Self::Root => "Root",
            Self::Log => "Log",
        }
    }

    /// The place in the colour map of a share of the largest value, both 0..=1.
    fn bent(self, share: f32) -> f32 {
        match self {
            Self::Linear => share,
            Self::Root => share.max(0.0).sqrt(),
            Self::Log => 1.0 + share.max(10f32.powf(-DECADES)).log10() / DECADES,
        }
    }

    /// The share of the largest value that is shown at a place of the colour map, 0..=1.
    fn straightened(self, place: f32) -> f32 {
        match self {
            Self::Linear => place,
            Self::Root => place * place,
            Self::Log => 10f32.powf((place - 1.0) * DECADES),
        }
    }
}

/// Powers of ten below the largest value that [`Curve::Log`] shows.
const DECADES: f32 = 4.0;

/// A scale from values to colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The value with the first colour.
    pub low: f32,
    /// The value with the last colour.
    pub high: f32,
    /// The curve between them.
    pub curve: Curve,
    /// The colour map.
    pub map: ColorMap,
}

impl Scale {
    /// The scale from 0, or the smallest value if that is negative, to the largest.
    pub fn over(values: &[f32], curve: Curve, map: ColorMap) -> Self {
        let low = values.iter().fold(0.0f32, |a, b| a.min(*b));
        let high = values.iter().fold(low, |a, b| a.max(*b));
        Self { low, high, curve, map }
    }

    /// The scale from 0 to the largest of these values.
    pub fn to_largest<'a>(values: impl Iterator<Item = &'a f32>, curve: Curve, map: ColorMap) -> Self {
        let high = values.fold(0.0f32, |a, b| a.max(*b));
        Self {
            low: 0.0,
            high,
            curve,
            map,
        }
    }

    /// The place of a value in the colour map, 0..=1.
    pub fn share(&self, value: f32) -> f32 {
        let span = if self.high > self.low {
            self.high - self.low
        } else {
            1.0
        };
        self.curve.bent((value - self.low) / span)
    }

    /// The value that is shown at a place of the colour map, 0..=1.
    pub fn value_at(&self, place: f32) -> f32 {
        self.low + self.curve.straightened(place) * (self.high - self.low)
    }

    /// Draws maps of `columns` x `rows` values side by side, `across` in a row; returns width, height and pixels.
    pub fn draw(&self, maps: &[&[f32]], [rows, columns]: [usize; 2], across: usize) -> ([usize; 2], Vec<[u8; 3]>) {
        let table = self.map.table();
        let (width, height) = (columns * across, rows * maps.len().div_ceil(across.max(1)));
        let mut pixels = vec![[0; 3]; width * height];
        for (i, map) in maps.iter().enumerate() {
            let (left, top) = (i % across * columns, i / across * rows);
            for (y, row) in map.chunks_exact(columns).enumerate() {
                let out = &mut pixels[(top + y) * width + left..][..columns];
                for (out, value) in out.iter_mut().zip(row) {
                    *out = table[(self.share(*value) * 255.0).clamp(0.0, 255.0) as usize];
                }
            }
        }
        ([width, height], pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_drawn_side_by_side() {
        let scale = Scale {
            low: 0.0,
            high: 1.0,
            curve: Curve::Linear,
            map: ColorMap::Grey,
        };
        let maps: [&[f32]; 3] = [&[0.0, 1.0], &[1.0, 0.0], &[1.0, 1.0]];
        let (size, pixels) = scale.draw(&maps, [1, 2], 2);
        assert_eq!(size, [4, 2]);
        let white: Vec<bool> = pixels.iter().map(|c| *c == [255; 3]).collect();
        assert_eq!(white, [false, true, true, false, true, true, false, false]);
    }

    #[test]
    fn curves_keep_the_ends() {
        for curve in Curve::ALL {
            assert!(
                curve.bent(0.0).abs() < 1e-6 && (curve.bent(1.0) - 1.0).abs() < 1e-6,
                "{curve:?}"
            );
            for place in [0.25, 0.5, 1.0] {
                let there_and_back = curve.bent(curve.straightened(place));
                assert!(
                    (there_and_back - place).abs() < 1e-5,
                    "{curve:?} {place} {there_and_back}"
                );
            }
        }
    }
}
