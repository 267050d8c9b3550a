//! The layout of rstrudel/segmenter: `checkpoint.pth` with the outer key `model`, and `variant.yml` beside it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::torch::TorchFile;
use super::variant::{self, Variant};
use super::{Checkpoint, CheckpointError, Provenance};
use crate::labels::ClassSet;
use crate::model::{DecoderSpec, EncoderSpec, InferenceSpec, ModelSpec, Normalisation, PositionResize, Weights};

/// LayerNorm epsilon of encoder and decoder alike: PyTorch's default, although the ViTs were trained with 1e-6.
const NORM_EPS: f64 = 1e-5;

/// Every published variant's heads are 64 wide.
const HEAD_WIDTH: usize = 64;

/// Reads a published folder.
pub(super) fn open_folder(folder: &Path) -> Result<Checkpoint, CheckpointError> {
    let weights = folder.join("checkpoint.pth");
    if !weights.is_file() {
        return Err(CheckpointError::damaged(
            folder,
            "expected checkpoint.pth (and variant.yml) in the folder, found none; open the folder that holds them"
                .into(),
        ));
    }
    open_file(&weights)
}

/// Reads a `.pth`; sizes that its shapes do not tell come from a `variant.yml` beside it, or from the usual rules.
pub(super) fn open_file(path: &Path) -> Result<Checkpoint, CheckpointError> {
    let variant = variant_beside(path)?;
    let mut file = TorchFile::open(path)?;
    if !file.keys().contains(&"model") {
        let keys = file.keys().join(", ");
        let why = format!(
            "expected a Segmenter checkpoint with the outer key \"model\", found the keys: {}",
            keys.chars().take(200).collect::<String>()
        );
        return Err(CheckpointError::damaged(path, why));
    }
    let mut weights = Weights::default();
    // The 1000-way ImageNet heads are in every published file and have no use here.
    file.tensors(
        "model",
        |name| !name.starts_with("encoder.head"),
        |name, tensor| weights.insert(name, tensor),
    )
    .map_err(|why| CheckpointError::damaged(path, why))?;
    let spec = spec_of(&weights, variant.as_ref()).map_err(|why| CheckpointError::damaged(path, why))?;
    // Before anything is made in these sizes.
    spec.check().map_err(|source| CheckpointError::Spec {
        source,
        path: path.into(),
    })?;
    let classes = match &variant {
        Some(v) => ClassSet::for_model(&v.data_set, spec.classes),
        None => ClassSet::by_count(spec.classes),
    };
    let mut provenance = Provenance::new("rstrudel/segmenter checkpoint");
    match variant {
        Some(v) => {
            provenance.add("data set", v.data_set);
            provenance.add("backbone", v.backbone);
        }
        None => provenance.add(
            "note",
            "no variant.yml beside it: window, stride and normalisation are the usual ones",
        ),
    }
    Ok(Checkpoint {
        spec,
        classes,
        weights,
        provenance,
    })
}

fn variant_beside(path: &Path) -> Result<Option<Variant>, CheckpointError> {
    let beside: PathBuf = path.with_file_name("variant.yml");
    let mut bytes = Vec::new();
    let read = File::open(&beside).and_then(|file| file.take(variant::MOST_BYTES as u64 + 1).read_to_end(&mut bytes));
    let text = match read {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(CheckpointError::read(&beside, e)),
    };
    Variant::parse(&text)
        .map(Some)
        .map_err(|why| CheckpointError::damaged(&beside, why))
}

/// Sizes read off the shapes; what shapes do not tell comes from `variant`, or from the rules of the published models.
fn spec_of(weights: &Weights, variant: Option<&Variant>) -> Result<ModelSpec, String> {
    let shape = |name: &str, rank: usize| match weights.get(name) {
        Some(t) if t.shape.len() == rank => Ok(t.shape.as_slice()),
        Some(t) => Err(format!("expected {rank} dimensions for {name}, found {:?}", t.shape)),
        None => Err(format!("expected the tensor {name} of a Segmenter, found none")),
    };
    let patch_weight = shape("encoder.patch_embed.proj.weight", 4)?;
    let (dim, patch) = (patch_weight[0], patch_weight[2]);
    let distilled = weights.get("encoder.dist_token").is_some();
    let extra = 1 + usize::from(distilled);
    let positions = shape("encoder.pos_embed", 3)?[1];
    let side = positions.saturating_sub(extra).isqrt();
    if side == 0 || side * side + extra != positions {
        return Err(format!(
            "expected a square grid of position embeddings and {extra} more, found {positions} in all"
        ));
    }
    let heads = variant.map_or((dim / HEAD_WIDTH).max(1), |v| v.heads);
    let decoder_layers = layers(weights, "decoder.blocks.");
    let (decoder, classes) = if weights.get("decoder.cls_emb").is_some() {
        let decoder = DecoderSpec::MaskTransformer {
            layers: decoder_layers,
            heads: (dim / HEAD_WIDTH).max(1),
            norm_eps: NORM_EPS,
        };
        (decoder, shape("decoder.cls_emb", 3)?[1])
    } else if weights.get("decoder.head.weight").is_some() {
        (DecoderSpec::Linear, shape("decoder.head.weight", 2)?[0])
    } else {
        return Err(
            "expected decoder.cls_emb (mask transformer) or decoder.head.weight (linear), found neither: \
                    it has no Segmenter decoder"
                .into(),
        );
    };
    let crop = patch.saturating_mul(side);
    let inference = match variant {
        Some(v) => InferenceSpec {
            window: v.window,
            stride: v.stride,
            short_side: Some(v.image_size),
        },
        None => InferenceSpec {
            window: crop,
            // segm.eval.miou's default.
            stride: crop.saturating_sub(32).max(patch),
            short_side: Some(crop),
        },
    };
    Ok(ModelSpec {
        encoder: EncoderSpec {
            dim,
            depth: layers(weights, "encoder.blocks."),
            heads,
            patch,
            grid: [side, side],
            distilled,
            norm_eps: NORM_EPS,
            position_resize: PositionResize::Bilinear,
        },
        decoder,
        classes,
        normalisation: variant.map_or(
            if distilled {
                Normalisation::DEIT
            } else {
                Normalisation::VIT
            },
            |v| v.normalisation,
        ),
        inference,
    })
}

/// One more than the largest block number below `prefix`.
fn layers(weights: &Weights, prefix: &str) -> usize {
    weights
        .iter()
        .filter_map(|(name, _)| name.strip_prefix(prefix)?.split('.').next()?.parse::<usize>().ok())
        .max()
        .map_or(0, |last| last.saturating_add(1))
}
