//! mmsegmentation's Segmenter (models/decode_heads/segmenter_mask_head.py; the linear one is its FCNHead without
//! convolutions).

use super::config::Value;
use super::{Decoder, keyed};
use crate::checkpoint::recipe::{Recipe, reshaped, transposed};
use crate::checkpoint::shapes::{count_of, shape, usual_heads};
use crate::checkpoint::sigmoid::after_zeros;
use crate::checkpoint::source::Shapes;
use crate::checkpoint::test_settings::System;
use crate::checkpoint::vit_names::MMSEG;
use crate::model::{DecoderSpec, HeadSpec, ModelSpec};

/// LayerNorm epsilon of the decode head: PyTorch's default.
const NORM_EPS: f64 = 1e-5;

pub(super) fn decoder(shapes: &Shapes, model: &Value) -> Result<Decoder, String> {
    let (spec, classes) = if shapes.contains_key("decode_head.cls_emb") {
        let embedding = shape(shapes, "decode_head.cls_emb", 3)?;
        let heads = model.get("decode_head").get("num_heads").size();
        let head = HeadSpec::MaskTransformer {
            layers: count_of(shapes, "decode_head.layers."),
            heads: heads.unwrap_or(usual_heads(embedding[2])),
            norm_eps: NORM_EPS,
        };
        (keyed("mask", head), embedding[1])
    } else {
        let classes = shape(shapes, "decode_head.conv_seg.weight", 4)?[0];
        (keyed("linear", HeadSpec::Linear), classes)
    };
    Ok(Decoder {
        spec,
        classes,
        system: System::MmsegSegmenter,
        class_token: true,
    })
}

/// A convolution with a kernel of 1x1 is a linear layer.
fn linear_recipe(recipe: &mut Recipe, ours: &str, spec: &ModelSpec) {
    let [weight, bias] = ["weight", "bias"].map(|part| format!("decode_head.conv_seg.{part}"));
    let to_linear = reshaped(vec![spec.classes, spec.encoder.dim]);
    if spec.inference.threshold.is_some() {
        recipe.make(format!("{ours}.weight"), vec![weight], move |tensors| {
            to_linear(vec![after_zeros(tensors)?])
        });
        recipe.make(format!("{ours}.bias"), vec![bias], after_zeros);
    } else {
        recipe.make(format!("{ours}.weight"), vec![weight], to_linear);
        recipe.take(format!("{ours}.bias"), bias);
    }
}

pub(super) fn recipe(recipe: &mut Recipe, decoder: &DecoderSpec, spec: &ModelSpec) {
    let ours = |name: &str| format!("decoders.{}.{name}", decoder.key);
    let HeadSpec::MaskTransformer { layers, .. } = decoder.head else {
        return linear_recipe(recipe, &ours("head"), spec);
    };
    recipe.take(ours("cls_emb"), "decode_head.cls_emb");
    recipe.take_pair(&ours("proj_dec"), "decode_head.dec_proj");
    // Linear layers here, matrices applied from the right in the original: the transpose of each other.
    recipe.make(
        ours("proj_patch"),
        vec!["decode_head.patch_proj.weight".into()],
        transposed,
    );
    recipe.make(
        ours("proj_classes"),
        vec!["decode_head.classes_proj.weight".into()],
        transposed,
    );
    for i in 0..layers {
        MMSEG.block(
            recipe,
            &ours(&format!("blocks.{i}")),
            &format!("decode_head.layers.{i}"),
        );
    }
    for norm in ["decoder_norm", "mask_norm"] {
        recipe.take_pair(&ours(norm), &format!("decode_head.{norm}"));
    }
}
