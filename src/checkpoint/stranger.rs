//! What a file is that is no model of these two systems, said so that its owner knows what to do.

use super::sets::without_wrappers;
use super::source::Shapes;

/// Bytes at the beginning of a file that tell what it is.
pub(super) const HEAD: usize = 512;

/// What is expected of any file.
const EXPECTED: &str = "expected a Segmenter or SETR checkpoint (.pth, .safetensors) or a Segscope bundle, found";

const PACKED: &str = "a compressed archive; unpack it first";

/// First bytes of kinds of files, and what to say of them.
const KINDS: [(&[u8], &str); 18] = [
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8", "a picture"),
    (b"GIF8", "a picture"),
    (b"RIFF", "a picture or a sound"),
    (b"%PDF", "a PDF"),
    (b"\x7fELF", "a program"),
    (b"\x1f\x8b", PACKED),
    (b"BZh", PACKED),
    (b"7z\xbc\xaf", PACKED),
    (b"Rar!", PACKED),
    (b"\xfd7zXZ", PACKED),
    (b"\x28\xb5\x2f\xfd", PACKED),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS in place of the file itself; fetch the file with git lfs pull, or download it from the \
         page of its repository",
    ),
    (
        b"\x89HDF",
        "an HDF5 file, as Keras and TensorFlow write it; convert its weights to PyTorch's first",
    ),
    (b"GGUF", "a GGUF file, which holds a language model"),
    (
        b"ftrt",
        "an engine of TensorRT, which holds no weights to read; open the checkpoint that it was made from",
    ),
    (b"7767517", "a model of ncnn; open the checkpoint that it was made from"),
    (b"BC\xc0\xde", "compiled code"),
];

/// By the first bytes, up to [`HEAD`] of them.
pub(super) fn file(head: &[u8]) -> String {
    format!("{EXPECTED} {}", kind_of(head))
}

fn kind_of(head: &[u8]) -> &'static str {
    if let Some(&(_, kind)) = KINDS.iter().find(|(start, _)| head.starts_with(start)) {
        return kind;
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    match (head, text) {
        ([], _) => "an empty file",
        (_, [b'<', ..]) => "a web page; the download went wrong, so get the file again and look at its size",
        (_, [b'{', ..]) if contains(text, b"weight_map") => {
            "the index of a checkpoint in several files; save the checkpoint as one file"
        }
        (_, [b'{', ..]) => "a JSON text; if it was a download, the server may have answered with an error",
        _ if head.iter().all(|byte| *byte == 0) => "only zeros; the download was not finished",
        _ if head.get(257..262) == Some(b"ustar".as_slice()) => "a tar archive; unpack it first",
        _ if head.get(4..8) == Some(b"TFL3".as_slice()) => {
            "a model of TensorFlow Lite; open the checkpoint that it was made from"
        }
        // Protocol buffers that begin with a version: 1 in TensorFlow's, a later one in ONNX's.
        ([8, 1, 0x12, ..], _) => "a SavedModel of TensorFlow; convert its weights to PyTorch's first",
        ([8, 2..=0x7f, 0x12 | 0x1a | 0x22 | 0x3a, ..], _) => {
            "an ONNX model; open the checkpoint that it was exported from"
        }
        _ if head.iter().all(|byte| (9..0x80).contains(byte)) => "a text",
        _ => "something else",
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// A file that begins as a zip archive and is none that can be read; `why` comes from its reader.
pub(super) fn broken_archive(why: &str) -> String {
    format!(
        "{EXPECTED} a zip archive without its end ({why:.120}): it was not downloaded or copied in full, so get it again"
    )
}

/// A zip archive of something else than `torch.save` writes, told by the names of its entries; `None` when it may be one.
pub(super) fn archive(names: &[String]) -> Option<String> {
    let ends = |ends: &[&str]| names.iter().any(|name| ends.iter().any(|end| name.ends_with(end)));
    let found = if ends(&["constants.pkl"]) || names.iter().any(|name| name.contains("/code/")) {
        "a TorchScript archive (torch.jit.save), which holds a program; save its weights with \
         torch.save(torch.jit.load(FILE).state_dict(), NEW_FILE) and open those"
    } else if ends(&["data.pkl"]) {
        return None;
    } else if ends(&["model.weights.h5"]) {
        "a Keras model; convert its weights to PyTorch's first"
    } else if ends(&["serialized_exported_program.json", "archive_format"]) {
        "an exported program of PyTorch (torch.export); save its state_dict with torch.save and open that"
    } else if ends(&[".npy"]) {
        "NumPy arrays, none of them uncompressed floating-point values; write them with numpy.savez"
    } else if ends(&[".pth", ".pt", ".ckpt", ".safetensors", ".npz"]) {
        "a zip archive with a model file inside; unpack it first"
    } else {
        return None;
    };
    Some(format!("{EXPECTED} {found}"))
}

/// A file of PyTorch's without tensors; `keys` are the first ones of its outermost dictionary, `class` is that of an
/// object in place of a dictionary.
pub(super) fn torch(keys: &str, class: Option<&str>) -> String {
    if let Some(class) = class {
        return format!(
            "expected a dictionary of tensors, found a Python object of the class {class:.120}; save the weights alone: \
             torch.save(model.state_dict(), FILE)"
        );
    }
    let keys: String = keys.chars().take(200).collect();
    format!(
        "expected tensors under \"model\" (Segmenter), under \"state_dict\" (mmsegmentation, SETR), under another key or \
         on their own, found the keys: {keys}"
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
    let names = || shapes.keys().map(|name| without_wrappers(name));
    let has = |part: &str| names().any(|name| name.contains(part));
    let begins = |prefix: &str| names().any(|name| name.starts_with(prefix));
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
        let some: Vec<_> = names().take(3).collect();
        let some: String = some.join(", ").chars().take(160).collect();
        return format!("expected the tensors of a Segmenter or SETR, found others: {some}");
    };
    format!("expected the tensors of a Segmenter or SETR, found {found}")
}
