//! Merges checkpoints with the same encoder into one model with several decoders.

use std::collections::BTreeMap;

use super::Checkpoint;
use crate::model::{DecoderSpec, in_decoder, tensors_of};

impl Checkpoint {
    /// Adds the decoders of `other`, whose encoder must be identical to the last bit. A final norm that only one of
    /// them has is kept, because the decoders of the other do not read its output.
    ///
    /// # Errors
    /// A clause that names the first thing that differs: a size, a rule or a tensor.
    pub fn merge(&mut self, other: Self) -> Result<(), String> {
        self.check_rules(&other)?;
        let is_run_alike = self.spec.inference == other.spec.inference && self.zero_is_ignored == other.zero_is_ignored;
        if !is_run_alike {
            self.remarks.push(
                "window, stride, short side and rules of the first model also apply to the decoders of the others, \
                 whose own differ"
                    .into(),
            );
        }
        let (spec, mut weights) = (other.spec, other.weights);
        for (name, tensor) in self.weights.iter().filter(|(name, _)| name.starts_with("encoder.")) {
            let Some(theirs) = weights.remove(name) else { continue };
            if theirs != *tensor {
                return Err(format!("the encoders differ, first in the tensor {name}"));
            }
        }
        // A key that is taken gets a number.
        let mut keys = BTreeMap::new();
        for decoder in spec.decoders {
            let key = self.spec.free_key(&decoder.key);
            keys.insert(decoder.key.clone(), key.clone());
            self.spec.decoders.push(DecoderSpec { key, ..decoder });
        }
        for (name, tensor) in weights.drain() {
            let renamed = in_decoder(&name).and_then(|(key, rest)| Some(format!("decoders.{}.{rest}", keys.get(key)?)));
            self.weights.insert(renamed.unwrap_or(name), tensor);
        }
        if spec.encoder.has_final_norm() {
            self.spec.encoder = self.spec.encoder.with_final_norm(true);
        }
        self.spec.check().map_err(|e| e.to_string())
    }

    /// Keeps only the decoders with these keys, in this order.
    ///
    /// # Errors
    /// A clause that names a key that the model does not have or that is given twice, or says that no key is given.
    pub fn keep_decoders(&mut self, keys: &[String]) -> Result<(), String> {
        let mut all = std::mem::take(&mut self.spec.decoders);
        let known: Vec<String> = all.iter().map(|decoder| decoder.key.clone()).collect();
        for key in keys {
            let place = all.iter().position(|decoder| decoder.key == *key);
            let place =
                place.ok_or_else(|| format!("expected some of {}, each once, found {key}", known.join(", ")))?;
            self.spec.decoders.push(all.remove(place));
        }
        let needed = tensors_of(&self.spec);
        let of_dropped = |name: &str| !needed.iter().any(|tensor| tensor.name == name);
        let dropped: Vec<String> = self
            .weights
            .iter()
            .map(|(name, _)| name.to_owned())
            .filter(|name| of_dropped(name))
            .collect();
        for name in dropped {
            self.weights.remove(&name);
        }
        self.spec.check().map_err(|e| e.to_string())
    }

    /// Compares everything that must be the same, except the tensors.
    fn check_rules(&self, other: &Self) -> Result<(), String> {
        let [ours, theirs] = [self, other].map(|checkpoint| checkpoint.spec.encoder.with_final_norm(false));
        if ours != theirs {
            return Err(format!("the encoders differ: expected {ours:?}, found {theirs:?}"));
        }
        let counts = [self.spec.classes, other.spec.classes];
        if counts[0] != counts[1] {
            return Err(format!("expected {} classes, found {}", counts[0], counts[1]));
        }
        let unnamed = |checkpoint: &Self| checkpoint.classes.name == "unnamed";
        let differ = self
            .classes
            .classes
            .iter()
            .zip(&other.classes.classes)
            .find(|(a, b)| a.name != b.name);
        if let Some((ours, theirs)) = differ.filter(|_| !unnamed(self) && !unnamed(other)) {
            return Err(format!(
                "the classes differ: expected {}, found {}",
                ours.name, theirs.name
            ));
        }
        if self.spec.inference.threshold != other.spec.inference.threshold {
            return Err("their classes are chosen differently: one has a head with one output channel".into());
        }
        if self.spec.normalisation != other.spec.normalisation {
            return Err("their images are normalised differently".into());
        }
        Ok(())
    }
}
