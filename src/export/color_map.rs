//! Colour maps for values, readable without colour vision: every map grows lighter from end to end.

/// A colour map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorMap {
    /// Dark violet through red to light yellow
    #[default]
    Ember,
    /// Dark blue through green to yellow
    BlueYellow,
    /// Black through red to white
    Fire,
    /// Black to white
    Grey,
}

impl ColorMap {
    /// All colour maps.
    pub const ALL: [Self; 4] = [Self::Ember, Self::BlueYellow, Self::Fire, Self::Grey];

    /// Name shown to the user.
    pub fn title(self) -> &'static str {
        match self {
            Self::Ember => "Ember",
            Self::BlueYellow => "Blue to yellow",
            Self::Fire => "Black to fire",
            Self::Grey => "Grey",
        }
    }

    fn anchors(self) -> &'static [[f32; 3]] {
        match self {
            Self::Ember => &[
                [18.0, 11.0, 36.0],
                [74.0, 22.0, 107.0],
                [168.0, 42.0, 110.0],
                [232.0, 89.0, 59.0],
                [251.0, 168.0, 58.0],
                [253.0, 243.0, 176.0],
            ],
            Self::BlueYellow => &[
                [14.0, 8.0, 62.0],
                [44.0, 58.0, 124.0],
                [38.0, 116.0, 132.0],
                [96.0, 172.0, 108.0],
                [246.0, 224.0, 66.0],
            ],
            Self::Fire => &[
                [0.0, 0.0, 0.0],
                [92.0, 12.0, 64.0],
                [192.0, 42.0, 40.0],
                [246.0, 152.0, 40.0],
                [255.0, 246.0, 196.0],
            ],
            Self::Grey => &[[0.0; 3], [255.0; 3]],
        }
    }

    /// The colour of a share, 0..=1; values outside are clamped.
    pub fn color(self, share: f32) -> [u8; 3] {
        let anchors = self.anchors();
        let steps = anchors.len() - 1;
        let at = if share > 0.0 {
            share.min(1.0) * steps as f32
        } else {
            0.0
        };
        let low = (at as usize).min(steps - 1);
        let weight = at - low as f32;
        [0, 1, 2].map(|i| {
            let (from, to) = (anchors[low][i], anchors[low + 1][i]);
            (from + (to - from) * weight).round() as u8
        })
    }

    /// All colours in 256 steps, for maps of many values.
    pub fn table(self) -> [[u8; 3]; 256] {
        std::array::from_fn(|i| self.color(i as f32 / 255.0))
    }
}

#[cfg(test)]
mod tests {
    use super::ColorMap;

    #[test]
    fn every_map_grows_lighter() {
        for map in ColorMap::ALL {
            // Rec. 709.
            let light = |i: u16| {
                let [r, g, b] = map.color(f32::from(i) / 100.0).map(f32::from);
                0.2126 * r + 0.7152 * g + 0.0722 * b
            };
            assert!((1..=100).all(|i| light(i) > light(i - 1)), "{}", map.title());
        }
    }

    #[test]
    fn values_outside_are_clamped() {
        let map = ColorMap::default();
        assert_eq!(map.color(-3.0), map.color(0.0));
        assert_eq!(map.color(f32::NAN), map.color(0.0));
        assert_eq!(map.color(7.0), map.color(1.0));
    }
}
