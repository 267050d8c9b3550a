//! Class colours that are distinguishable with colour vision deficiency.

use std::sync::OnceLock;

use super::color_vision::{VISIONS, linear_as_seen, product};

/// The eight colours of Okabe and Ito, "Color Universal Design", 2008.
///
/// Black comes last, because the other seven stand out from photos. Grey instead of black would be within 8 CIELAB
/// units of the green and the purple for viewers without green cones.
const OKABE_ITO: [[u8; 3]; 8] = [
    [230, 159, 0],
    [86, 180, 233],
    [0, 158, 115],
    [240, 228, 66],
    [0, 114, 178],
    [213, 94, 0],
    [204, 121, 167],
    [0, 0, 0],
];

/// Number of distinct colours; more could not be distinguished.
const MOST: usize = 256;

/// Values per channel of the grid from which further colours are chosen.
const LEVELS: [u8; 9] = [0, 32, 64, 96, 128, 159, 191, 223, 255];

/// Linear sRGB to CIE XYZ under D65 (IEC 61966-2-1).
const XYZ: [[f32; 3]; 3] = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.119192, 0.9503041],
];

/// `count` sRGB colours for classes 0, 1, …
///
/// The first are those of Okabe and Ito. Each further colour is as far as possible from all before it, for the kind of
/// colour vision that distinguishes them worst. Every call returns the same colours; from the 257th on they repeat.
pub fn color_blind_safe(count: usize) -> Vec<[u8; 3]> {
    static COLORS: OnceLock<Vec<[u8; 3]>> = OnceLock::new();
    let colors = COLORS.get_or_init(farthest_points);
    colors.iter().copied().cycle().take(count).collect()
}

/// A colour as seen with each kind of vision, in CIELAB.
type Seen = [[f32; 3]; VISIONS.len()];

/// One colour of the grid.
struct Candidate {
    color: [u8; 3],
    seen: Seen,
    /// Distance to the nearest colour that was chosen.
    distance: f32,
}

fn farthest_points() -> Vec<[u8; 3]> {
    let mut colors = OKABE_ITO.to_vec();
    let taken = OKABE_ITO.map(seen);
    let mut candidates = Vec::with_capacity(LEVELS.len().pow(3));
    for r in LEVELS {
        for g in LEVELS {
            for b in LEVELS {
                let color = [r, g, b];
                let seen = seen(color);
                let distance = taken.iter().map(|t| distance(t, &seen)).fold(f32::INFINITY, f32::min);
                candidates.push(Candidate { color, seen, distance });
            }
        }
    }
    while colors.len() < MOST
        && let Some(best) = candidates.iter().max_by(|a, b| a.distance.total_cmp(&b.distance))
    {
        let best_seen = best.seen;
        colors.push(best.color);
        for candidate in &mut candidates {
            candidate.distance = candidate.distance.min(distance(&candidate.seen, &best_seen));
        }
    }
    colors
}

/// The smallest distance in CIELAB over all kinds of vision.
fn distance(a: &Seen, b: &Seen) -> f32 {
    let squared = |a: &[f32; 3], b: &[f32; 3]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let smallest = a
        .iter()
        .zip(b)
        .map(|(a, b)| squared(a, b))
        .fold(f32::INFINITY, f32::min);
    smallest.sqrt()
}

fn seen(color: [u8; 3]) -> Seen {
    linear_as_seen(color).map(lab)
}

/// Converts a linear RGB colour to CIELAB under D65 (CIE 15).
fn lab(rgb: [f32; 3]) -> [f32; 3] {
    const BEND: f32 = 6.0 / 29.0;
    let xyz = product(&XYZ, rgb);
    let white = product(&XYZ, [1.0; 3]);
    let [x, y, z] = [0, 1, 2].map(|i| {
        let t = xyz[i] / white[i];
        if t > BEND.powi(3) {
            t.cbrt()
        } else {
            t / (3.0 * BEND * BEND) + 4.0 / 29.0
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest distance between any two colours, for each kind of vision.
    fn smallest_distances(colors: &[[u8; 3]]) -> [f32; 4] {
        let mut smallest = [f32::INFINITY; 4];
        for (i, a) in colors.iter().enumerate() {
            for b in &colors[..i] {
                let (a, b) = (seen(*a), seen(*b));
                for (vision, least) in smallest.iter_mut().enumerate() {
                    let squared: f32 = (0..3).map(|k| (a[vision][k] - b[vision][k]).powi(2)).sum();
                    *least = least.min(squared.sqrt());
                }
            }
        }
        smallest
    }

    #[test]
    fn cielab_matches_the_standard() {
        // sRGB red, as every published converter computes it.
        for (got, expected) in seen([255, 0, 0])[0].into_iter().zip([53.24, 80.09, 67.20]) {
            assert!((got - expected).abs() < 0.02, "{got} {expected}");
        }
        // White stays white for every kind of colour vision.
        for [lightness, a, b] in seen([255; 3]) {
            assert!((lightness - 100.0).abs() < 0.01 && a.abs() < 0.1 && b.abs() < 0.1);
        }
    }

    #[test]
    fn the_first_twenty_colours_differ_for_every_vision() {
        // Computed independently of this code, in double precision: 25.07, 19.92, 17.04 and 16.05.
        let distances = smallest_distances(&color_blind_safe(20));
        for (distance, expected) in distances.into_iter().zip([25.07, 19.92, 17.04, 16.05]) {
            assert!((distance - expected).abs() < 0.05, "{distances:?}");
        }
    }

    #[test]
    fn all_colours_of_a_large_data_set_differ() {
        let colors = color_blind_safe(150);
        assert_eq!(colors.len(), 150);
        // 3.9 in double precision; single precision may break a tie differently.
        let distances = smallest_distances(&colors);
        assert!(distances.iter().all(|d| *d > 3.5), "{distances:?}");
    }

    #[test]
    fn colours_do_not_depend_on_the_count() {
        let many = color_blind_safe(600);
        assert_eq!(many.len(), 600);
        assert_eq!(many[..20], color_blind_safe(20));
        assert_eq!(many[..256], farthest_points());
        assert_eq!(many[256..512], many[..256]);
        assert!(color_blind_safe(0).is_empty());
    }
}
