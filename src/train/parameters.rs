//! What follows from the name of a parameter.

/// Where in an encoder of so many blocks a parameter is: 0 before the blocks, 1 for the first, one more than there are
/// after them; nothing for decoders.
pub(super) fn layer_of(name: &str, depth: usize) -> Option<usize> {
    let rest = name.strip_prefix("encoder.")?;
    let block = rest.strip_prefix("blocks.").and_then(|rest| rest.split('.').next());
    match block.and_then(|number| number.parse::<usize>().ok()) {
        Some(block) => Some(block + 1),
        None if rest.starts_with("norm.") => Some(depth + 1),
        None => Some(0),
    }
}

/// Whether a parameter is of what lies between encoder and head in SETR-MLA. The published tenfold rate goes by "head" in
/// the name, and that is `neck` in mmsegmentation and `backbone.mla` in the official code.
pub(super) fn is_neck(name: &str) -> bool {
    let rest = name.strip_prefix("decoders.").and_then(|rest| rest.split_once('.'));
    rest.is_some_and(|(_, rest)| {
        ["norms.", "project.", "smooth."]
            .iter()
            .any(|part| rest.starts_with(part))
    })
}

/// Whether weight decay holds for a parameter: for matrices, and neither for norms and biases nor for tokens and
/// embeddings (rstrudel segm/model: `no_weight_decay`).
pub(super) fn decays(name: &str) -> bool {
    let is_matrix = name.ends_with(".weight") || name.ends_with(".proj_patch") || name.ends_with(".proj_classes");
    is_matrix && !name.contains("norm")
}

#[cfg(test)]
mod tests {
    use super::{decays, is_neck, layer_of};

    #[test]
    fn layers_are_counted_from_the_patch_embedding_on() {
        let layer = |name| layer_of(name, 12);
        assert_eq!(layer("encoder.patch_embed.proj.weight"), Some(0));
        assert_eq!(layer("encoder.pos_embed"), Some(0));
        assert_eq!(layer("encoder.blocks.0.norm1.weight"), Some(1));
        assert_eq!(layer("encoder.blocks.11.mlp.fc2.bias"), Some(12));
        assert_eq!(layer("encoder.norm.weight"), Some(13));
        assert_eq!(layer("decoders.mask.blocks.0.norm1.weight"), None);
        assert!(is_neck("decoders.mla.smooth.0.weight") && is_neck("decoders.mla.norms.3.bias"));
        assert!(!is_neck("decoders.mla.refine.0.1.weight") && !is_neck("decoders.pup.main.norm.weight"));
    }

    #[test]
    fn matrices_decay_and_nothing_else_does() {
        for name in [
            "encoder.blocks.0.attn.qkv.weight",
            "decoders.mask.proj_patch",
            "encoder.patch_embed.proj.weight",
        ] {
            assert!(decays(name), "{name}");
        }
        for name in [
            "encoder.blocks.0.norm1.weight",
            "encoder.blocks.0.attn.qkv.bias",
            "encoder.pos_embed",
            "encoder.cls_token",
            "decoders.mask.cls_emb",
            "decoders.mask.mask_norm.weight",
            "decoders.mask.proj_dec.bias",
        ] {
            assert!(!decays(name), "{name}");
        }
    }
}
