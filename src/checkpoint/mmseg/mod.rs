//! The layouts of mmsegmentation: `{meta, state_dict}` with the backbone under `backbone.` and mmcv's names for its
//! blocks; one file here per system.

pub(super) mod config;
mod segmenter;
mod setr;

use std::path::Path;

use super::recipe::Recipe;
use super::shapes::{count_of, grid_side, shape, usual_heads};
use super::source::Shapes;
use super::test_settings::{self, System};
use super::vit_names::{EncoderNames, MMSEG};
use super::{CheckpointError, Meta, Plan, Provenance, check_spec};
use crate::model::{DecoderSpec, EncoderSpec, HeadSpec, InferenceSpec, ModelSpec, PositionResize, WindowRules};
use config::Value;

/// LayerNorm epsilon of the backbone in every published configuration.
const NORM_EPS: f64 = 1e-6;

/// A decoder with what it says about the network around it.
struct Decoder {
    spec: DecoderSpec,
    classes: usize,
    system: System,
    /// Whether the class token runs through the blocks.
    class_token: bool,
}

/// Whether these are the tensors of such a file.
pub(super) fn is_it(shapes: &Shapes) -> bool {
    shapes.contains_key("backbone.layers.0.ln1.weight")
}

/// What to make of the tensors.
pub(super) fn plan(shapes: &Shapes, meta: &Meta, path: &Path) -> Result<Plan, CheckpointError> {
    let damaged = |why: String| CheckpointError::damaged(path, why);
    let model = meta.config.get("model");
    let decoder = decoder_of(shapes, model).map_err(damaged)?;
    let is_setr = decoder.system == System::Setr;
    let encoder = encoder_of(shapes, model.get("backbone"), &decoder).map_err(damaged)?;
    let crop = encoder.patch.saturating_mul(encoder.grid[0]);
    let classes = meta.class_set(decoder.classes);
    let proposed = test_settings::proposed(decoder.system, &classes.name, encoder.patch, crop);
    let inference = InferenceSpec {
        rules: WindowRules::Shrink,
        ..meta.inference(proposed)
    };
    let spec = ModelSpec {
        normalisation: meta.normalisation(is_setr),
        encoder,
        classes: decoder.classes,
        decoders: vec![decoder.spec],
        inference,
    };
    check_spec(&spec, path)?;
    let mut recipe = Recipe::default();
    let names = EncoderNames {
        prefix: "backbone.",
        patch_embedding: "patch_embed.projection",
        blocks: "layers.",
        block: &MMSEG,
        norm: "ln1",
    };
    names.encoder(&mut recipe, &spec.encoder, shapes);
    for decoder in &spec.decoders {
        if is_setr {
            setr::recipe(&mut recipe, decoder, &spec);
        } else {
            segmenter::recipe(&mut recipe, decoder, &spec);
        }
    }
    let system = if is_setr { "SETR" } else { "Segmenter" };
    let mut provenance = Provenance::new(&format!("mmsegmentation {system} checkpoint"));
    meta.describe(&mut provenance);
    Ok(Plan {
        recipe,
        classes,
        spec,
        provenance,
        zero_is_ignored: None,
        remarks: Vec::new(),
    })
}

fn decoder_of(shapes: &Shapes, model: &Value) -> Result<Decoder, String> {
    if shapes.contains_key("decode_head.cls_emb") || is_linear(shapes) {
        segmenter::decoder(shapes, model)
    } else if shapes.contains_key("decode_head.up_convs.0.0.conv.weight") {
        setr::decoder(shapes, model)
    } else {
        Err(
            "expected the decode head of a Segmenter or SETR, found another: this is an mmsegmentation checkpoint of a \
             network that Segscope does not know"
                .into(),
        )
    }
}

/// A head that is one 1x1 convolution on the backbone's own features.
fn is_linear(shapes: &Shapes) -> bool {
    let head = || shapes.keys().filter(|name| name.starts_with("decode_head."));
    head().count() > 0 && head().all(|name| name.starts_with("decode_head.conv_seg."))
}

fn encoder_of(shapes: &Shapes, backbone: &Value, decoder: &Decoder) -> Result<EncoderSpec, String> {
    let patch_weight = shape(shapes, "backbone.patch_embed.projection.weight", 4)?;
    let (dim, patch) = (patch_weight[0], patch_weight[2]);
    let is_setr = decoder.system == System::Setr;
    let usual = if is_setr {
        PositionResize::Bilinear
    } else {
        PositionResize::Bicubic
    };
    // The file keeps a position for the class token even where the token is dropped.
    let side = grid_side(shape(shapes, "backbone.pos_embed", 3)?[1], 1)?;
    Ok(EncoderSpec {
        dim,
        depth: count_of(shapes, "backbone.layers."),
        heads: backbone.get("num_heads").size().unwrap_or(usual_heads(dim)),
        patch,
        grid: [side, side],
        class_token: decoder.class_token,
        distilled: false,
        final_norm: shapes.contains_key("backbone.ln1.weight"),
        norm_eps: backbone.get("norm_cfg").get("eps").number().unwrap_or(NORM_EPS),
        position_resize: match backbone.get("interpolate_mode").text() {
            Some("bilinear") => PositionResize::Bilinear,
            Some("bicubic") => PositionResize::Bicubic,
            _ => usual,
        },
    })
}

/// A decoder under its usual key.
fn keyed(key: &str, head: HeadSpec) -> DecoderSpec {
    DecoderSpec { key: key.into(), head }
}
