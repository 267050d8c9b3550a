//! How sure a decoder usually is.

use serde::{Deserialize, Serialize};

/// The mean confidence of the pixels of a photo, over photos like those that a decoder was trained for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsualConfidence {
    /// Of 95 % of the photos, the least.
    pub low: f32,
    /// Of the median photo.
    pub median: f32,
}

impl UsualConfidence {
    /// Fewer photos say too little.
    pub const LEAST_PHOTOS: usize = 10;

    /// That of photos with these mean confidences; `None` for fewer than [`UsualConfidence::LEAST_PHOTOS`].
    pub fn of(mut means: Vec<f32>) -> Option<Self> {
        if means.len() < Self::LEAST_PHOTOS || !means.iter().all(|mean| mean.is_finite()) {
            return None;
        }
        means.sort_by(f32::total_cmp);
        Some(Self {
            low: means[means.len() / 20],
            median: means[means.len() / 2],
        })
    }

    /// Whether a photo with this mean confidence is unlike those that the decoder was trained for.
    ///
    /// The limit lies below `low` by twice its distance from the median. On CamVid, the five decoders of the built-in
    /// model are at 0.895 to 0.938 for 95 % of the validation photos and never below 0.893, so that limits are 0.855 to
    /// 0.912; X-rays and rendered still lifes are at 0.60 to 0.82.
    pub fn is_foreign(&self, mean: f32) -> bool {
        mean < self.low - 2.0 * (self.median - self.low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_lies_below_what_is_usual() {
        let usual =
            UsualConfidence::of((0..100).map(|i| 0.9 + 0.001 * (99 - i) as f32).collect()).expect("enough photos");
        assert!(
            (usual.low - 0.905).abs() < 1e-6 && (usual.median - 0.95).abs() < 1e-6,
            "{usual:?}"
        );
        assert!(usual.is_foreign(0.81) && !usual.is_foreign(0.82));
        assert_eq!(UsualConfidence::of(vec![0.9; 9]), None);
        assert_eq!(UsualConfidence::of(vec![f32::NAN; 20]), None);
    }
}
