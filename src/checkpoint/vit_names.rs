//! The names of a Vision Transformer's tensors in three codebases.

use super::source::Shapes;
use super::tensor_mapping::{TensorMapping, only, zeros};
use crate::model::{EncoderSpec, HostTensor};

/// The names of the parts of a block in a codebase, without the block's own name.
pub(super) struct BlockNames {
    norm1: &'static str,
    qkv_weight: &'static str,
    qkv_bias: &'static str,
    proj: &'static str,
    norm2: &'static str,
    fc1: &'static str,
    fc2: &'static str,
}

/// timm's names, which rstrudel/segmenter, official SETR and DeiT keep.
pub(super) const TIMM: BlockNames = BlockNames {
    norm1: "norm1",
    qkv_weight: "attn.qkv.weight",
    qkv_bias: "attn.qkv.bias",
    proj: "attn.proj",
    norm2: "norm2",
    fc1: "mlp.fc1",
    fc2: "mlp.fc2",
};

/// mmsegmentation's (and mmcv's) names.
pub(super) const MMSEG: BlockNames = BlockNames {
    norm1: "ln1",
    qkv_weight: "attn.attn.in_proj_weight",
    qkv_bias: "attn.attn.in_proj_bias",
    proj: "attn.attn.out_proj",
    norm2: "ln2",
    fc1: "ffn.layers.0.0",
    fc2: "ffn.layers.1",
};

impl BlockNames {
    /// Maps one transformer block: `to.…` from `from.…`.
    pub(super) fn block(&self, mapping: &mut TensorMapping, to: &str, from: &str) {
        mapping.take_pair(&format!("{to}.norm1"), &format!("{from}.{}", self.norm1));
        mapping.take(format!("{to}.attn.qkv.weight"), format!("{from}.{}", self.qkv_weight));
        mapping.take(format!("{to}.attn.qkv.bias"), format!("{from}.{}", self.qkv_bias));
        mapping.take_pair(&format!("{to}.attn.proj"), &format!("{from}.{}", self.proj));
        mapping.take_pair(&format!("{to}.norm2"), &format!("{from}.{}", self.norm2));
        mapping.take_pair(&format!("{to}.mlp.fc1"), &format!("{from}.{}", self.fc1));
        mapping.take_pair(&format!("{to}.mlp.fc2"), &format!("{from}.{}", self.fc2));
    }
}

/// The names of an encoder's parts in a file.
pub(super) struct EncoderNames<'a> {
    /// Prefix of all names, with a dot: `backbone.`.
    pub(super) prefix: &'a str,
    pub(super) patch_embedding: &'a str,
    /// Prefix of a block's number, with a dot.
    pub(super) blocks: &'a str,
    pub(super) block: &'a BlockNames,
    pub(super) norm: &'a str,
}

impl EncoderNames<'_> {
    /// Maps the whole encoder. A patch embedding without a bias gets a bias of zeros, which has the same effect; for an
    /// encoder without a class token, the token and its position are left out.
    pub(super) fn encoder(&self, mapping: &mut TensorMapping, spec: &EncoderSpec, shapes: &Shapes) {
        // Other families have other names.
        let Some(spec) = spec.vit() else { return };
        let theirs = |name: &str| format!("{}{name}", self.prefix);
        let embedding = theirs(self.patch_embedding);
        mapping.take("encoder.patch_embed.proj.weight", format!("{embedding}.weight"));
        let bias = format!("{embedding}.bias");
        if shapes.contains_key(&bias) {
            mapping.take("encoder.patch_embed.proj.bias", bias);
        } else {
            mapping.make("encoder.patch_embed.proj.bias", Vec::new(), zeros(vec![spec.dim]));
        }
        if spec.class_token {
            mapping.take("encoder.cls_token", theirs("cls_token"));
            mapping.take("encoder.pos_embed", theirs("pos_embed"));
        } else {
            mapping.ignore(theirs("cls_token"));
            mapping.make("encoder.pos_embed", vec![theirs("pos_embed")], without_first);
        }
        if spec.distilled {
            mapping.take("encoder.dist_token", theirs("dist_token"));
        }
        for i in 0..spec.depth {
            let from = format!("{}{i}", theirs(self.blocks));
            self.block.block(mapping, &format!("encoder.blocks.{i}"), &from);
        }
        if spec.final_norm {
            mapping.take_pair("encoder.norm", &theirs(self.norm));
        }
    }
}

/// Position embeddings `[1, positions, dim]` without the class token's.
fn without_first(tensors: Vec<HostTensor>) -> Result<HostTensor, String> {
    let mut tensor = only(tensors)?;
    let (positions, dim) = match tensor.shape[..] {
        [1, positions, dim] if positions > 1 => (positions, dim),
        _ => {
            return Err(format!(
                "expected position embeddings, found the shape {:?}",
                tensor.shape
            ));
        }
    };
    tensor.values.drain(..dim);
    tensor.shape = vec![1, positions - 1, dim];
    Ok(tensor)
}
