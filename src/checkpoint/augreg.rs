//! Checkpoints of Google's AugReg (arXiv 2106.10270): `.npz` files of JAX arrays (timm 0.4.12
//! models/vision_transformer.py, `_load_weights`).

use super::Provenance;
use super::backbone::BackbonePlan;
use super::shapes::{count_of, grid_of, shape};
use super::source::Shapes;
use super::tensor_mapping::{TensorMapping, only, transposed};
use crate::model::{EncoderSpec, HostTensor, Normalisation, PositionResize, VitSpec};

/// LayerNorm epsilon of the JAX originals.
const NORM_EPS: f64 = 1e-6;

/// Possible prefixes of all names.
const PREFIXES: [&str; 2] = ["", "opt/target/"];

/// Whether a file with these arrays has this layout.
pub(super) fn has_layout(shapes: &Shapes) -> bool {
    prefix_of(shapes).is_some()
}

fn prefix_of(shapes: &Shapes) -> Option<&'static str> {
    let is_there = |prefix: &&str| shapes.contains_key(&format!("{prefix}embedding/kernel"));
    PREFIXES.into_iter().find(is_there)
}

/// Plans how to read a file with these arrays.
pub(super) fn plan(shapes: &Shapes) -> Result<BackbonePlan, String> {
    let prefix = prefix_of(shapes).unwrap_or_default();
    let theirs = |name: &str| format!("{prefix}{name}");
    let patch_weight = shape(shapes, &theirs("embedding/kernel"), 4)?;
    let (patch, dim) = (patch_weight[0], patch_weight[3]);
    let depth = count_of_blocks(shapes, prefix);
    if !(1..=128).contains(&depth) {
        return Err(format!("expected 1 to 128 blocks, found {depth}"));
    }
    let block = |i: usize| theirs(&format!("Transformer/encoderblock_{i}"));
    let attention = |i: usize| format!("{}/MultiHeadDotProductAttention_1", block(i));
    let heads = shape(shapes, &format!("{}/query/kernel", attention(0)), 3)?[1];
    let positions = theirs("Transformer/posembed_input/pos_embedding");
    let grid = grid_of(shape(shapes, &positions, 3)?[1], 1, None)?;

    let mut mapping = TensorMapping::default();
    mapping.make(
        "encoder.patch_embed.proj.weight",
        vec![theirs("embedding/kernel")],
        outputs_first,
    );
    mapping.take("encoder.patch_embed.proj.bias", theirs("embedding/bias"));
    mapping.take("encoder.cls_token", theirs("cls"));
    mapping.take("encoder.pos_embed", positions);
    for i in 0..depth {
        let (ours, block, attention) = (format!("encoder.blocks.{i}"), block(i), attention(i));
        layer_norm(&mut mapping, &format!("{ours}.norm1"), &format!("{block}/LayerNorm_0"));
        layer_norm(&mut mapping, &format!("{ours}.norm2"), &format!("{block}/LayerNorm_2"));
        let parts = |end: &str| {
            ["query", "key", "value"]
                .map(|part| format!("{attention}/{part}/{end}"))
                .to_vec()
        };
        mapping.make(format!("{ours}.attn.qkv.weight"), parts("kernel"), stacked_kernels);
        mapping.make(format!("{ours}.attn.qkv.bias"), parts("bias"), stacked_biases);
        let out = vec![format!("{attention}/out/kernel")];
        mapping.make(format!("{ours}.attn.proj.weight"), out, heads_joined);
        mapping.take(format!("{ours}.attn.proj.bias"), format!("{attention}/out/bias"));
        for (layer, theirs) in [("fc1", "Dense_0"), ("fc2", "Dense_1")] {
            let dense = format!("{block}/MlpBlock_3/{theirs}");
            let weight = format!("{ours}.mlp.{layer}.weight");
            mapping.make(weight, vec![format!("{dense}/kernel")], transposed);
            mapping.take(format!("{ours}.mlp.{layer}.bias"), format!("{dense}/bias"));
        }
    }
    layer_norm(&mut mapping, "encoder.norm", &theirs("Transformer/encoder_norm"));
    mapping.ignore_all(shapes, &theirs("head/"));
    mapping.ignore_all(shapes, &theirs("pre_logits/"));
    Ok(BackbonePlan {
        encoder: EncoderSpec::Vit(VitSpec {
            dim,
            depth,
            heads,
            patch,
            grid,
            class_token: true,
            distilled: false,
            final_norm: true,
            norm_eps: NORM_EPS,
            position_resize: PositionResize::Bilinear,
        }),
        normalisation: Normalisation::VIT,
        mapping,
        provenance: Provenance::new("Google AugReg classifier"),
        remarks: Vec::new(),
    })
}

/// Number of blocks: one more than the largest block number.
fn count_of_blocks(shapes: &Shapes, prefix: &str) -> usize {
    // The number ends at a slash, not at a dot.
    let dotted = shapes
        .iter()
        .map(|(name, shape)| (name.replace('/', "."), shape.clone()));
    let prefix = format!("{prefix}Transformer/encoderblock_").replace('/', ".");
    count_of(&dotted.collect(), &prefix)
}

fn layer_norm(mapping: &mut TensorMapping, ours: &str, theirs: &str) {
    mapping.take(format!("{ours}.weight"), format!("{theirs}/scale"));
    mapping.take(format!("{ours}.bias"), format!("{theirs}/bias"));
}

/// Permutes a convolution's `[height, width, in, out]` to `[out, in, height, width]`.
fn outputs_first(tensors: Vec<HostTensor>) -> Result<HostTensor, String> {
    let HostTensor { shape, values } = only(tensors)?;
    let [height, width, input, output] = shape[..] else {
        return Err(format!("expected four dimensions, found {shape:?}"));
    };
    let mut turned = Vec::with_capacity(values.len());
    for o in 0..output {
        for c in 0..input {
            turned.extend((0..height * width).map(|place| values[(place * input + c) * output + o]));
        }
    }
    Ok(HostTensor {
        shape: vec![output, input, height, width],
        values: turned,
    })
}

/// Stacks the kernels `[dim, heads, width]` of queries, keys and values to `[3 * heads * width, dim]`.
fn stacked_kernels(tensors: Vec<HostTensor>) -> Result<HostTensor, String> {
    let mut values = Vec::new();
    let mut rows = 0;
    let mut columns = 0;
    for HostTensor { shape, values: kernel } in tensors {
        let [dim, heads, width] = shape[..] else {
            return Err(format!("expected three dimensions, found {shape:?}"));
        };
        let flat = HostTensor {
            shape: vec![dim, heads * width],
            values: kernel,
        };
        values.extend(transposed(vec![flat])?.values);
        rows += heads * width;
        columns = dim;
    }
    Ok(HostTensor {
        shape: vec![rows, columns],
        values,
    })
}

/// Joins the biases `[heads, width]` of queries, keys and values to one row.
fn stacked_biases(tensors: Vec<HostTensor>) -> Result<HostTensor, String> {
    let values: Vec<f32> = tensors.into_iter().flat_map(|tensor| tensor.values).collect();
    Ok(HostTensor {
        shape: vec![values.len()],
        values,
    })
}

/// Transposes the output kernel `[heads, width, dim]` to `[dim, heads * width]`.
fn heads_joined(tensors: Vec<HostTensor>) -> Result<HostTensor, String> {
    let HostTensor { shape, values } = only(tensors)?;
    let [heads, width, dim] = shape[..] else {
        return Err(format!("expected three dimensions, found {shape:?}"));
    };
    transposed(vec![HostTensor {
        shape: vec![heads * width, dim],
        values,
    }])
}
