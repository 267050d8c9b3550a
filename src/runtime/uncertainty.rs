//! Values of the class probabilities in each patch, before argmax.

use crate::attention::AttentionTrace;
use crate::segment::{Frame, Prediction};

/// A value of the class probabilities at the centre of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncertainty {
    /// Probability of the class with this id.
    Class(u16),
    /// Entropy divided by the largest possible one: 1 where all classes are equally likely.
    Entropy,
    /// Probability of the best class minus that of the second.
    Margin,
}

/// The value for each patch of a pass; `frame` is the area that the patches cover in the image.
pub(super) fn uncertainty_of_patches(
    prediction: &Prediction,
    frame: &Frame,
    trace: &AttentionTrace,
    what: Uncertainty,
) -> Vec<f32> {
    let map = &prediction.labels.map;
    let patches = (0..trace.patches()).map(|patch| {
        let [left, top, right, bottom] = frame.patch(patch, trace.grid);
        // Padding is beyond the last pixel.
        let at = |a: f32, b: f32, side: usize| ((a + b) / 2.0).clamp(0.0, side as f32 - 1.0) as usize;
        let (x, y) = (at(left, right, map.width), at(top, bottom, map.height));
        uncertainty(&prediction.probabilities_at(x, y), what)
    });
    patches.collect()
}

fn uncertainty(probabilities: &[f32], what: Uncertainty) -> f32 {
    match what {
        Uncertainty::Class(class) => probabilities.get(usize::from(class)).copied().unwrap_or(0.0),
        Uncertainty::Entropy => {
            let most = (probabilities.len().max(2) as f32).ln();
            let information = |p: &f32| if *p > 0.0 { -p * p.ln() } else { 0.0 };
            probabilities.iter().map(information).sum::<f32>() / most
        }
        Uncertainty::Margin => {
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
    use super::{Uncertainty, uncertainty};

    #[test]
    fn uncertainty_is_exact_for_uniform_and_one_hot_probabilities() {
        let even = [0.25; 4];
        assert!((uncertainty(&even, Uncertainty::Entropy) - 1.0).abs() < 1e-6);
        assert_eq!(uncertainty(&even, Uncertainty::Margin), 0.0);
        let sure = [0.0, 1.0, 0.0, 0.0];
        assert_eq!(uncertainty(&sure, Uncertainty::Entropy), 0.0);
        assert_eq!(uncertainty(&sure, Uncertainty::Margin), 1.0);
        assert_eq!(uncertainty(&sure, Uncertainty::Class(1)), 1.0);
        assert_eq!(uncertainty(&sure, Uncertainty::Class(9)), 0.0);
    }
}
