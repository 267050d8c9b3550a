//! What can be chosen about a model in place of what its file says: class names, and how pixels are normalised.

use serde::{Deserialize, Serialize};

use super::model_info::ModelInfo;
use crate::model::{InferenceSpec, Normalisation};
use crate::{checkpoint, datasets};

/// The normalisations that published models use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub enum NormalisationChoice {
    /// Mean and deviation 0.5 in every channel.
    #[value(name = "0.5")]
    #[serde(rename = "0.5")]
    Half,
    /// Mean and deviation of ImageNet.
    #[value(name = "imagenet")]
    #[serde(rename = "imagenet")]
    ImageNet,
}

impl NormalisationChoice {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Half, Self::ImageNet];

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Half => "0.5",
            Self::ImageNet => "ImageNet",
        }
    }

    /// Mean and deviation.
    pub fn values(self) -> Normalisation {
        match self {
            Self::Half => Normalisation::VIT,
            Self::ImageNet => Normalisation::IMAGENET,
        }
    }

    /// The one with these values, if it is one of them. Files round them in their own ways.
    pub fn of(values: &Normalisation) -> Option<Self> {
        let numbers = |n: &Normalisation| n.mean.into_iter().chain(n.std).collect::<Vec<f32>>();
        let same = |a: &f32, b: &f32| (a - b).abs() < 1e-4;
        let found = numbers(values);
        let mut all = Self::ALL.into_iter();
        all.find(|choice| numbers(&choice.values()).iter().zip(&found).all(|(a, b)| same(a, b)))
    }
}

impl ModelInfo {
    /// Whether the model can have a class set in place of its file's: a built-in one of its size, or the numbered one.
    pub fn can_have(&self, set: &str) -> bool {
        datasets::fits(set, self.own_classes.len())
    }

    /// The same model under the names and colours of another set; under its file's where it cannot have that.
    pub fn with_set(&self, set: Option<&str>) -> Self {
        let fitting = datasets::fitting(self.own_classes.len());
        let other = set.and_then(|name| fitting.into_iter().find(|other| other.name == name));
        // What the file says of its ground truth holds for its own data set.
        let is_own = other.as_ref().is_none_or(|other| other.name == self.own_classes.name);
        Self {
            zero_is_ignored: self.zero_is_ignored.filter(|_| is_own),
            classes: other.unwrap_or_else(|| self.own_classes.clone()),
            ..self.clone()
        }
    }

    /// How its authors run it, or would run it if it were a model for the data set `set`.
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
    fn a_normalisation_is_known_by_its_values_however_they_are_rounded() {
        for choice in NormalisationChoice::ALL {
            assert_eq!(NormalisationChoice::of(&choice.values()), Some(choice));
        }
        // mmsegmentation writes them for bytes.
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
