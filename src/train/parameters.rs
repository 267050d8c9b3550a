//! How each parameter is updated, by its role and place.

use std::collections::HashMap;

use super::config::TrainConfig;
use crate::model::{ModelSpec, Place, tensors_of};

/// How all parameters of a network are updated.
pub(super) struct Parameters(HashMap<String, Stepping>);

/// How one parameter is updated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stepping {
    /// Its learning rate relative to that of the schedule.
    pub(super) rate: f64,
    /// Whether weight decay applies to it: to matrices, but not to norms, biases, tokens and embeddings
    /// (rstrudel segm/model: `no_weight_decay`).
    pub(super) decays: bool,
}

impl Parameters {
    /// The parameters of a network that is trained with this configuration.
    pub(super) fn of(spec: &ModelSpec, config: &TrainConfig) -> Self {
        let layers = spec.encoder.layers();
        // 0 is the number of the stem before the first layer; the last number is that of the parts after the last
        // layer.
        let encoder_rate = |number: usize| config.layer_decay.powi((layers + 1 - number) as i32);
        let stepping = tensors_of(spec).into_iter().map(|tensor| {
            let rate = match tensor.place {
                Place::Stem => encoder_rate(0),
                Place::Layer(layer) => encoder_rate(layer + 1),
                Place::Neck => 1.0,
                Place::Head => config.decoder_lr_multiplier,
            };
            let decays = tensor.role.is_matrix();
            (tensor.name, Stepping { rate, decays })
        });
        Self(stepping.collect())
    }

    /// How the parameter with this name is updated; parameters that the network lacks are not.
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
    use crate::train::Preset;

    fn parameters() -> Parameters {
        let spec = published(Variant::Tiny, 16, &DecoderKind::ALL, 3, 64);
        let mut config = Preset::Setr.config(1, 64, 64);
        config.layer_decay = 0.5;
        Parameters::of(&spec, &config)
    }

    #[test]
    fn layer_decay_starts_at_the_patch_embedding() {
        let parameters = parameters();
        let rate = |name| parameters.stepping(name).rate;
        assert_eq!(rate("encoder.patch_embed.proj.weight"), 0.5f64.powi(13));
        assert_eq!(rate("encoder.pos_embed"), 0.5f64.powi(13));
        assert_eq!(rate("encoder.blocks.0.norm1.weight"), 0.5f64.powi(12));
        assert_eq!(rate("encoder.blocks.11.mlp.fc2.bias"), 0.5);
        assert_eq!(rate("encoder.norm.weight"), 1.0);
        assert_eq!(rate("decoders.mask.blocks.0.norm1.weight"), 10.0);
        // Layers between encoder and head do not have the tenfold learning rate.
        assert_eq!(rate("decoders.mla.smooth.0.weight"), 1.0);
        assert_eq!(rate("decoders.mla.norms.3.bias"), 1.0);
        assert_eq!(rate("decoders.mla.refine.0.1.weight"), 10.0);
        assert_eq!(rate("decoders.pup.main.norm.weight"), 10.0);
    }

    #[test]
    fn only_matrices_decay() {
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
