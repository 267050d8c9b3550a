//! How each parameter is stepped, by its role and place.

use std::collections::HashMap;

use super::config::TrainConfig;
use crate::model::{ModelSpec, Place, tensors_of};

/// How all parameters of a network are stepped.
pub(super) struct Parameters(HashMap<String, Stepping>);

/// How one parameter is stepped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stepping {
    /// Its learning rate over that of the schedule.
    pub(super) rate: f64,
    /// Whether weight decay holds for it: for matrices, and neither for norms and biases nor for tokens and embeddings
    /// (rstrudel segm/model: `no_weight_decay`).
    pub(super) decays: bool,
}

impl Parameters {
    /// Those of a network that is trained like this.
    pub(super) fn of(spec: &ModelSpec, config: &TrainConfig) -> Self {
        let layers = spec.encoder.layers();
        // Layers are counted from what comes before the first; the last number is that of what follows them.
        let encoder_rate = |number: usize| config.layer_decay.powi((layers + 1 - number) as i32);
        let stepping = tensors_of(spec).into_iter().map(|tensor| {
            let rate = match tensor.place {
                Place::Stem => encoder_rate(0),
                Place::Layer(layer) => encoder_rate(layer + 1),
                Place::Neck => 1.0,
                Place::Head => config.decoder_rate,
            };
            let decays = tensor.role.is_matrix();
            (tensor.name, Stepping { rate, decays })
        });
        Self(stepping.collect())
    }

    /// One of them; what the network does not know stands still.
    pub(super) fn stepping(&self, name: &str) -> Stepping {
        const STILL: Stepping = Stepping {
            rate: 0.0,
            decays: false,
        };
        self.0.get(name).copied().unwrap_or(STILL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DecoderKind, Variant, published};
    use crate::train::Recipe;

    fn parameters() -> Parameters {
        let spec = published(Variant::Tiny, 16, &DecoderKind::ALL, 3, 64);
        let mut config = Recipe::Setr.config(1, 64, 64);
        config.layer_decay = 0.5;
        Parameters::of(&spec, &config)
    }

    #[test]
    fn layers_are_counted_from_the_patch_embedding_on() {
        let parameters = parameters();
        let rate = |name| parameters.stepping(name).rate;
        assert_eq!(rate("encoder.patch_embed.proj.weight"), 0.5f64.powi(13));
        assert_eq!(rate("encoder.pos_embed"), 0.5f64.powi(13));
        assert_eq!(rate("encoder.blocks.0.norm1.weight"), 0.5f64.powi(12));
        assert_eq!(rate("encoder.blocks.11.mlp.fc2.bias"), 0.5);
        assert_eq!(rate("encoder.norm.weight"), 1.0);
        assert_eq!(rate("decoders.mask.blocks.0.norm1.weight"), 10.0);
        // What lies between encoder and head has no tenfold rate.
        assert_eq!(rate("decoders.mla.smooth.0.weight"), 1.0);
        assert_eq!(rate("decoders.mla.norms.3.bias"), 1.0);
        assert_eq!(rate("decoders.mla.refine.0.1.weight"), 10.0);
        assert_eq!(rate("decoders.pup.main.norm.weight"), 10.0);
    }

    #[test]
    fn matrices_decay_and_nothing_else_does() {
        let parameters = parameters();
        for name in [
            "encoder.blocks.0.attn.qkv.weight",
            "decoders.mask.proj_patch",
            "encoder.patch_embed.proj.weight",
        ] {
            assert!(parameters.stepping(name).decays, "{name}");
        }
        for name in [
            "encoder.blocks.0.norm1.weight",
            "encoder.blocks.0.attn.qkv.bias",
            "encoder.pos_embed",
            "encoder.cls_token",
            "decoders.mask.cls_emb",
            "decoders.mask.mask_norm.weight",
            "decoders.mask.proj_dec.bias",
        ] {
            assert!(!parameters.stepping(name).decays, "{name}");
        }
    }
}
