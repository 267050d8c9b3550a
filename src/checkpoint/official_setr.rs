//! The layout of fudan-zvg/SETR: `{meta, state_dict}` like mmsegmentation's, with timm's names for the backbone's
//! blocks and its own names for the heads (mmseg/models/decode_heads/vit_up_head.py, vit_mla_head.py,
//! backbones/vit_mla.py).

use std::path::Path;

use super::mmseg::config::Value;
use super::published_settings::{self, System};
use super::shapes::{count_of, grid_of, shape, usual_heads};
use super::side_file::Sizes;
use super::source::Shapes;
use super::tensor_mapping::{TensorMapping, zeros};
use super::vit_names::{EncoderNames, TIMM};
use super::{CheckpointError, Meta, Plan, Provenance, check_spec, sigmoid};
use crate::labels::ClassSet;
use crate::model::{
    DecoderSpec, EncoderSpec, HeadSpec, HostTensor, InferenceSpec, ModelSpec, Normalisation, PositionResize,
    SetrMlaSpec, SetrPupHead, SetrPupSpec, SetrPupStage, VitSpec,
};

/// Epsilon of every LayerNorm.
const NORM_EPS: f64 = 1e-6;

/// The probability above which a pixel is of class 1, for a head with one output channel in a file without a threshold.
const SIGMOID_THRESHOLD: f32 = 0.5;

/// The decoders of this layout.
enum LayoutDecoder {
    Naive(SetrPupSpec),
    Pup(SetrPupSpec),
    Mla(SetrMlaSpec),
}

impl LayoutDecoder {
    fn of(shapes: &Shapes, model: &Value, depth: usize) -> Result<Self, String> {
        if is_mla(shapes) {
            return Ok(Self::Mla(mla(shapes, model, depth)?));
        }
        up_decoder(shapes, model, depth)
    }

    fn spec(&self) -> DecoderSpec {
        let (key, head) = match self {
            Self::Naive(up) => ("naive", HeadSpec::SetrPup(up.clone())),
            Self::Pup(up) => ("pup", HeadSpec::SetrPup(up.clone())),
            Self::Mla(mla) => ("mla", HeadSpec::SetrMla(mla.clone())),
        };
        DecoderSpec::new(key, head)
    }
}

/// Whether a file with these tensors has this layout.
pub(super) fn has_layout(shapes: &Shapes) -> bool {
    shapes.contains_key("backbone.blocks.0.norm1.weight")
}

/// Plans how to read a file with these tensors.
pub(super) fn plan(shapes: &Shapes, meta: &Meta, path: &Path) -> Result<Plan, CheckpointError> {
    let damaged = |why: String| CheckpointError::damaged(path, why);
    let tensors = sizes_of(shapes).and_then(Sizes::checked).map_err(damaged)?;
    let (meta, mut remarks) = meta.of_tensors(&tensors);
    let classes = match tensors.classes {
        1 => meta.two_classes(),
        count => meta.class_set(count),
    };
    let head = LayoutDecoder::of(shapes, meta.config.get("model"), tensors.depth).map_err(damaged)?;
    let spec = spec_of(&head, &meta, &tensors, &classes).map_err(damaged)?;
    check_spec(&spec, path)?;
    remarks.extend(published_settings::guess(&classes));
    remarks.extend(spec.inference.threshold.map(|threshold| {
        format!("its decoder has one output channel: class 1 is where the sigmoid is above {threshold}")
    }));
    let mut mapping = TensorMapping::default();
    let names = EncoderNames {
        prefix: "backbone.",
        patch_embedding: "patch_embed.proj",
        blocks: "blocks.",
        block: &TIMM,
        norm: "norm",
    };
    names.encoder(&mut mapping, &spec.encoder, shapes);
    // Every head inherits a classifier that it never uses, and a DeiT backbone may include its ImageNet heads.
    for name in shapes.keys() {
        let unused = [".conv_seg.weight", ".conv_seg.bias"]
            .iter()
            .any(|end| name.ends_with(end));
        if unused || name.starts_with("backbone.head") {
            mapping.ignore(name);
        }
    }
    let ours = head.spec().prefix();
    match &head {
        LayoutDecoder::Naive(up) | LayoutDecoder::Pup(up) => {
            let rules = &spec.inference;
            up_mapping(&mut mapping, &format!("{ours}.main"), "decode_head", &up.main, rules);
            for (i, head) in up.auxiliary.iter().enumerate() {
                let theirs = format!("auxiliary_head.{i}");
                up_mapping(&mut mapping, &format!("{ours}.auxiliary.{i}"), &theirs, head, rules);
            }
        }
        LayoutDecoder::Mla(mla) => mla_mapping(&mut mapping, &ours, mla, &spec),
    }
    let mut provenance = Provenance::new("fudan-zvg/SETR checkpoint");
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

/// Sizes from the tensor shapes, to compare with the configuration.
fn sizes_of(shapes: &Shapes) -> Result<Sizes, String> {
    let patch_weight = shape(shapes, "backbone.patch_embed.proj.weight", 4)?;
    let classifier = match is_mla(shapes) {
        true => "decode_head.cls.weight".to_owned(),
        false => format!("decode_head.conv_{}.weight", convolutions(shapes, "decode_head") - 1),
    };
    Ok(Sizes {
        width: patch_weight[0],
        patch: patch_weight[2],
        depth: count_of(shapes, "backbone.blocks."),
        classes: shape(shapes, &classifier, 4)?[0],
        positions: shape(shapes, "backbone.pos_embed", 3)?[1].saturating_sub(1),
    })
}

fn is_mla(shapes: &Shapes) -> bool {
    shapes.contains_key("decode_head.cls.weight")
}

/// Number of convolutions of a Naive or PUP head, the last of which is the classifier.
fn convolutions(shapes: &Shapes, head: &str) -> usize {
    count_of(shapes, &format!("{head}.conv_")).clamp(1, 16)
}

fn spec_of(head: &LayoutDecoder, meta: &Meta, tensors: &Sizes, classes: &ClassSet) -> Result<ModelSpec, String> {
    let model = meta.config.get("model");
    let &Sizes {
        width: dim,
        patch,
        depth,
        classes: channels,
        positions,
    } = tensors;
    let class_token = match head {
        LayoutDecoder::Naive(_) | LayoutDecoder::Pup(_) => true,
        LayoutDecoder::Mla(_) => false,
    };
    let grid = grid_of(positions + 1, 1, meta.said().grid(patch))?;
    let crop = patch.saturating_mul(grid[0].min(grid[1]));
    let proposed = published_settings::proposed_for(System::Setr, classes, patch, crop);
    Ok(ModelSpec {
        encoder: EncoderSpec::Vit(VitSpec {
            dim,
            depth,
            heads: model
                .get("backbone")
                .get("num_heads")
                .size()
                .unwrap_or(usual_heads(dim)),
            patch,
            grid,
            class_token,
            distilled: false,
            final_norm: false,
            norm_eps: NORM_EPS,
            position_resize: PositionResize::Bilinear,
        }),
        decoders: vec![head.spec()],
        classes: if channels == 1 { 2 } else { channels },
        normalisation: meta.normalisation(Normalisation::IMAGENET),
        inference: InferenceSpec {
            threshold: (channels == 1).then(|| meta.threshold().unwrap_or(SIGMOID_THRESHOLD)),
            ..meta.inference(proposed)
        },
    })
}

fn up_decoder(shapes: &Shapes, model: &Value, depth: usize) -> Result<LayoutDecoder, String> {
    let last = depth.saturating_sub(1);
    let main = up_head(shapes, "decode_head", model.get("decode_head"), last)?;
    let is_naive = main.stages.iter().all(|stage| stage.kernel == 1);
    let count = count_of(shapes, "auxiliary_head.");
    let usual = auxiliary_taps(depth, is_naive);
    let configs = model.get("auxiliary_head").items();
    let auxiliary = (0..count)
        .map(|i| {
            let config = configs.get(i).unwrap_or(&Value::Other);
            let tap = usual.get(i).copied().unwrap_or(last);
            up_head(shapes, &format!("auxiliary_head.{i}"), config, tap)
        })
        .collect::<Result<_, String>>()?;
    let up = SetrPupSpec { main, auxiliary };
    Ok(if is_naive {
        LayoutDecoder::Naive(up)
    } else {
        LayoutDecoder::Pup(up)
    })
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

fn up_head(shapes: &Shapes, name: &str, config: &Value, usual_tap: usize) -> Result<SetrPupHead, String> {
    let weight = |i: usize| shape(shapes, &format!("{name}.conv_{i}.weight"), 4);
    let stages = convolutions(shapes, name) - 1;
    let stages = (0..stages)
        .map(|i| {
            let weight = weight(i)?;
            Ok(SetrPupStage {
                kernel: weight[2],
                channels: weight[0],
                up: match (stages, weight[2]) {
                    // Naive: one resize to the image's size, at the very end.
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
    Ok(SetrPupHead {
        tap: config.get("in_index").size().unwrap_or(usual_tap),
        norm_eps: NORM_EPS,
        stages,
    })
}

fn mla(shapes: &Shapes, model: &Value, depth: usize) -> Result<SetrMlaSpec, String> {
    let classifier = shape(shapes, "decode_head.cls.weight", 4)?;
    let taps = model.get("backbone").get("mla_index").sizes();
    let usual = || (1..=4).map(|i| (depth / 4 * i).saturating_sub(1)).collect();
    Ok(SetrMlaSpec {
        taps: taps.filter(|taps| taps.len() == 4).unwrap_or_else(usual),
        norm_eps: NORM_EPS,
        channels: shape(shapes, "backbone.mla.mla_p2_1x1.0.weight", 4)?[0],
        head_channels: shape(shapes, "decode_head.mlahead.head2.0.weight", 4)?[0],
        up: 4,
        align_corners: true,
        classifier_kernel: classifier[2],
        auxiliary: shapes.contains_key("auxiliary_head.0.aux.weight"),
    })
}

/// Maps a Naive or PUP head. Biases before a batch norm are subtracted from the norm's mean, which has the same effect.
fn up_mapping(mapping: &mut TensorMapping, ours: &str, theirs: &str, head: &SetrPupHead, rules: &InferenceSpec) {
    mapping.take_pair(&format!("{ours}.norm"), &format!("{theirs}.norm"));
    for i in 0..head.stages.len() {
        let (stage, norm) = (format!("{ours}.stages.{i}"), format!("{theirs}.syncbn_fc_{i}"));
        mapping.take(format!("{stage}.weight"), format!("{theirs}.conv_{i}.weight"));
        mapping.take(format!("{stage}.norm.weight"), format!("{norm}.weight"));
        mapping.take(format!("{stage}.norm.bias"), format!("{norm}.bias"));
        mapping.make(
            format!("{stage}.norm.mean"),
            vec![format!("{norm}.running_mean"), format!("{theirs}.conv_{i}.bias")],
            difference,
        );
        mapping.take(format!("{stage}.norm.variance"), format!("{norm}.running_var"));
    }
    let last = format!("{theirs}.conv_{}", head.stages.len());
    sigmoid::classifier(mapping, &format!("{ours}.classify"), &last, rules);
}

fn mla_mapping(mapping: &mut TensorMapping, ours: &str, mla: &SetrMlaSpec, spec: &ModelSpec) {
    for i in 0..mla.taps.len() {
        // The file counts paths from 2, the shallowest.
        let p = i + 2;
        mapping.take_pair(&format!("{ours}.norms.{i}"), &format!("backbone.norm_{i}"));
        let mut module = |ours: String, convolution: String, norm: String| {
            mapping.take(format!("{ours}.weight"), format!("{convolution}.weight"));
            mapping.take_batch_norm(&ours, &norm);
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
            let weight = format!("auxiliary_head.{i}.aux.weight");
            let ours = format!("{ours}.auxiliary.{i}");
            match spec.inference.threshold {
                Some(_) => mapping.make(format!("{ours}.weight"), vec![weight], sigmoid::after_zeros),
                None => mapping.take(format!("{ours}.weight"), weight),
            }
            mapping.make(format!("{ours}.bias"), Vec::new(), zeros(vec![spec.classes]));
        }
    }
    sigmoid::classifier(mapping, &format!("{ours}.classify"), "decode_head.cls", &spec.inference);
}

/// The first tensor minus the second.
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
