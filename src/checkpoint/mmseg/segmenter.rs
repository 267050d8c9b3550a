//! mmsegmentation's Segmenter (models/decode_heads/segmenter_mask_head.py; the linear one is its FCNHead without
//! convolutions).

use super::config::Value;
use super::{Decoder, LayoutDecoder};
use crate::checkpoint::shapes::{count_of, shape, usual_heads};
use crate::checkpoint::sigmoid::after_zeros;
use crate::checkpoint::source::Shapes;
use crate::checkpoint::tensor_mapping::{TensorMapping, reshaped, transposed};
use crate::checkpoint::vit_names::MMSEG;
use crate::model::{MaskSpec, ModelSpec};

/// LayerNorm epsilon of the decode head: PyTorch's default.
const NORM_EPS: f64 = 1e-5;

pub(super) fn decoder(shapes: &Shapes, model: &Value) -> Result<Decoder, String> {
    let (head, classes) = if shapes.contains_key("decode_head.cls_emb") {
        let embedding = shape(shapes, "decode_head.cls_emb", 3)?;
        let heads = model.get("decode_head").get("num_heads").size();
        let mask = MaskSpec {
            layers: count_of(shapes, "decode_head.layers."),
            heads: heads.unwrap_or(usual_heads(embedding[2])),
            norm_eps: NORM_EPS,
        };
        (LayoutDecoder::Mask(mask), embedding[1])
    } else {
        let classes = shape(shapes, "decode_head.conv_seg.weight", 4)?[0];
        (LayoutDecoder::Linear, classes)
    };
    Ok(Decoder {
        head,
        classes,
        class_token: true,
    })
}

/// Maps the linear decoder: a 1x1 convolution is a linear layer.
pub(super) fn linear_mapping(mapping: &mut TensorMapping, ours: &str, spec: &ModelSpec, width: usize) {
    let ours = format!("{ours}.head");
    let [weight, bias] = ["weight", "bias"].map(|part| format!("decode_head.conv_seg.{part}"));
    let to_linear = reshaped(vec![spec.classes, width]);
    if spec.inference.threshold.is_some() {
        mapping.make(format!("{ours}.weight"), vec![weight], move |tensors| {
            to_linear(vec![after_zeros(tensors)?])
        });
        mapping.make(format!("{ours}.bias"), vec![bias], after_zeros);
    } else {
        mapping.make(format!("{ours}.weight"), vec![weight], to_linear);
        mapping.take(format!("{ours}.bias"), bias);
    }
}

pub(super) fn mask_mapping(mapping: &mut TensorMapping, ours: &str, mask: &MaskSpec) {
    let ours = |name: &str| format!("{ours}.{name}");
    mapping.take(ours("cls_emb"), "decode_head.cls_emb");
    mapping.take_pair(&ours("proj_dec"), "decode_head.dec_proj");
    // mmsegmentation has linear layers where the original applies matrices from the right: one is the transpose of the
    // other.
    mapping.make(
        ours("proj_patch"),
        vec!["decode_head.patch_proj.weight".into()],
        transposed,
    );
    mapping.make(
        ours("proj_classes"),
        vec!["decode_head.classes_proj.weight".into()],
        transposed,
    );
    for i in 0..mask.layers {
        MMSEG.block(
            mapping,
            &ours(&format!("blocks.{i}")),
            &format!("decode_head.layers.{i}"),
        );
    }
    for norm in ["decoder_norm", "mask_norm"] {
        mapping.take_pair(&ours(norm), &format!("decode_head.{norm}"));
    }
}
