//! mmsegmentation's SETR: SETRUPHead for Naive and PUP (models/decode_heads/setr_up_head.py), MLANeck and SETRMLAHead
//! for MLA (models/necks/mla_neck.py, models/decode_heads/setr_mla_head.py).

use super::config::Value;
use super::{Decoder, LayoutDecoder};
use crate::checkpoint::shapes::{count_of, shape};
use crate::checkpoint::sigmoid;
use crate::checkpoint::source::Shapes;
use crate::checkpoint::tensor_mapping::{TensorMapping, only};
use crate::model::{HostTensor, InferenceSpec, ModelSpec, SetrMlaSpec, SetrPupHead, SetrPupSpec, SetrPupStage};

/// LayerNorm epsilon of heads and neck in every published configuration.
const NORM_EPS: f64 = 1e-6;

/// Upsampling factor of the MLA head (`up_scale`).
const MLA_UP: usize = 4;

pub(super) fn decoder(shapes: &Shapes, model: &Value) -> Result<Decoder, String> {
    let depth = count_of(shapes, "backbone.layers.");
    let classes = shape(shapes, "decode_head.conv_seg.weight", 4)?[0];
    let is_mla = shapes.contains_key("neck.norm.0.weight");
    let usual = if is_mla { mla_taps(depth) } else { up_taps(depth) };
    let taps = model.get("backbone").get("out_indices").sizes();
    // A neck takes one tap per path; heads choose among them by index.
    let taps = taps
        .filter(|taps| !is_mla || taps.len() == usual.len())
        .unwrap_or(usual);
    let head = if is_mla {
        LayoutDecoder::Mla(mla(shapes, taps)?)
    } else {
        up_decoder(shapes, model, &taps)?
    };
    Ok(Decoder {
        head,
        classes,
        class_token: !is_mla,
    })
}

/// Default taps of MLA; for ViT-L 5, 11, 17, 23.
fn mla_taps(depth: usize) -> Vec<usize> {
    (1..=4).map(|i| (depth / 4 * i).saturating_sub(1)).collect()
}

/// Default taps of Naive and PUP; for ViT-L 9, 14, 19 for the auxiliary heads, then the last block.
fn up_taps(depth: usize) -> Vec<usize> {
    let last = depth.saturating_sub(1);
    let auxiliary = [10, 15, 20].map(|of_24| (depth * of_24 / 24).saturating_sub(1));
    auxiliary.into_iter().chain([last]).collect()
}

fn up_decoder(shapes: &Shapes, model: &Value, taps: &[usize]) -> Result<LayoutDecoder, String> {
    let auxiliary = count_of(shapes, "auxiliary_head.");
    let configs = model.get("auxiliary_head").items();
    let main = up_head(
        shapes,
        "decode_head",
        model.get("decode_head"),
        taps,
        taps.len().saturating_sub(1),
    )?;
    let auxiliary = (0..auxiliary)
        .map(|i| {
            up_head(
                shapes,
                &format!("auxiliary_head.{i}"),
                configs.get(i).unwrap_or(&Value::Other),
                taps,
                i,
            )
        })
        .collect::<Result<_, _>>()?;
    let is_naive = main.stages.iter().all(|stage| stage.kernel == 1);
    let up = SetrPupSpec { main, auxiliary };
    Ok(if is_naive {
        LayoutDecoder::Naive(up)
    } else {
        LayoutDecoder::Pup(up)
    })
}

fn up_head(shapes: &Shapes, name: &str, config: &Value, taps: &[usize], usual: usize) -> Result<SetrPupHead, String> {
    let count = count_of(shapes, &format!("{name}.up_convs.")).min(16);
    let kernels = (0..count)
        .map(|i| shape(shapes, &format!("{name}.up_convs.{i}.0.conv.weight"), 4))
        .collect::<Result<Vec<_>, _>>()?;
    // PUP's main head is the only one with four stages, and the only one that doubles.
    let up = config.get("up_scale").size().unwrap_or(if count == 4 { 2 } else { 4 });
    let index = config.get("in_index").size().unwrap_or(usual);
    let tap = *taps.get(index).ok_or_else(|| {
        format!(
            "expected one of {} features for {name}, found number {index}",
            taps.len()
        )
    })?;
    Ok(SetrPupHead {
        tap,
        norm_eps: NORM_EPS,
        stages: kernels
            .iter()
            .map(|kernel| SetrPupStage {
                kernel: kernel[2],
                channels: kernel[0],
                up,
            })
            .collect(),
    })
}

fn mla(shapes: &Shapes, taps: Vec<usize>) -> Result<SetrMlaSpec, String> {
    Ok(SetrMlaSpec {
        taps,
        norm_eps: NORM_EPS,
        channels: shape(shapes, "neck.mla.channel_proj.0.conv.weight", 4)?[0],
        head_channels: shape(shapes, "decode_head.up_convs.0.0.conv.weight", 4)?[0],
        up: MLA_UP,
        align_corners: false,
        classifier_kernel: shape(shapes, "decode_head.conv_seg.weight", 4)?[2],
        auxiliary: shapes.contains_key("auxiliary_head.0.conv_seg.weight"),
    })
}

pub(super) fn up_mappings(mapping: &mut TensorMapping, ours: &str, up: &SetrPupSpec, rules: &InferenceSpec) {
    up_mapping(mapping, &format!("{ours}.main"), "decode_head", &up.main, rules);
    for (i, head) in up.auxiliary.iter().enumerate() {
        let theirs = format!("auxiliary_head.{i}");
        up_mapping(mapping, &format!("{ours}.auxiliary.{i}"), &theirs, head, rules);
    }
}

fn up_mapping(mapping: &mut TensorMapping, ours: &str, theirs: &str, head: &SetrPupHead, rules: &InferenceSpec) {
    mapping.take_pair(&format!("{ours}.norm"), &format!("{theirs}.norm"));
    for i in 0..head.stages.len() {
        module(
            mapping,
            &format!("{ours}.stages.{i}"),
            &format!("{theirs}.up_convs.{i}.0"),
        );
    }
    sigmoid::classifier(
        mapping,
        &format!("{ours}.classify"),
        &format!("{theirs}.conv_seg"),
        rules,
    );
}

/// mmcv's ConvModule: a convolution and its batch norm.
fn module(mapping: &mut TensorMapping, ours: &str, theirs: &str) {
    mapping.take(format!("{ours}.weight"), format!("{theirs}.conv.weight"));
    mapping.take_batch_norm(ours, &format!("{theirs}.bn"));
}

/// Maps the tensors of MLA. The norms and projections of the neck are numbered from the shallowest block; its outputs,
/// and everything after them, from the deepest.
pub(super) fn mla_mapping(mapping: &mut TensorMapping, ours: &str, mla: &SetrMlaSpec, spec: &ModelSpec) {
    let paths = mla.taps.len();
    for i in 0..paths {
        let from_deepest = paths - 1 - i;
        mapping.take_pair(&format!("{ours}.norms.{i}"), &format!("neck.norm.{i}"));
        module(
            mapping,
            &format!("{ours}.project.{i}"),
            &format!("neck.mla.channel_proj.{i}"),
        );
        module(
            mapping,
            &format!("{ours}.smooth.{i}"),
            &format!("neck.mla.feat_extract.{from_deepest}"),
        );
        for k in 0..2 {
            let theirs = format!("decode_head.up_convs.{from_deepest}.{k}");
            module(mapping, &format!("{ours}.refine.{i}.{k}"), &theirs);
        }
        if mla.auxiliary {
            let theirs = format!("auxiliary_head.{from_deepest}.conv_seg");
            sigmoid::classifier(mapping, &format!("{ours}.auxiliary.{i}"), &theirs, &spec.inference);
        }
    }
    let is_sigmoid = spec.inference.threshold.is_some();
    let (classes, channels) = (if is_sigmoid { 1 } else { spec.classes }, mla.head_channels);
    let [weight, bias] = ["weight", "bias"].map(|part| format!("decode_head.conv_seg.{part}"));
    let turned = move |tensors| with_paths_turned(tensors, classes, paths, channels);
    if is_sigmoid {
        mapping.make(format!("{ours}.classify.weight"), vec![weight], move |tensors| {
            sigmoid::after_zeros(vec![turned(tensors)?])
        });
        mapping.make(format!("{ours}.classify.bias"), vec![bias], sigmoid::after_zeros);
    } else {
        mapping.make(format!("{ours}.classify.weight"), vec![weight], turned);
        mapping.take(format!("{ours}.classify.bias"), bias);
    }
}

/// Reverses the order of the paths in a weight `[classes, paths * channels, side, side]`.
fn with_paths_turned(
    tensors: Vec<HostTensor>,
    classes: usize,
    paths: usize,
    channels: usize,
) -> Result<HostTensor, String> {
    let HostTensor { shape, values } = only(tensors)?;
    if shape.first() != Some(&classes) || shape.get(1) != Some(&(paths * channels)) {
        return Err(format!(
            "expected [{classes}, {}, …], found {shape:?}",
            paths * channels
        ));
    }
    let path = values.len() / (classes * paths);
    let turned = values
        .chunks_exact(path * paths)
        .flat_map(|class| class.chunks_exact(path).rev());
    Ok(HostTensor {
        values: turned.flatten().copied().collect(),
        shape,
    })
}
