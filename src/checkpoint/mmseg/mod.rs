//! The layouts of mmsegmentation: `{meta, state_dict}` with the backbone under `backbone.` and mmcv's names for its
//! blocks. Each system has its own source file here.

pub(super) mod config;
mod segmenter;
mod setr;

use std::path::Path;

use super::published_settings::{self, System};
use super::shapes::{count_of, grid_of, shape, usual_heads};
use super::side_file::Sizes;
use super::source::Shapes;
use super::tensor_mapping::TensorMapping;
use super::vit_names::{EncoderNames, MMSEG};
use super::{CheckpointError, Meta, Plan, Provenance, check_spec};
use crate::model::{
    DecoderSpec, EncoderSpec, HeadSpec, InferenceSpec, MaskSpec, ModelSpec, Normalisation, PositionResize, SetrMlaSpec,
    SetrPupSpec, VitSpec, WindowRules,
};
use config::Value;

/// LayerNorm epsilon of the backbone in every published configuration.
const NORM_EPS: f64 = 1e-6;

/// Threshold of a head with one output channel whose configuration has none (models/decode_heads/decode_head.py).
const SIGMOID_THRESHOLD: f32 = 0.3;

/// A decoder and what it determines about the network around it.
struct Decoder {
    head: LayoutDecoder,
    classes: usize,
    /// Whether the class token passes through the blocks.
    class_token: bool,
}

/// The decoders of this layout.
enum LayoutDecoder {
    Linear,
    Mask(MaskSpec),
    Naive(SetrPupSpec),
    Pup(SetrPupSpec),
    Mla(SetrMlaSpec),
}

impl LayoutDecoder {
    fn spec(&self) -> DecoderSpec {
        let (key, head) = match self {
            Self::Linear => ("linear", HeadSpec::Linear),
            Self::Mask(mask) => ("mask", HeadSpec::MaskTransformer(mask.clone())),
            Self::Naive(up) => ("naive", HeadSpec::SetrPup(up.clone())),
            Self::Pup(up) => ("pup", HeadSpec::SetrPup(up.clone())),
            Self::Mla(mla) => ("mla", HeadSpec::SetrMla(mla.clone())),
        };
        DecoderSpec::new(key, head)
    }

    fn usual(&self) -> &'static Usual {
        match self {
            Self::Linear | Self::Mask(_) => &Usual {
                system: System::MmsegSegmenter,
                name: "Segmenter",
                resize: PositionResize::Bicubic,
                normalisation: Normalisation::VIT,
            },
            Self::Naive(_) | Self::Pup(_) | Self::Mla(_) => &Usual {
                system: System::Setr,
                name: "SETR",
                resize: PositionResize::Bilinear,
                normalisation: Normalisation::IMAGENET,
            },
        }
    }

    /// Maps the file's tensors to those of this decoder, for an encoder of width `width`.
    fn mapping(&self, mapping: &mut TensorMapping, spec: &ModelSpec, width: usize) {
        let ours = self.spec().prefix();
        match self {
            Self::Linear => segmenter::linear_mapping(mapping, &ours, spec, width),
            Self::Mask(mask) => segmenter::mask_mapping(mapping, &ours, mask),
            Self::Naive(up) | Self::Pup(up) => setr::up_mappings(mapping, &ours, up, &spec.inference),
            Self::Mla(mla) => setr::mla_mapping(mapping, &ours, mla, spec),
        }
    }
}

/// Defaults for networks with such a decoder, for values that the file does not give.
struct Usual {
    system: System,
    name: &'static str,
    resize: PositionResize,
    normalisation: Normalisation,
}

/// Whether a file with these tensors has this layout.
pub(super) fn has_layout(shapes: &Shapes) -> bool {
    shapes.contains_key("backbone.layers.0.ln1.weight")
}

/// Plans how to read a file with these tensors.
pub(super) fn plan(shapes: &Shapes, meta: &Meta, path: &Path) -> Result<Plan, CheckpointError> {
    let damaged = |why: String| CheckpointError::damaged(path, why);
    let tensors = sizes_of(shapes).and_then(Sizes::checked).map_err(damaged)?;
    let (meta, mut remarks) = meta.of_tensors(&tensors);
    let model = meta.config.get("model");
    let decoder = decoder_of(shapes, model).map_err(damaged)?;
    let usual = decoder.head.usual();
    let vit = vit_of(shapes, &meta, &tensors, &decoder).map_err(damaged)?;
    let has_sigmoid = match decoder.head {
        LayoutDecoder::Mask(_) => false,
        LayoutDecoder::Linear | LayoutDecoder::Naive(_) | LayoutDecoder::Pup(_) | LayoutDecoder::Mla(_) => {
            decoder.classes == 1
        }
    };
    let threshold = has_sigmoid.then(|| meta.threshold().unwrap_or(SIGMOID_THRESHOLD));
    let classes = match threshold {
        Some(_) => meta.two_classes(),
        None => meta.class_set(decoder.classes),
    };
    remarks.extend(published_settings::guess(&classes));
    remarks.extend(remark_on_one_channel(&decoder, threshold));
    let (patch, crop) = (vit.patch, vit.patch.saturating_mul(vit.grid[0].min(vit.grid[1])));
    let proposed = published_settings::proposed_for(usual.system, &classes, patch, crop);
    let inference = InferenceSpec {
        rules: WindowRules::Shrink,
        threshold,
        ..meta.inference(proposed)
    };
    let spec = ModelSpec {
        normalisation: meta.normalisation(usual.normalisation),
        encoder: EncoderSpec::Vit(vit),
        classes: if threshold.is_some() { 2 } else { decoder.classes },
        decoders: vec![decoder.head.spec()],
        inference,
    };
    check_spec(&spec, path)?;
    let mut mapping = TensorMapping::default();
    let names = EncoderNames {
        prefix: "backbone.",
        patch_embedding: "patch_embed.projection",
        blocks: "layers.",
        block: &MMSEG,
        norm: "ln1",
    };
    names.encoder(&mut mapping, &spec.encoder, shapes);
    decoder.head.mapping(&mut mapping, &spec, tensors.width);
    let mut provenance = Provenance::new(&format!("mmsegmentation {} checkpoint", usual.name));
    meta.describe(&mut provenance);
    Ok(Plan {
        mapping,
        classes,
        spec,
        provenance,
        zero_is_ignored: meta.zero_is_ignored(),
        remarks,
    })
}

/// A remark about a decoder with one output channel.
fn remark_on_one_channel(decoder: &Decoder, threshold: Option<f32>) -> Option<String> {
    match (decoder.classes, threshold) {
        (1, Some(threshold)) => Some(format!(
            "its decoder has one output channel: class 1 is where the sigmoid is above {threshold}"
        )),
        (1, None) => Some("its mask transformer has only one class, so every pixel gets it".into()),
        _ => None,
    }
}

/// Sizes from the tensor shapes, to compare with the configuration.
fn sizes_of(shapes: &Shapes) -> Result<Sizes, String> {
    let patch_weight = shape(shapes, "backbone.patch_embed.projection.weight", 4)?;
    let of_masks = shapes.get("decode_head.cls_emb").and_then(|shape| shape.get(1));
    let of_convolution = shapes
        .get("decode_head.conv_seg.weight")
        .and_then(|shape| shape.first());
    Ok(Sizes {
        width: patch_weight[0],
        patch: patch_weight[2],
        depth: count_of(shapes, "backbone.layers."),
        classes: of_masks.or(of_convolution).copied().unwrap_or(0),
        // The file keeps a position for the class token even where the token is dropped.
        positions: shape(shapes, "backbone.pos_embed", 3)?[1].saturating_sub(1),
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
             network that Segscope does not support"
                .into(),
        )
    }
}

/// Whether the head is a single 1x1 convolution on the backbone's features.
fn is_linear(shapes: &Shapes) -> bool {
    let head = || shapes.keys().filter(|name| name.starts_with("decode_head."));
    head().count() > 0 && head().all(|name| name.starts_with("decode_head.conv_seg."))
}

fn vit_of(shapes: &Shapes, meta: &Meta, tensors: &Sizes, decoder: &Decoder) -> Result<VitSpec, String> {
    let backbone = meta.config.get("model").get("backbone");
    let (dim, patch) = (tensors.width, tensors.patch);
    Ok(VitSpec {
        dim,
        depth: tensors.depth,
        heads: backbone.get("num_heads").size().unwrap_or(usual_heads(dim)),
        patch,
        grid: grid_of(tensors.positions + 1, 1, meta.said().grid(patch))?,
        class_token: decoder.class_token,
        distilled: false,
        final_norm: shapes.contains_key("backbone.ln1.weight"),
        norm_eps: backbone.get("norm_cfg").get("eps").number().unwrap_or(NORM_EPS),
        position_resize: match backbone.get("interpolate_mode").text() {
            Some("bilinear") => PositionResize::Bilinear,
            Some("bicubic") => PositionResize::Bicubic,
            _ => decoder.head.usual().resize,
        },
    })
}
