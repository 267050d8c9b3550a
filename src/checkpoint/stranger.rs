//! What a file is that is no model of these two systems, said so that its owner knows what to do.

use super::source::Shapes;

/// By the first bytes.
pub(super) fn file(head: &[u8]) -> String {
    let found = match head {
        [] => "an empty file",
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, ..] => "a picture",
        [b'<', ..] => "a web page; the download went wrong",
        [0x1f, 0x8b, ..] => "a compressed archive; unpack it first",
        _ => "something else",
    };
    format!("expected a Segmenter or SETR checkpoint (.pth, .safetensors) or a Segscope bundle, found {found}")
}

/// A file of PyTorch's without tensors where they are looked for; `keys` are those of its outermost dictionary.
pub(super) fn torch(keys: &str) -> String {
    let keys: String = keys.chars().take(200).collect();
    format!(
        "expected tensors under \"model\" (Segmenter), under \"state_dict\" (mmsegmentation, SETR) or on their own, \
         found the keys: {keys}"
    )
}

/// A safetensors file without Segscope's metadata, where a bundle was expected.
pub(super) fn safetensors(shapes: &Shapes) -> String {
    format!(
        "expected a Segscope bundle, found safetensors without Segscope's metadata ({} tensors); make a bundle from a \
         published checkpoint with segscope convert",
        shapes.len()
    )
}

/// Tensors with names that none of the layouts has.
pub(super) fn tensors(shapes: &Shapes) -> String {
    let has = |part: &str| shapes.keys().any(|name| name.contains(part));
    let begins = |prefix: &str| shapes.keys().any(|name| name.starts_with(prefix));
    let found = if begins("decode_head.") {
        "an mmsegmentation checkpoint of a network with another backbone"
    } else if begins("segformer.") || begins("vit.encoder.") || has("embeddings.patch_embeddings") {
        "a Hugging Face transformers checkpoint, whose tensors have other names"
    } else if begins("visual.") {
        "a CLIP checkpoint"
    } else if begins("layer1.0.conv1") || begins("layer4.") {
        "a ResNet classifier"
    } else if has("attn.qkv") {
        "another vision transformer"
    } else {
        let some: Vec<_> = shapes.keys().take(3).map(String::as_str).collect();
        let some: String = some.join(", ").chars().take(160).collect();
        return format!("expected the tensors of a Segmenter or SETR, found others: {some}");
    };
    format!("expected the tensors of a Segmenter or SETR, found {found}")
}
