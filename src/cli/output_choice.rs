//! `--decoder` and `--layer`: the choice of a model's output.

use anyhow::{Context, Result, bail};

use crate::model::{ModelSpec, Output};

/// The choice of a model's output.
#[derive(Debug, clap::Args)]
pub(super) struct OutputChoice {
    /// Key of the decoder, such as mask or pup [default: the model's first decoder]
    #[arg(long, value_name = "KEY")]
    decoder: Option<String>,
    /// Use the auxiliary head on this encoder layer instead of the main head
    #[arg(long, value_name = "N")]
    layer: Option<usize>,
}

impl OutputChoice {
    /// The chosen output of a model.
    ///
    /// # Errors
    /// When the model has no such decoder or head; those that it has are listed.
    pub(super) fn of(&self, spec: &ModelSpec) -> Result<Output> {
        let decoder = decoder_of(spec, self.decoder.as_deref())?;
        let Some(layer) = self.layer else {
            return Ok(Output::main(decoder));
        };
        let heads = || spec.outputs().into_iter().filter(|output| output.decoder == decoder);
        if let Some(output) = heads().find(|output| spec.layer_of(*output) == Some(layer)) {
            return Ok(output);
        }
        let layers: Vec<String> = heads()
            .filter_map(|output| spec.layer_of(output))
            .map(|n| n.to_string())
            .collect();
        let title = spec.output_title(Output::main(decoder));
        if layers.is_empty() {
            bail!("layer: expected none because {title} has no auxiliary heads, found {layer}");
        }
        bail!("layer: expected {} for {title}, found {layer}", layers.join(" or "));
    }
}

/// Index of a model's decoder with this key, or of its first one without a key.
///
/// # Errors
/// When the model has none with this key; those that it has are listed.
pub(super) fn decoder_of(spec: &ModelSpec, key: Option<&str>) -> Result<usize> {
    let Some(key) = key else { return Ok(0) };
    let place = spec.decoders.iter().position(|decoder| decoder.key == key);
    place.with_context(|| {
        let keys: Vec<&str> = spec.decoders.iter().map(|decoder| decoder.key.as_str()).collect();
        format!("decoder: expected {}, found {key}", keys.join(" or "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DecoderKind, HeadSpec, SetrPupHead, Variant, published};

    /// The output chosen in a model with all decoders, of which PUP has heads on layers 5 and 10.
    fn output(decoder: Option<&str>, layer: Option<usize>) -> Result<Output, String> {
        let mut spec = published(Variant::Tiny, 16, &DecoderKind::ALL, 11, 64);
        if let HeadSpec::SetrPup(up) = &mut spec.decoders[3].head {
            up.auxiliary = [4, 9].map(|tap| SetrPupHead { tap, ..up.main.clone() }).into();
        }
        let decoder = decoder.map(str::to_owned);
        OutputChoice { decoder, layer }.of(&spec).map_err(|e| e.to_string())
    }

    #[test]
    fn keys_and_layers_select_outputs() {
        let layer_10 = Output {
            decoder: 3,
            auxiliary: Some(1),
        };
        assert_eq!(output(None, None), Ok(Output::main(0)));
        assert_eq!(output(Some("mla"), None), Ok(Output::main(4)));
        assert_eq!(output(Some("pup"), Some(10)), Ok(layer_10));
    }

    #[test]
    fn an_unknown_choice_lists_the_known_ones() {
        for (decoder, layer, why) in [
            (
                "psp",
                None,
                "decoder: expected linear or mask or naive or pup or mla, found psp",
            ),
            ("pup", Some(7), "layer: expected 5 or 10 for SETR-PUP-T/16, found 7"),
            (
                "mask",
                Some(7),
                "layer: expected none because Seg-T-Mask/16 has no auxiliary heads, found 7",
            ),
        ] {
            assert_eq!(output(Some(decoder), layer), Err(why.into()));
        }
    }
}
