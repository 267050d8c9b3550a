//! Checkpoints whose decoders give way to one that was taught.

use super::Checkpoint;
use crate::labels::ClassSet;
use crate::model::{DecoderSpec, HeadSpec, HostTensor, InferenceSpec, tensors_of};

/// Key of a taught decoder.
const KEY: &str = "linear";

impl Checkpoint {
    /// Weights `[classes, width]` and biases of the model's first linear decoder, if it has one.
    pub fn linear_decoder(&self) -> Option<(&HostTensor, &HostTensor)> {
        let mut decoders = self.spec.decoders.iter();
        let decoder = decoders.find(|decoder| decoder.head == HeadSpec::Linear)?;
        let tensor = |name: &str| self.weights.get(&format!("{}.head.{name}", decoder.prefix()));
        tensor("weight").zip(tensor("bias"))
    }

    /// Replaces all decoders by a linear one for `classes` with weights `[classes, width]` and biases, which is run as
    /// `inference` says. What the file said about ground truth for its own classes no longer applies.
    ///
    /// # Errors
    /// A clause that says what does not fit.
    pub fn teach(
        &mut self,
        classes: ClassSet,
        (weight, bias): (Vec<f32>, Vec<f32>),
        inference: InferenceSpec,
    ) -> Result<(), String> {
        let decoder = DecoderSpec::new(KEY, HeadSpec::Linear);
        let name = |part: &str| format!("{}.head.{part}", decoder.prefix());
        let count = classes.len();
        let width = weight.len() / count.max(1);
        let of_decoders: Vec<String> = self
            .weights
            .iter()
            .filter(|(name, _)| !name.starts_with("encoder."))
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in of_decoders {
            self.weights.remove(&name);
        }
        let tensor = |values, shape| HostTensor { shape, values };
        self.weights.insert(name("weight"), tensor(weight, vec![count, width]));
        self.weights.insert(name("bias"), tensor(bias, vec![count]));
        self.spec.decoders = vec![decoder];
        self.spec.classes = count;
        self.spec.inference = inference;
        self.classes = classes;
        self.zero_is_ignored = None;
        self.spec.check().map_err(|why| why.to_string())?;
        let needed = tensors_of(&self.spec);
        self.weights.check(&needed).map_err(|why| why.to_string())
    }
}
