//! timm's ViT and DeiT classifiers, as `.pth` (bare, or under `model` or `state_dict`) or `.safetensors`.

use super::Provenance;
use super::backbone::BackbonePlan;
use super::shapes::{count_of, grid_of, shape, usual_heads};
use super::source::Shapes;
use super::tensor_mapping::TensorMapping;
use super::vit_names::{EncoderNames, TIMM};
use crate::model::{EncoderSpec, Normalisation, PositionResize, VitSpec};

/// LayerNorm epsilon of timm, taken from the JAX originals.
const NORM_EPS: f64 = 1e-6;

/// Whether a file with these tensors has this layout.
pub(super) fn has_layout(shapes: &Shapes) -> bool {
    shapes.contains_key("blocks.0.attn.qkv.weight") && shapes.contains_key("patch_embed.proj.weight")
}

/// Plans how to read a file with these tensors.
pub(super) fn plan(shapes: &Shapes) -> Result<BackbonePlan, String> {
    let patch_weight = shape(shapes, "patch_embed.proj.weight", 4)?;
    let (dim, patch) = (patch_weight[0], patch_weight[2]);
    let distilled = shapes.contains_key("dist_token");
    let depth = count_of(shapes, "blocks.");
    if depth > 128 {
        return Err(format!("expected at most 128 blocks, found {depth}"));
    }
    let grid = grid_of(shape(shapes, "pos_embed", 3)?[1], 1 + usize::from(distilled), None)?;
    let encoder = EncoderSpec::Vit(VitSpec {
        dim,
        depth,
        heads: usual_heads(dim),
        patch,
        grid,
        class_token: true,
        distilled,
        final_norm: true,
        norm_eps: NORM_EPS,
        position_resize: PositionResize::Bilinear,
    });
    let mut mapping = TensorMapping::default();
    let names = EncoderNames {
        prefix: "",
        patch_embedding: "patch_embed.proj",
        blocks: "blocks.",
        block: &TIMM,
        norm: "norm",
    };
    names.encoder(&mut mapping, &encoder, shapes);
    mapping.ignore_all(shapes, "head");
    mapping.ignore_all(shapes, "pre_logits");
    Ok(BackbonePlan {
        encoder,
        normalisation: if distilled {
            Normalisation::IMAGENET
        } else {
            Normalisation::VIT
        },
        mapping,
        provenance: Provenance::new(if distilled {
            "DeiT classifier"
        } else {
            "timm ViT classifier"
        }),
        remarks: Vec::new(),
    })
}
