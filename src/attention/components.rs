//! Principal components of patches as colours, and class embeddings in a plane.

use super::trace::{AttentionTrace, LayerId};

/// Number of power iterations; more do not change the colours.
const ROUNDS: usize = 40;

impl AttentionTrace {
    /// The three strongest principal components of the patches after a block as colours, `[patches][3]`, each 0..=1
    /// over its own range (SETR, arXiv 2012.15840, figure 5). `None` if there is no such block.
    pub fn colours(&self, place: LayerId) -> Option<Vec<[f32; 3]>> {
        let states = &self.layer(place)?.states;
        let all = states.head(0);
        let range = self.patch_range(place.part);
        let patches = &all[range.start * states.width..range.end * states.width];
        let found = components::<3>(patches, states.width);
        let mut colours = vec![[0.0; 3]; self.patches()];
        for channel in 0..3 {
            let values = found.iter().map(|point| point[channel]);
            let (low, high) = values.fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(v), h.max(v)));
            let span = if high > low { high - low } else { 1.0 };
            for (colour, point) in colours.iter_mut().zip(&found) {
                colour[channel] = (point[channel] - low) / span;
            }
        }
        Some(colours)
    }
}

/// Projects vectors `[count, width]` onto the plane of their two strongest singular vectors, `[count][2]` (Segmenter,
/// arXiv 2105.05633, section 4.3: class embeddings).
pub fn plane_of(vectors: &[f32], width: usize) -> Vec<[f32; 2]> {
    along_strongest::<2>(vectors, width)
}

/// Projects vectors `[count, width]` onto their `N` strongest principal components, `[count][N]`. Signs are chosen so
/// that the value with the largest magnitude is positive.
fn components<const N: usize>(vectors: &[f32], width: usize) -> Vec<[f32; N]> {
    let count = vectors.len() / width.max(1);
    let mut mean = vec![0.0f32; width];
    for vector in vectors.chunks_exact(width) {
        mean.iter_mut().zip(vector).for_each(|(m, v)| *m += v / count as f32);
    }
    let centred: Vec<f32> = vectors
        .chunks_exact(width)
        .flat_map(|vector| vector.iter().zip(&mean).map(|(v, m)| v - m))
        .collect();
    along_strongest(&centred, width)
}

/// Projects vectors `[count, width]` onto their `N` strongest right singular vectors, by power iteration.
fn along_strongest<const N: usize>(vectors: &[f32], width: usize) -> Vec<[f32; N]> {
    let mut axes: Vec<Vec<f32>> = Vec::new();
    for n in 0..N {
        // Any start that is not orthogonal to the axis works; values without a pattern are not orthogonal.
        let start = (0..width).map(|i| ((i * 2_654_435_761 + n * 97) % 1009) as f32 / 1009.0 - 0.5);
        let mut axis: Vec<f32> = start.collect();
        for _ in 0..ROUNDS {
            make_orthogonal(&mut axis, &axes);
            let mut next = vec![0.0f32; width];
            for vector in vectors.chunks_exact(width) {
                let along = dot(vector, &axis);
                next.iter_mut().zip(vector).for_each(|(n, v)| *n += along * v);
            }
            axis = next;
        }
        make_orthogonal(&mut axis, &axes);
        axes.push(axis);
    }
    let mut found: Vec<[f32; N]> = vectors
        .chunks_exact(width)
        .map(|vector| std::array::from_fn(|n| dot(vector, &axes[n])))
        .collect();
    for n in 0..N {
        let strongest = found
            .iter()
            .map(|point| point[n])
            .fold(0.0f32, |a, b| if b.abs() > a.abs() { b } else { a });
        if strongest < 0.0 {
            found.iter_mut().for_each(|point| point[n] = -point[n]);
        }
    }
    found
}

/// Removes the components along `axes`, and normalises the length to 1.
fn make_orthogonal(axis: &mut [f32], axes: &[Vec<f32>]) {
    for other in axes {
        let along = dot(axis, other);
        axis.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
    }
    let length = dot(axis, axis).sqrt();
    if length > 0.0 {
        axis.iter_mut().for_each(|v| *v /= length);
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principal_components_recover_points_in_a_plane() {
        // s along (3, 4, 0) / 5, and t along (0, 0, 1).
        let at = |s: f32, t: f32| [3.0 * s / 5.0 + 7.0, 4.0 * s / 5.0, t];
        let points = [(9.0, 0.0), (-3.0, 1.0), (-3.0, -1.0), (-3.0, 0.0)];
        let vectors: Vec<f32> = points.iter().flat_map(|(s, t)| at(*s, *t)).collect();
        for (found, (s, t)) in components::<2>(&vectors, 3).iter().zip(points) {
            assert!((found[0] - s).abs() < 1e-4, "{found:?} {s}");
            assert!((found[1].abs() - f32::abs(t)).abs() < 1e-4, "{found:?} {t}");
        }
    }

    #[test]
    fn plane_is_not_centred() {
        let found = plane_of(&[3.0, 4.0, 0.0, -6.0, -8.0, 0.0, 0.0, 0.0, 2.0], 3);
        for (found, (along, across)) in found.iter().zip([(-5.0f32, 0.0f32), (10.0, 0.0), (0.0, 2.0)]) {
            assert!(
                (found[0] - along).abs() < 1e-4 && (found[1] - across).abs() < 1e-4,
                "{found:?}"
            );
        }
    }

    #[test]
    fn equal_vectors_give_zeros() {
        assert_eq!(components::<2>(&[1.0, 2.0, 1.0, 2.0], 2), [[0.0; 2]; 2]);
    }
}
