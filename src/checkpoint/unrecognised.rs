//! Messages about files that are not Segmenter or SETR models: what the file is, and what to do.

use super::source::Shapes;
use super::weight_sets::without_wrappers;

/// Number of bytes at the start of a file that identify it.
pub(super) const HEAD: usize = 512;

/// The start of every message: what was expected.
const EXPECTED: &str = "expected a Segmenter or SETR checkpoint (.pth, .safetensors) or a Segscope bundle, found";

const PACKED: &str = "a compressed archive; unpack it first";

/// First bytes of file types, and their descriptions.
const KINDS: [(&[u8], &str); 18] = [
    (b"\x89PNG", "an image"),
    (b"\xff\xd8", "an image"),
    (b"GIF8", "an image"),
    (b"RIFF", "an image or a sound file"),
    (b"%PDF", "a PDF"),
    (b"\x7fELF", "an executable program"),
    (b"\x1f\x8b", PACKED),
    (b"BZh", PACKED),
    (b"7z\xbc\xaf", PACKED),
    (b"Rar!", PACKED),
    (b"\xfd7zXZ", PACKED),
    (b"\x28\xb5\x2f\xfd", PACKED),
    (
        b"version https://git-lfs",
        "a Git LFS pointer instead of the file itself; fetch the file with git lfs pull, or download it from the page \
         of its repository",
    ),
    (
        b"\x89HDF",
        "an HDF5 file, as written by Keras and TensorFlow; convert its weights to PyTorch first",
    ),
    (b"GGUF", "a GGUF file, which holds a language model"),
    (
        b"ftrt",
        "a TensorRT engine, which holds no readable weights; open the checkpoint that it was made from",
    ),
    (b"7767517", "an ncnn model; open the checkpoint that it was made from"),
    (b"BC\xc0\xde", "compiled code"),
];

/// Describes a file by its first bytes, up to [`HEAD`] of them.
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
        (_, [b'<', ..]) => "a web page; the download went wrong, so download the file again and check its size",
        (_, [b'{', ..]) if contains(text, b"weight_map") => {
            "the index of a checkpoint split into several files; save the checkpoint as one file"
        }
        (_, [b'{', ..]) => "a JSON file; if it was a download, the server may have answered with an error",
        _ if head.iter().all(|byte| *byte == 0) => "only zeros; the download was not finished",
        _ if head.get(257..262) == Some(b"ustar".as_slice()) => "a tar archive; unpack it first",
        _ if head.get(4..8) == Some(b"TFL3".as_slice()) => {
            "a TensorFlow Lite model; open the checkpoint that it was made from"
        }
        // Protocol buffers that start with a version: 1 for TensorFlow, a later one for ONNX.
        ([8, 1, 0x12, ..], _) => "a TensorFlow SavedModel; convert its weights to PyTorch first",
        ([8, 2..=0x7f, 0x12 | 0x1a | 0x22 | 0x3a, ..], _) => {
            "an ONNX model; open the checkpoint that it was exported from"
        }
        _ if head.iter().all(|byte| (9..0x80).contains(byte)) => "a text file",
        _ => "something else",
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Describes a file that starts like a zip archive but cannot be read; `why` comes from the zip reader.
pub(super) fn broken_archive(why: &str) -> String {
    format!(
        "{EXPECTED} an incomplete zip archive ({why:.120}): it was not downloaded or copied in full, so get it again"
    )
}

/// Describes a zip archive that `torch.save` did not write, by the names of its entries; `None` when `torch.save` may
/// have written it.
pub(super) fn archive(names: &[String]) -> Option<String> {
    let ends = |ends: &[&str]| names.iter().any(|name| ends.iter().any(|end| name.ends_with(end)));
    let found = if ends(&["constants.pkl"]) || names.iter().any(|name| name.contains("/code/")) {
        "a TorchScript archive (torch.jit.save), which holds a program; save its weights with \
         torch.save(torch.jit.load(FILE).state_dict(), NEW_FILE) and open those"
    } else if ends(&["data.pkl"]) {
        return None;
    } else if ends(&["model.weights.h5"]) {
        "a Keras model; convert its weights to PyTorch first"
    } else if ends(&["serialized_exported_program.json", "archive_format"]) {
        "an exported PyTorch program (torch.export); save its state_dict with torch.save and open that"
    } else if ends(&[".npy"]) {
        "NumPy arrays, none of them uncompressed floating-point values; write them with numpy.savez"
    } else if ends(&[".pth", ".pt", ".ckpt", ".safetensors", ".npz"]) {
        "a zip archive with a model file inside; unpack it first"
    } else {
        return None;
    };
    Some(format!("{EXPECTED} {found}"))
}

/// Describes a PyTorch file without tensors. `keys` are the first keys of its outermost dictionary; `class` is the
/// class of an object found instead of a dictionary.
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
         at the top level, found the keys: {keys}"
    )
}

/// Describes a safetensors file without Segscope's metadata, where a bundle was expected.
pub(super) fn safetensors(shapes: &Shapes) -> String {
    format!(
        "expected a Segscope bundle, found safetensors without Segscope's metadata ({} tensors); make a bundle from a \
         published checkpoint with segscope convert",
        shapes.len()
    )
}

/// Describes tensors whose names belong to no known layout.
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
