//! Small models with several decoders and random weights, as bundles.

pub mod fixture;

use std::path::{Path, PathBuf};

use segscope::checkpoint::{self, Checkpoint, Provenance};
use segscope::datasets::classes_of;
use segscope::labels::ClassSet;
use segscope::model::{DecoderKind, HeadSpec, ModelSpec, SetrPupHead, Variant, Weights, published};

/// A small, fast network with all five decoders for the classes of CamVid. PUP has auxiliary heads on layers 2 and 3.
pub fn five_decoders() -> ModelSpec {
    let mut spec = published(Variant::Tiny, 16, &DecoderKind::ALL, 11, 64);
    spec.inference.short_side = Some(64);
    let vit = spec.encoder.vit_mut().expect("a ViT");
    (vit.dim, vit.depth, vit.heads) = (48, 4, 3);
    spec.decoders = DecoderKind::ALL
        .map(|kind| kind.spec_with(&spec.encoder, 16, false))
        .into();
    for decoder in &mut spec.decoders {
        if let (HeadSpec::SetrPup(up), "pup") = (&mut decoder.head, decoder.key.as_str()) {
            up.auxiliary = [1, 2].map(|tap| SetrPupHead { tap, ..up.main.clone() }).into();
        }
    }
    spec
}

/// Writes a network for the classes of CamVid, with random weights from this seed.
pub fn save(spec: &ModelSpec, seed: u64, path: &Path) -> PathBuf {
    save_of(spec, classes_of("camvid").expect("a known data set"), seed, path)
}

/// Writes a network for these classes, with random weights from this seed.
pub fn save_of(spec: &ModelSpec, classes: ClassSet, seed: u64, path: &Path) -> PathBuf {
    save_weights(spec, classes, Weights::random(spec, seed), path)
}

/// Writes a network with these weights.
fn save_weights(spec: &ModelSpec, classes: ClassSet, weights: Weights, path: &Path) -> PathBuf {
    let checkpoint = Checkpoint {
        spec: spec.clone(),
        classes,
        weights,
        provenance: Provenance::new("random weights"),
        zero_is_ignored: None,
        remarks: Vec::new(),
    };
    checkpoint::save_bundle(&checkpoint, path).expect("a bundle");
    path.to_owned()
}
