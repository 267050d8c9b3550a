//! The layout of rstrudel/segmenter: `checkpoint.pth` with the outer key `model`, and `variant.yml` beside it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::recipe::Recipe;
use super::shapes::{count_of, grid_side, shape, usual_heads};
use super::source::Shapes;
use super::test_settings::{self, System};
use super::variant::{self, Variant};
use super::vit_names::{EncoderNames, TIMM};
use super::{CheckpointError, Plan, Provenance};
use crate::datasets;
use crate::model::{
    DecoderSpec, EncoderSpec, HeadSpec, InferenceSpec, ModelSpec, Normalisation, PositionResize, WindowRules,
};

/// LayerNorm epsilon of encoder and decoder alike: PyTorch's default, although the ViTs were trained with 1e-6.
const NORM_EPS: f64 = 1e-5;

/// Whether these are the tensors of such a file.
pub(super) fn is_it(shapes: &Shapes) -> bool {
    shapes.contains_key("encoder.patch_embed.proj.weight")
}

/// What to make of the tensors of the file at `path`; sizes that their shapes do not tell come from a `variant.yml`
/// beside it, or from the usual rules.
pub(super) fn plan(shapes: &Shapes, path: &Path) -> Result<Plan, CheckpointError> {
    let variant = variant_beside(path)?;
    let spec = spec_of(shapes, variant.as_ref()).map_err(|why| CheckpointError::damaged(path, why))?;
    super::check_spec(&spec, path)?;
    let classes = match &variant {
        Some(v) => datasets::for_model(&v.data_set, spec.classes),
        None => datasets::by_count(spec.classes),
    };
    let mut provenance = Provenance::new("rstrudel/segmenter checkpoint");
    match variant {
        Some(v) => {
            provenance.add("data set", v.data_set);
            provenance.add("backbone", v.backbone);
        }
        None => provenance.add(
            "note",
            "no variant.yml beside it: window, stride and normalisation are the usual ones",
        ),
    }
    Ok(Plan {
        recipe: recipe(&spec, shapes),
        spec,
        classes,
        provenance,
        zero_is_ignored: None,
        remarks: Vec::new(),
    })
}

fn recipe(spec: &ModelSpec, shapes: &Shapes) -> Recipe {
    let mut recipe = Recipe::default();
    let names = EncoderNames {
        prefix: "encoder.",
        patch_embedding: "patch_embed.proj",
        blocks: "blocks.",
        block: &TIMM,
        norm: "norm",
    };
    names.encoder(&mut recipe, &spec.encoder, shapes);
    // The 1000-way ImageNet heads are in every published file.
    recipe.ignore_all(shapes, "encoder.head");
    for decoder in &spec.decoders {
        let ours = format!("decoders.{}", decoder.key);
        match decoder.head {
            HeadSpec::MaskTransformer { layers, .. } => {
                recipe.take_pair(&format!("{ours}.proj_dec"), "decoder.proj_dec");
                for name in ["cls_emb", "proj_patch", "proj_classes"] {
                    recipe.take(format!("{ours}.{name}"), format!("decoder.{name}"));
                }
                for i in 0..layers {
                    TIMM.block(
                        &mut recipe,
                        &format!("{ours}.blocks.{i}"),
                        &format!("decoder.blocks.{i}"),
                    );
                }
                for name in ["decoder_norm", "mask_norm"] {
                    recipe.take_pair(&format!("{ours}.{name}"), &format!("decoder.{name}"));
                }
            }
            HeadSpec::Linear => recipe.take_pair(&format!("{ours}.head"), "decoder.head"),
            // The layout has none of these; their tensors would be missing.
            HeadSpec::Up { .. } | HeadSpec::Mla(_) => {}
        }
    }
    recipe
}

fn variant_beside(path: &Path) -> Result<Option<Variant>, CheckpointError> {
    let beside = path.with_file_name(variant::FILE);
    let mut bytes = Vec::new();
    let read = File::open(&beside).and_then(|file| file.take(variant::MOST_BYTES as u64 + 1).read_to_end(&mut bytes));
    let text = match read {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(CheckpointError::read(&beside, e)),
    };
    Variant::parse(&text)
        .map(Some)
        .map_err(|why| CheckpointError::damaged(&beside, why))
}

/// Sizes read off the shapes; what shapes do not tell comes from `variant`, or from the rules of the published models.
fn spec_of(shapes: &Shapes, variant: Option<&Variant>) -> Result<ModelSpec, String> {
    let patch_weight = shape(shapes, "encoder.patch_embed.proj.weight", 4)?;
    let (dim, patch) = (patch_weight[0], patch_weight[2]);
    let distilled = shapes.contains_key("encoder.dist_token");
    let positions = shape(shapes, "encoder.pos_embed", 3)?[1];
    let side = grid_side(positions, 1 + usize::from(distilled))?;
    let (key, head, classes) = if shapes.contains_key("decoder.cls_emb") {
        let head = HeadSpec::MaskTransformer {
            layers: count_of(shapes, "decoder.blocks."),
            heads: usual_heads(dim),
            norm_eps: NORM_EPS,
        };
        ("mask", head, shape(shapes, "decoder.cls_emb", 3)?[1])
    } else if shapes.contains_key("decoder.head.weight") {
        ("linear", HeadSpec::Linear, shape(shapes, "decoder.head.weight", 2)?[0])
    } else {
        return Err(
            "expected decoder.cls_emb (mask transformer) or decoder.head.weight (linear), found neither: \
                    it has no Segmenter decoder"
                .into(),
        );
    };
    let inference = match variant {
        Some(v) => InferenceSpec {
            window: v.window,
            stride: v.stride,
            short_side: Some(v.image_size),
            rules: WindowRules::Enlarge,
        },
        None => {
            let data_set = datasets::by_count(classes).name;
            test_settings::proposed(System::Segmenter, &data_set, patch, patch.saturating_mul(side))
        }
    };
    let usual_normalisation = if distilled {
        Normalisation::IMAGENET
    } else {
        Normalisation::VIT
    };
    Ok(ModelSpec {
        encoder: EncoderSpec {
            dim,
            depth: count_of(shapes, "encoder.blocks."),
            heads: variant.map_or(usual_heads(dim), |v| v.heads),
            patch,
            grid: [side, side],
            class_token: true,
            distilled,
            final_norm: true,
            norm_eps: NORM_EPS,
            position_resize: PositionResize::Bilinear,
        },
        decoders: vec![DecoderSpec { key: key.into(), head }],
        classes,
        normalisation: variant.map_or(usual_normalisation, |v| v.normalisation),
        inference,
    })
}
