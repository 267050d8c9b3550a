//! The description of a network without its weights: sizes, normalisation and inference settings.

mod cost;
mod error;
mod inference;
mod output;

use serde::{Deserialize, Serialize};

use super::decoders::{DecoderSpec, Inputs};
use super::encoders::EncoderSpec;
pub use error::SpecError;
pub(super) use error::{between, divides};
pub use inference::{InferenceSpec, Normalisation, Padding, WindowMode, WindowRules};
pub use output::Output;

/// Everything needed to build a network and to run it on an image as its authors did.
///
/// Every loader produces one of these; nothing after loading knows which file layout the weights came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// The encoder, which turns an image into features.
    pub encoder: EncoderSpec,
    /// The decoders, each of which turns features into class logits; at least one.
    pub decoders: Vec<DecoderSpec>,
    /// Number of classes, the channels of the logits.
    pub classes: usize,
    /// How pixel values are normalised before the encoder.
    pub normalisation: Normalisation,
    /// How an image is scaled and cut into windows.
    pub inference: InferenceSpec,
}

/// Maximum number of classes in a file: label maps have 16 bits.
const MAX_CLASSES: usize = 65_535;

impl ModelSpec {
    /// Short title as papers write it, `Seg-T-Mask/16`; with several decoders `ViT-T/16 with 5 decoders`.
    pub fn title(&self) -> String {
        match self.decoders.len() {
            1 => self.output_title(Output::main(0)),
            count => format!("{} with {count} decoders", self.encoder.title()),
        }
    }

    /// Title of one output: `SETR-PUP-L/16`, or `SETR-PUP-L/16 layer 10` for an auxiliary head.
    pub fn output_title(&self, output: Output) -> String {
        let Some(decoder) = self.decoders.get(output.decoder) else {
            return self.encoder.title();
        };
        let (head, [variant, end]) = (&decoder.head, self.encoder.title_parts());
        let title = head.paper().title(head.title(), &variant, &end);
        match self.layer_of(output) {
            Some(layer) => format!("{title} layer {layer}"),
            None => title,
        }
    }

    /// The encoder layer, from 1, that an auxiliary head reads; `None` for a main head.
    pub fn layer_of(&self, output: Output) -> Option<usize> {
        let layers = self.decoders.get(output.decoder)?.head.auxiliary_layers();
        layers.get(output.auxiliary?).map(|layer| layer + 1)
    }

    /// All outputs: for each decoder its main head, then its auxiliary ones.
    pub fn outputs(&self) -> Vec<Output> {
        let of_decoder = |(decoder, spec): (usize, &DecoderSpec)| {
            let auxiliary = (0..spec.head.auxiliary_layers().len()).map(Some);
            let heads = [None].into_iter().chain(auxiliary);
            heads
                .map(move |auxiliary| Output { decoder, auxiliary })
                .collect::<Vec<_>>()
        };
        self.decoders.iter().enumerate().flat_map(of_decoder).collect()
    }

    /// Encoder layers, from 0 and ascending, whose outputs some decoder reads before any final norm.
    pub fn taps(&self) -> Vec<usize> {
        let mut taps: Vec<usize> = self.decoders.iter().flat_map(|d| d.head.needs().taps).collect();
        taps.sort_unstable();
        taps.dedup();
        taps
    }

    /// `key`, or `key-2`, `key-3`, … if a decoder has it already.
    pub fn free_key(&self, key: &str) -> String {
        let is_free = |key: &String| self.decoders.iter().all(|decoder| decoder.key != *key);
        let numbered = (2..).map(|n| format!("{key}-{n}"));
        let mut candidates = [key.to_owned()].into_iter().chain(numbered);
        candidates.find(is_free).unwrap_or_else(|| key.to_owned())
    }

    /// Checks that the sizes are possible and within bounds, before memory is allocated for them.
    ///
    /// # Errors
    /// A sentence that names the first impossible size.
    pub fn check(&self) -> Result<(), SpecError> {
        self.encoder.check()?;
        between("classes", self.classes, 1, MAX_CLASSES)?;
        if self.decoders.is_empty() || self.decoders.len() > 16 {
            return Err(SpecError(format!(
                "decoders: expected 1 to 16, found {}",
                self.decoders.len()
            )));
        }
        let inputs = Inputs::of(self);
        for (i, decoder) in self.decoders.iter().enumerate() {
            if self.decoders[..i].iter().any(|other| other.key == decoder.key) {
                return Err(SpecError(format!("two decoders have the key {}", decoder.key)));
            }
            decoder.check(&inputs)?;
        }
        let (i, multiple) = (&self.inference, self.encoder.multiple());
        between("window", i.window, multiple, 8192)?;
        between("stride", i.stride, 1, i.window)?;
        if let Some(side) = i.short_side {
            between("short side", side, multiple, 16_384)?;
        }
        if let Some(threshold) = i.threshold {
            between("classes with a threshold", self.classes, 2, 2)?;
            if !(0.0..=1.0).contains(&threshold) {
                return Err(SpecError(format!("threshold: expected 0 to 1, found {threshold}")));
            }
        }
        let n = &self.normalisation;
        if n.std.iter().any(|s| !s.is_finite() || *s <= 0.0) || n.mean.iter().any(|m| !m.is_finite()) {
            return Err(SpecError(
                "normalisation: expected finite means and positive deviations".into(),
            ));
        }
        Ok(())
    }
}
