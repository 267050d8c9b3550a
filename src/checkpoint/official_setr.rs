//! The layout of fudan-zvg/SETR: `{meta, state_dict}` like mmsegmentation's, with timm's names for the backbone's
//! blocks and heads of its own (mmseg/models/decode_heads/vit_up_head.py, vit_mla_head.py, backbones/vit_mla.py).

use std::path::Path;

use super::mmseg::config::Value;
use super::recipe::{Recipe, zeros};
use super::shapes::{count_of, grid_side, shape, usual_heads};
use super::source::Shapes;
use super::test_settings::{self, System};
use super::vit_names::{EncoderNames, TIMM};
use super::{CheckpointError, Meta, Plan, Provenance, check_spec};
use crate::model::{
    DecoderSpec, EncoderSpec, HeadSpec, HostTensor, MlaSpec, ModelSpec, PositionResize, UpSpec, UpStage,
};

/// LayerNorm epsilon everywhere.
const NORM_EPS: f64 = 1e-6;

/// Whether these are the tensors of such a file.
pub(super) fn is_it(shapes: &Shapes) -> bool {
    shapes.contains_key("backbone.blocks.0.norm1.weight")
}

/// What to make of the tensors.
pub(super) fn plan(shapes: &Shapes, meta: &Meta, path: &Path) -> Result<Plan, CheckpointError> {
    let spec = spec_of(shapes, meta).map_err(|why| CheckpointError::damaged(path, why))?;
    check_spec(&spec, path)?;
    let mut recipe = Recipe::default();
    let names = EncoderNames {
        prefix: "backbone.",
        patch_embedding: "patch_embed.proj",
        blocks: "blocks.",
        block: &TIMM,
        norm: "norm",
    };
    names.encoder(&mut recipe, &spec.encoder, shapes);
    // Every head inherits a classifier that it never uses, and a DeiT backbone may bring its ImageNet heads.
    for name in shapes.keys() {
        let unused = [".conv_seg.weight", ".conv_seg.bias"]
            .iter()
            .any(|end| name.ends_with(end));
        if unused || name.starts_with("backbone.head") {
            recipe.ignore(name);
        }
    }
    for decoder in &spec.decoders {
        let ours = format!("decoders.{}", decoder.key);
        match &decoder.head {
            HeadSpec::Up { main, auxiliary } => {
                up_recipe(&mut recipe, &format!("{ours}.main"), "decode_head", main);
                for (i, head) in auxiliary.iter().enumerate() {
                    let theirs = format!("auxiliary_head.{i}");
                    up_recipe(&mut recipe, &format!("{ours}.auxiliary.{i}"), &theirs, head);
                }
            }
            HeadSpec::Mla(mla) => mla_recipe(&mut recipe, &ours, mla, spec.classes),
            HeadSpec::Linear | HeadSpec::MaskTransformer { .. } => {}
        }
    }
    let mut provenance = Provenance::new("fudan-zvg/SETR checkpoint");
    meta.describe(&mut provenance);
    Ok(Plan {
        recipe,
        classes: meta.class_set(spec.classes),
        spec,
        provenance,
        zero_is_ignored: None,
        remarks: Vec::new(),
    })
}

fn spec_of(shapes: &Shapes, meta: &Meta) -> Result<ModelSpec, String> {
    let model = meta.config.get("model");
    let patch_weight = shape(shapes, "backbone.patch_embed.proj.weight", 4)?;
    let (dim, patch) = (patch_weight[0], patch_weight[2]);
    let depth = count_of(shapes, "backbone.blocks.");
    let is_mla = shapes.contains_key("decode_head.cls.weight");
    let (decoder, classes) = if is_mla {
        mla_decoder(shapes, model, depth)?
    } else {
        up_decoder(shapes, model, depth)?
    };
    let side = grid_side(shape(shapes, "backbone.pos_embed", 3)?[1], 1)?;
    let data_set = meta.class_set(classes).name;
    let proposed = test_settings::proposed(System::Setr, &data_set, patch, patch.saturating_mul(side));
    Ok(ModelSpec {
        encoder: EncoderSpec {
            dim,
            depth,
            heads: model
                .get("backbone")
                .get("num_heads")
                .size()
                .unwrap_or(usual_heads(dim)),
            patch,
            grid: [side, side],
            class_token: !is_mla,
            distilled: false,
            final_norm: false,
            norm_eps: NORM_EPS,
            position_resize: PositionResize::Bilinear,
        },
        decoders: vec![decoder],
        classes,
        normalisation: meta.normalisation(true),
        inference: meta.inference(proposed),
    })
}

fn up_decoder(shapes: &Shapes, model: &Value, depth: usize) -> Result<(DecoderSpec, usize), String> {
    let last = depth.saturating_sub(1);
    let (main, classes) = up_head(shapes, "decode_head", model.get("decode_head"), last)?;
    let is_naive = main.stages.iter().all(|stage| stage.kernel == 1);
    let count = count_of(shapes, "auxiliary_head.");
    let usual = auxiliary_taps(depth, is_naive);
    let configs = model.get("auxiliary_head").items();
    let auxiliary = (0..count)
        .map(|i| {
            let config = configs.get(i).unwrap_or(&Value::Other);
            let tap = usual.get(i).copied().unwrap_or(last);
            Ok(up_head(shapes, &format!("auxiliary_head.{i}"), config, tap)?.0)
        })
        .collect::<Result<_, String>>()?;
    let decoder = DecoderSpec {
        key: if is_naive { "naive" } else { "pup" }.into(),
        head: HeadSpec::Up { main, auxiliary },
    };
    Ok((decoder, classes))
}

/// Blocks with an auxiliary head in the published configurations (configs/SETR, and those of DeiT for 12 blocks).
fn auxiliary_taps(depth: usize, is_naive: bool) -> Vec<usize> {
    match (depth, is_naive) {
        (24, true) => vec![9, 14, 19],
        (24, false) => vec![9, 14, 19, 23],
        (12, true) => vec![2, 5, 8],
        (12, false) => vec![4, 7, 9, 11],
        (depth, _) => (0..depth).collect(),
    }
}

/// A head and its number of classes. The last convolution is the classifier.
fn up_head(shapes: &Shapes, name: &str, config: &Value, usual_tap: usize) -> Result<(UpSpec, usize), String> {
    let convolutions = count_of(shapes, &format!("{name}.conv_")).clamp(1, 16);
    let weight = |i: usize| shape(shapes, &format!("{name}.conv_{i}.weight"), 4);
    let classes = weight(convolutions - 1)?[0];
    let stages = convolutions - 1;
    let stages = (0..stages)
        .map(|i| {
            let weight = weight(i)?;
            Ok(UpStage {
                kernel: weight[2],
                channels: weight[0],
                up: match (stages, weight[2]) {
                    // Naive: one resize to the picture's size, at the very end.
                    (1, 1) => 1,
                    // PUP's auxiliary heads.
                    (1, _) => 4,
                    // PUP: the last doubling follows the classifier.
                    (_, _) if i + 1 == stages => 1,
                    (_, _) => 2,
                },
            })
        })
        .collect::<Result<_, String>>()?;
    let head = UpSpec {
        tap: config.get("in_index").size().unwrap_or(usual_tap),
        norm_eps: NORM_EPS,
        stages,
    };
    Ok((head, classes))
}

fn mla_decoder(shapes: &Shapes, model: &Value, depth: usize) -> Result<(DecoderSpec, usize), String> {
    let classifier = shape(shapes, "decode_head.cls.weight", 4)?;
    let taps = model.get("backbone").get("mla_index").sizes();
    let usual = || (1..=4).map(|i| (depth / 4 * i).saturating_sub(1)).collect();
    let mla = MlaSpec {
        taps: taps.filter(|taps| taps.len() == 4).unwrap_or_else(usual),
        norm_eps: NORM_EPS,
        channels: shape(shapes, "backbone.mla.mla_p2_1x1.0.weight", 4)?[0],
        head_channels: shape(shapes, "decode_head.mlahead.head2.0.weight", 4)?[0],
        up: 4,
        align_corners: true,
        classifier_kernel: classifier[2],
        auxiliary: shapes.contains_key("auxiliary_head.0.aux.weight"),
    };
    let decoder = DecoderSpec {
        key: "mla".into(),
        head: HeadSpec::Mla(mla),
    };
    Ok((decoder, classifier[0]))
}

/// The biases in front of the batch norms go into the norms' means, where they do the same.
fn up_recipe(recipe: &mut Recipe, ours: &str, theirs: &str, head: &UpSpec) {
    recipe.take_pair(&format!("{ours}.norm"), &format!("{theirs}.norm"));
    for i in 0..head.stages.len() {
        let (stage, norm) = (format!("{ours}.stages.{i}"), format!("{theirs}.syncbn_fc_{i}"));
        recipe.take(format!("{stage}.weight"), format!("{theirs}.conv_{i}.weight"));
        recipe.take(format!("{stage}.norm.weight"), format!("{norm}.weight"));
        recipe.take(format!("{stage}.norm.bias"), format!("{norm}.bias"));
        recipe.make(
            format!("{stage}.norm.mean"),
            vec![format!("{norm}.running_mean"), format!("{theirs}.conv_{i}.bias")],
            difference,
        );
        recipe.take(format!("{stage}.norm.variance"), format!("{norm}.running_var"));
    }
    let last = format!("{theirs}.conv_{}", head.stages.len());
    recipe.take_pair(&format!("{ours}.classify"), &last);
}

fn mla_recipe(recipe: &mut Recipe, ours: &str, mla: &MlaSpec, classes: usize) {
    for i in 0..mla.taps.len() {
        // They count from 2, the shallowest.
        let p = i + 2;
        recipe.take_pair(&format!("{ours}.norms.{i}"), &format!("backbone.norm_{i}"));
        let mut module = |ours: String, convolution: String, norm: String| {
            recipe.take(format!("{ours}.weight"), format!("{convolution}.weight"));
            recipe.take_batch_norm(&ours, &norm);
        };
        let project = format!("backbone.mla.mla_p{p}_1x1");
        module(
            format!("{ours}.project.{i}"),
            format!("{project}.0"),
            format!("{project}.1"),
        );
        let smooth = format!("backbone.mla.mla_p{p}");
        module(
            format!("{ours}.smooth.{i}"),
            format!("{smooth}.0"),
            format!("{smooth}.1"),
        );
        let refine = format!("decode_head.mlahead.head{p}");
        module(
            format!("{ours}.refine.{i}.0"),
            format!("{refine}.0"),
            format!("{refine}.1"),
        );
        module(
            format!("{ours}.refine.{i}.1"),
            format!("{refine}.3"),
            format!("{refine}.4"),
        );
        if mla.auxiliary {
            recipe.take(
                format!("{ours}.auxiliary.{i}.weight"),
                format!("auxiliary_head.{i}.aux.weight"),
            );
            recipe.make(format!("{ours}.auxiliary.{i}.bias"), Vec::new(), zeros(vec![classes]));
        }
    }
    recipe.take_pair(&format!("{ours}.classify"), "decode_head.cls");
}

/// The first tensor less the second.
fn difference(tensors: Vec<HostTensor>) -> Result<HostTensor, String> {
    let [mut from, less] = <[HostTensor; 2]>::try_from(tensors).map_err(|_| "expected two tensors")?;
    if from.shape != less.shape {
        return Err(format!(
            "expected the same shape twice, found {:?} and {:?}",
            from.shape, less.shape
        ));
    }
    for (value, less) in from.values.iter_mut().zip(&less.values) {
        *value -= less;
    }
    Ok(from)
}
