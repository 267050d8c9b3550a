//! Settings that override what a model's file says: the class set and the normalisation of pixels.

use serde::{Deserialize, Serialize};

use super::model_info::ModelInfo;
use crate::model::{InferenceSpec, Normalisation};
use crate::{checkpoint, datasets};

/// The normalisations that published models use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub enum NormalisationChoice {
    /// Mean and standard deviation of 0.5 in every channel.
    #[value(name = "0.5")]
    #[serde(rename = "0.5")]
    Half,
    /// Mean and standard deviation of ImageNet.
    #[value(name = "imagenet")]
    #[serde(rename = "imagenet")]
    ImageNet,
}

impl NormalisationChoice {
    /// All choices.
    pub const ALL: [Self; 2] = [Self::Half, Self::ImageNet];

    /// Name shown to the user.
    pub fn title(self) -> &'static str {
        match self {
            Self::Half => "0.5",
            Self::ImageNet => "ImageNet",
        }
    }

    /// Mean and standard deviation per channel.
    pub fn values(self) -> Normalisation {
        match self {
            Self::Half => Normalisation::VIT,
            Self::ImageNet => Normalisation::IMAGENET,
        }
    }

    /// The choice with these values, if there is one.
    ///
    /// Compares with a tolerance, because files round the values differently.
    pub fn of(values: &Normalisation) -> Option<Self> {
        let numbers = |n: &Normalisation| n.mean.into_iter().chain(n.std).collect::<Vec<f32>>();
        let same = |a: &f32, b: &f32| (a - b).abs() < 1e-4;
        let found = numbers(values);
        let mut all = Self::ALL.into_iter();
        all.find(|choice| numbers(&choice.values()).iter().zip(&found).all(|(a, b)| same(a, b)))
    }
}

impl ModelInfo {
    /// Whether a class set can replace that of the model's file: a built-in one with the same number of classes, or the
    /// numbered one.
    pub fn can_have(&self, set: &str) -> bool {
        datasets::fits(set, self.own_classes.len())
    }

    /// The same model with the names and colours of another class set; with those of its file if `set` does not fit.
    pub fn with_set(&self, set: Option<&str>) -> Self {
        let fitting = datasets::fitting(self.own_classes.len());
        let other = set.and_then(|name| fitting.into_iter().find(|other| other.name == name));
        // What the file says about ground truth applies only to its own data set.
        let is_own = other.as_ref().is_none_or(|other| other.name == self.own_classes.name);
        Self {
            zero_is_ignored: self.zero_is_ignored.filter(|_| is_own),
            classes: other.unwrap_or_else(|| self.own_classes.clone()),
            ..self.clone()
        }
    }

    /// The inference settings of its authors, or those for a model of the data set `set`.
    pub fn inference_with(&self, set: Option<&str>) -> InferenceSpec {
        match set.filter(|set| self.can_have(set)) {
            Some(other) => checkpoint::settings_for_set(&self.spec, &self.own_classes, other),
            None => self.spec.inference,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalisation_is_recognised_despite_rounding() {
        for choice in NormalisationChoice::ALL {
            assert_eq!(NormalisationChoice::of(&choice.values()), Some(choice));
        }
        // mmsegmentation writes values for the range 0..=255.
        let in_bytes = Normalisation {
            mean: [123.675, 116.28, 103.53].map(|mean: f32| mean / 255.0),
            std: [58.395, 57.12, 57.375].map(|deviation: f32| deviation / 255.0),
        };
        assert_eq!(NormalisationChoice::of(&in_bytes), Some(NormalisationChoice::ImageNet));
        let none = Normalisation {
            mean: [0.0; 3],
            std: [1.0; 3],
        };
        assert_eq!(NormalisationChoice::of(&none), None);
    }
}
