//! The model for all tests that are not about the trained models.
//!
//! It is small, independent of training, and its prediction is known: it depends on the position in a window, and the
//! colours of the image only blur it. Sky is at the top, road at the bottom, and the other nine classes of CamVid are
//! in two rows between them. This applies to its mask transformer, linear decoder and Naive; PUP and MLA have random
//! weights, so that outputs differ.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use segscope::datasets::classes_of;
use segscope::model::{ModelSpec, Weights};

use super::{five_decoders, save_weights};

/// Side of a window in patches.
const GRID: usize = 24;

/// The specification of the model. The order of its decoders (mask transformer first) and its window size are those of
/// the trained models.
pub fn spec() -> ModelSpec {
    let mut spec = five_decoders();
    spec.decoders.swap(0, 1);
    let vit = spec.encoder.vit_mut().expect("a ViT");
    vit.grid = [GRID; 2];
    let patch = vit.patch;
    spec.inference.window = GRID * patch;
    // The next window overlaps by two patches.
    spec.inference.stride = (GRID - 2) * patch;
    spec.inference.short_side = Some(spec.inference.window);
    spec
}

/// The file of the model. The first test that needs it writes it to the build folder.
pub fn model() -> PathBuf {
    static FILE: LazyLock<PathBuf> = LazyLock::new(written);
    FILE.clone()
}

fn written() -> PathBuf {
    let spec = spec();
    let weights = weights(&spec);
    let mut hasher = DefaultHasher::new();
    format!("{spec:?}").hash(&mut hasher);
    for (name, tensor) in weights.iter() {
        name.hash(&mut hasher);
        tensor.values.iter().for_each(|value| value.to_bits().hash(&mut hasher));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(folder).expect("a folder");
    // An existing file is complete, and concurrent tests may be using it.
    let file = folder.join(format!("five-decoders-{:016x}.safetensors", hasher.finish()));
    if !file.is_file() {
        save_weights(&spec, classes_of("camvid").expect("a known data set"), weights, &file);
    }
    file
}

/// The class predicted for a patch of a window, by its row and column.
fn class_at(row: usize, column: usize) -> usize {
    match row {
        0..10 => 0,
        10..12 => [1, 2, 5, 6][column / 6],
        12..15 => [7, 8, 9, 10, 4][(column / 5).min(4)],
        _ => 3,
    }
}

/// Random weights with a strong signal: the position embedding holds one value per class, raised for the class of each
/// patch, which the decoders read.
fn weights(spec: &ModelSpec) -> Weights {
    const STRENGTH: f32 = 2.0;
    let mut weights = Weights::random(spec, 1);
    let dim = spec.encoder.vit().expect("a ViT").dim;
    // The class token comes first.
    let patches = (0..GRID * GRID).map(|i| [1 + i, class_at(i / GRID, i % GRID)]);
    raise(&mut weights, "encoder.pos_embed", patches, STRENGTH);
    for name in ["proj_dec.weight", "proj_patch", "proj_classes"] {
        let name = format!("decoders.mask.{name}");
        raise(&mut weights, &name, (0..dim).map(|i| [i, i]), 1.0);
    }
    let of_classes = || (0..spec.classes).map(|class| [class, class]);
    raise(&mut weights, "decoders.mask.cls_emb", of_classes(), STRENGTH);
    for name in ["linear.head", "naive.main.stages.0", "naive.main.classify"] {
        raise(&mut weights, &format!("decoders.{name}.weight"), of_classes(), 1.0);
    }
    weights
}

/// Adds `by` to the values of a matrix at these rows and columns. The matrix may have further dimensions of length 1.
fn raise(weights: &mut Weights, name: &str, places: impl Iterator<Item = [usize; 2]>, by: f32) {
    let mut tensor = weights.remove(name).unwrap_or_else(|| panic!("no tensor {name}"));
    let columns = tensor.shape.iter().rev().copied().find(|side| *side > 1);
    let columns = columns.expect("a matrix");
    for [row, column] in places {
        tensor.values[row * columns + column] += by;
    }
    weights.insert(name, tensor);
}
