//! Class colours made for masks over photos: bright, with hues far apart, and safe for colour-blind sight.

use super::ClassSet;

/// Colours of street scenes by meaning, each with the names under which data sets know it.
///
/// Large, calm surfaces are of middle lightness; small things that must be found are lighter or darker. With one
/// lightness for all, only a single axis from blue to yellow would be left to colour-blind sight.
const STREET: [(&[&str], [u8; 3]); 11] = [
    (&["sky"], [0x75, 0xe1, 0xff]),
    (&["building"], [0xea, 0x64, 0x1a]),
    (&["pole"], [0xff, 0xb7, 0xc1]),
    (&["road"], [0x4c, 0xaa, 0x9b]),
    (&["pavement", "sidewalk"], [0xfe, 0x9f, 0x00]),
    (&["tree", "vegetation"], [0x6c, 0xce, 0x7b]),
    (&["sign", "traffic sign", "signsymbol"], [0x5a, 0x5b, 0xd7]),
    (&["fence"], [0x82, 0x62, 0x39]),
    (&["car"], [0xb9, 0x39, 0x94]),
    (&["pedestrian", "person"], [0xf4, 0xe9, 0x4c]),
    (&["bicyclist", "rider", "bicycle"], [0xaf, 0x94, 0xf6]),
];

/// Colours for any classes. Each is as far as possible from those before it, for the kind of vision that tells them
/// apart worst.
const ANY: [[u8; 3]; 24] = [
    [0x57, 0xa8, 0xff],
    [0xa2, 0x59, 0x00],
    [0xf2, 0xd9, 0x95],
    [0x37, 0x75, 0x9e],
    [0xd0, 0x9b, 0x00],
    [0x00, 0xe3, 0xfe],
    [0xe5, 0x60, 0x6b],
    [0xb0, 0xc0, 0x7e],
    [0x9b, 0x86, 0xc1],
    [0xfd, 0xc0, 0x25],
    [0x7e, 0x6b, 0xdb],
    [0x00, 0x99, 0x5a],
    [0x36, 0xd2, 0xba],
    [0xbe, 0x7b, 0x96],
    [0xaf, 0x71, 0x00],
    [0x6d, 0x59, 0xc7],
    [0x92, 0x59, 0x7d],
    [0x9a, 0xb7, 0xf2],
    [0x84, 0x82, 0xf3],
    [0xad, 0x98, 0xd5],
    [0xeb, 0x81, 0x86],
    [0xb8, 0x39, 0x60],
    [0xd0, 0xb7, 0x4a],
    [0x94, 0x6a, 0xbd],
];

/// sRGB colour of each class: by meaning where the set has only classes of street scenes, each with another meaning;
/// otherwise 24 colours, which repeat from the 25th class on.
pub fn photo_palette(classes: &ClassSet) -> Vec<[u8; 3]> {
    street(classes).unwrap_or_else(|| ANY.into_iter().cycle().take(classes.len()).collect())
}

/// The number of colours after which [`photo_palette`] repeats them; `None` if it does not.
pub fn photo_palette_repeats(classes: &ClassSet) -> Option<usize> {
    (classes.len() > ANY.len() && street(classes).is_none()).then_some(ANY.len())
}

fn street(classes: &ClassSet) -> Option<Vec<[u8; 3]>> {
    let mut colors = Vec::with_capacity(classes.len());
    for class in &classes.classes {
        let name = class.name.to_lowercase();
        let (_, color) = STREET.iter().find(|(names, _)| names.contains(&name.as_str()))?;
        if colors.contains(color) {
            return None;
        }
        colors.push(*color);
    }
    Some(colors)
}

#[cfg(test)]
mod tests {
    use super::super::color_vision::{linear_as_seen, product};
    use super::*;

    /// Linear sRGB to the cone responses of OKLab, and their cube roots to OKLab (Ottosson 2020, "A perceptual color
    /// space for image processing").
    const CONES: [[f32; 3]; 3] = [
        [0.412_221_46, 0.536_332_55, 0.051_445_995],
        [0.211_903_5, 0.680_699_5, 0.107_396_96],
        [0.088_302_46, 0.281_718_85, 0.629_978_7],
    ];
    const OKLAB: [[f32; 3]; 3] = [
        [0.210_454_26, 0.793_617_8, -0.004_072_047],
        [1.977_998_5, -2.428_592_2, 0.450_593_7],
        [0.025_904_037, 0.782_771_77, -0.808_675_77],
    ];

    /// A colour in OKLab for each kind of vision.
    fn seen(color: [u8; 3]) -> [[f32; 3]; 4] {
        linear_as_seen(color).map(|rgb| product(&OKLAB, product(&CONES, rgb).map(f32::cbrt)))
    }

    /// The smallest distance between two of the colours, over all kinds of vision.
    fn smallest_distance(colors: &[[u8; 3]]) -> f32 {
        let mut smallest = f32::INFINITY;
        for (i, a) in colors.iter().enumerate() {
            for b in &colors[..i] {
                for (a, b) in seen(*a).iter().zip(seen(*b)) {
                    let squared: f32 = (0..3).map(|k| (a[k] - b[k]).powi(2)).sum();
                    smallest = smallest.min(squared.sqrt());
                }
            }
        }
        smallest
    }

    #[test]
    fn oklab_matches_its_definition() {
        let [lightness, a, b] = seen([255, 0, 0])[0];
        // sRGB red, as the definition's author gives it.
        for (found, expected) in [(lightness, 0.628), (a, 0.225), (b, 0.126)] {
            assert!((found - expected).abs() < 1e-3, "{found} {expected}");
        }
    }

    #[test]
    fn colours_differ_for_every_vision() {
        let street = STREET.map(|(_, color)| color);
        for (colors, least) in [
            (&street[..], 0.09),
            (&ANY[..8], 0.09),
            (&ANY[..12], 0.07),
            (&ANY[..], 0.045),
        ] {
            let distance = smallest_distance(colors);
            assert!(distance >= least, "{} colours: {distance}", colors.len());
        }
    }

    #[test]
    fn street_scenes_have_their_own_colours_and_other_sets_those_for_any() {
        let of = |name: &str| photo_palette(&crate::datasets::classes_of(name).expect("a set"));
        let camvid = of("camvid");
        assert_eq!(camvid.len(), 11);
        assert_eq!((camvid[0], camvid[3]), (STREET[0].1, STREET[3].1));
        // Cityscapes has a wall, a terrain and more.
        assert_eq!(of("cityscapes"), ANY[..19]);
        let ade20k = of("ade20k");
        assert_eq!((ade20k.len(), ade20k[24]), (150, ANY[0]));
        // Two names of one meaning.
        let mut both = ClassSet::numbered(2);
        for (class, name) in both.classes.iter_mut().zip(["Person", "pedestrian"]) {
            class.name = name.into();
        }
        assert_eq!(photo_palette(&both), ANY[..2]);
    }
}
