//! What a prediction says of each patch, before the best class is taken.

use crate::attention::Inside;
use crate::segment::{Frame, Prediction};

/// A figure of the class probabilities in the centre of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Probability of a class.
    Class(u16),
    /// Entropy over the largest possible: 1 where all classes are equally likely.
    Entropy,
    /// Probability of the best class less that of the second.
    Margin,
}

/// The figure for each patch of a pass whose patches lie at `frame` in the photo.
pub(super) fn certainty_of_patches(
    prediction: &Prediction,
    frame: &Frame,
    inside: &Inside,
    what: Certainty,
) -> Vec<f32> {
    let map = &prediction.labels.map;
    let patches = (0..inside.patches()).map(|patch| {
        let [left, top, right, bottom] = frame.patch(patch, inside.grid);
        // Padding lies beyond the last pixel.
        let at = |a: f32, b: f32, side: usize| ((a + b) / 2.0).clamp(0.0, side as f32 - 1.0) as usize;
        let (x, y) = (at(left, right, map.width), at(top, bottom, map.height));
        certainty(&prediction.probabilities_at(x, y), what)
    });
    patches.collect()
}

fn certainty(probabilities: &[f32], what: Certainty) -> f32 {
    match what {
        Certainty::Class(class) => probabilities.get(usize::from(class)).copied().unwrap_or(0.0),
        Certainty::Entropy => {
            let most = (probabilities.len().max(2) as f32).ln();
            let information = |p: &f32| if *p > 0.0 { -p * p.ln() } else { 0.0 };
            probabilities.iter().map(information).sum::<f32>() / most
        }
        Certainty::Margin => {
            let (mut best, mut second) = (0.0f32, 0.0f32);
            for p in probabilities {
                if *p > best {
                    (best, second) = (*p, best);
                } else if *p > second {
                    second = *p;
                }
            }
            best - second
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Certainty, certainty};

    #[test]
    fn certainty_is_between_none_and_all() {
        let even = [0.25; 4];
        assert!((certainty(&even, Certainty::Entropy) - 1.0).abs() < 1e-6);
        assert_eq!(certainty(&even, Certainty::Margin), 0.0);
        let sure = [0.0, 1.0, 0.0, 0.0];
        assert_eq!(certainty(&sure, Certainty::Entropy), 0.0);
        assert_eq!(certainty(&sure, Certainty::Margin), 1.0);
        assert_eq!(certainty(&sure, Certainty::Class(1)), 1.0);
        assert_eq!(certainty(&sure, Certainty::Class(9)), 0.0);
    }
}
