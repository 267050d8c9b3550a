//! Inference settings by data set, for checkpoints that do not record how their authors run them.
//!
//! The window is always the training crop. The published settings, in pixels:
//!
//! | system | data set | crop | stride | short side | where |
//! |---|---|---|---|---|---|
//! | rstrudel/segmenter | ADE20K | 512, 640 | 480, 608 | 512, 640 | segm/config.yml, segm/eval/miou.py, segm/data/config |
//! | | Pascal Context | 480 | 448 | 520 | the same |
//! | | Cityscapes | 768 | 736 | 1024 | the same |
//! | mmsegmentation Segmenter | ADE20K | 512, 640 | 480, 608 | 512, 640 | configs/segmenter |
//! | SETR | ADE20K | 512 | 341 | 512 | configs/setr, configs/SETR |
//! | | Pascal Context | 480 | 320 | 520 | configs/SETR |
//! | | Cityscapes | 768 | 512 | 1025 | configs/setr, configs/SETR |
//!
//! So Segmenter's stride is the crop minus 32 pixels, and SETR's is two thirds of the crop, rounded down. Nothing is
//! published for Pascal VOC, for CamVid and for data sets of which only the number of classes is known: there the
//! stride is two thirds of the crop, and the short side is the crop, the size at which the network saw most objects in
//! training.

use crate::datasets::{self, Tester};
use crate::labels::ClassSet;
use crate::model::{InferenceSpec, ModelSpec, Padding, Paper, WindowMode, WindowRules};

/// A system with published inference settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// rstrudel/segmenter.
    Segmenter,
    /// mmsegmentation's Segmenter.
    MmsegSegmenter,
    /// SETR, with the official repository's rule for small images; mmsegmentation has another rule.
    Setr,
}

/// The inference settings of a system for a data set (a key of [`datasets::ALL`], or any other name), with `patch` and
/// training `crop` in pixels. Always `patch <= stride <= window`.
pub fn proposed(system: System, data_set: &str, patch: usize, crop: usize) -> InferenceSpec {
    let window = crop.clamp(patch, MAX_WINDOW.max(patch));
    let tester = match system {
        System::Segmenter | System::MmsegSegmenter => Tester::Segmenter,
        System::Setr => Tester::Setr,
    };
    let published = datasets::find(data_set).and_then(|set| (set.short_side)(tester, window));
    let stride = match tester {
        Tester::Segmenter if published.is_some() => window.saturating_sub(32),
        // Two thirds, rounded down.
        Tester::Segmenter | Tester::Setr => window - window.div_ceil(3),
    };
    InferenceSpec {
        window,
        stride: stride.clamp(patch, window),
        short_side: Some(published.unwrap_or(window).max(patch)),
        rules: match system {
            System::Segmenter | System::Setr => WindowRules::Enlarge,
            System::MmsegSegmenter => WindowRules::Shrink,
        },
        mode: WindowMode::Slide,
        threshold: None,
        padding: Padding::Zero,
    }
}

/// The proposal for a model with these classes. If its data set is only a guess, the data set's settings are not used.
pub(super) fn proposed_for(system: System, classes: &ClassSet, patch: usize, crop: usize) -> InferenceSpec {
    proposed(system, set_of(classes), patch, crop)
}

/// The key of the data set whose settings apply.
fn set_of(classes: &ClassSet) -> &str {
    if classes.guessed { UNKNOWN } else { &classes.name }
}

/// Name of an unknown data set.
const UNKNOWN: &str = "unnamed";

/// A remark if the class names are a guess.
pub(super) fn guess(classes: &ClassSet) -> Option<String> {
    classes.guessed.then(|| {
        format!(
            "the class names are guessed from the number of classes ({}), and values of window, stride and short side \
             that the file lacks are a proposal; name the data set with --set, or choose its classes in the window",
            datasets::title(&ClassSet {
                guessed: false,
                ..classes.clone()
            })
        )
    })
}

/// The inference settings of a model whose file has the classes `own`, when those of the data set `other` are chosen
/// instead: the proposal for `other`. If `other` is unknown, or if the file's settings differ from the proposal for
/// `own`, the file's settings stay.
pub fn settings_for_set(spec: &ModelSpec, own: &ClassSet, other: &str) -> InferenceSpec {
    let inference = spec.inference;
    let system = system_of(spec);
    let multiple = spec.encoder.multiple();
    let crop = spec.encoder.trained_size().map_or(inference.window, |[a, b]| a.min(b));
    let of_set = |data_set: &str| InferenceSpec {
        rules: inference.rules,
        mode: inference.mode,
        threshold: inference.threshold,
        padding: inference.padding,
        ..proposed(system, data_set, multiple, crop)
    };
    if datasets::find(other).is_none() || of_set(set_of(own)) != inference {
        return inference;
    }
    of_set(other)
}

/// The system whose inference settings apply to a model: SETR if any of its decoders is SETR's.
fn system_of(spec: &ModelSpec) -> System {
    let systems = spec
        .decoders
        .iter()
        .map(|decoder| match (decoder.head.paper(), spec.inference.rules) {
            (Paper::Setr, _) => System::Setr,
            (Paper::Segmenter, WindowRules::Shrink) => System::MmsegSegmenter,
            (Paper::Segmenter, WindowRules::Enlarge) => System::Segmenter,
        });
    systems
        .reduce(|first, next| if next == System::Setr { next } else { first })
        .unwrap_or(System::Segmenter)
}

/// Maximum window side in pixels.
const MAX_WINDOW: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::open_embedded;

    const SYSTEMS: [System; 3] = [System::Segmenter, System::MmsegSegmenter, System::Setr];

    fn numbers(system: System, data_set: &str, crop: usize) -> (usize, usize, Option<usize>) {
        let spec = proposed(system, data_set, 16, crop);
        (spec.window, spec.stride, spec.short_side)
    }

    #[test]
    fn published_settings_are_proposed() {
        use System::{MmsegSegmenter, Segmenter, Setr};
        for (system, data_set, crop, stride, short_side) in [
            (Segmenter, "ade20k", 512, 480, 512),
            (Segmenter, "ade20k", 640, 608, 640),
            (Segmenter, "pascal_context", 480, 448, 520),
            (Segmenter, "cityscapes", 768, 736, 1024),
            (MmsegSegmenter, "ade20k", 512, 480, 512),
            (MmsegSegmenter, "ade20k", 640, 608, 640),
            (Setr, "ade20k", 512, 341, 512),
            (Setr, "cityscapes", 768, 512, 1025),
            (Setr, "pascal_context", 480, 320, 520),
            (Setr, "pascal_context_59", 480, 320, 520),
        ] {
            let found = numbers(system, data_set, crop);
            assert_eq!(found, (crop, stride, Some(short_side)), "{system:?} {data_set}");
        }
        for system in SYSTEMS {
            for data_set in ["pascal_voc", "camvid", "unnamed"] {
                assert_eq!(numbers(system, data_set, 384), (384, 256, Some(384)));
            }
        }
        // mmsegmentation's inference leaves an image below the window as it is, the others enlarge it.
        let rules = SYSTEMS.map(|system| proposed(system, "ade20k", 16, 512).rules);
        assert_eq!(rules, [WindowRules::Enlarge, WindowRules::Shrink, WindowRules::Enlarge]);
    }

    #[test]
    fn every_proposal_passes_the_check_of_a_model() {
        let mut spec = open_embedded().expect("a sound tree").spec;
        for system in SYSTEMS {
            for data_set in datasets::ALL
                .iter()
                .map(|set| set.key)
                .chain(["unnamed", "streets of Ulm"])
            {
                for (patch, grid) in [
                    (8, 1),
                    (8, 64),
                    (16, 32),
                    (16, 40),
                    (32, 1),
                    (32, 16),
                    (256, 1),
                    (256, 1024),
                ] {
                    spec.encoder.vit_mut().expect("a ViT").patch = patch;
                    spec.inference = proposed(system, data_set, patch, patch * grid);
                    let InferenceSpec { window, stride, .. } = spec.inference;
                    assert!(spec.check().is_ok(), "{system:?} {data_set} {patch} {grid}");
                    assert!(patch <= stride && stride <= window, "{:?}", spec.inference);
                }
            }
        }
    }

    #[test]
    fn another_class_set_brings_its_settings_if_the_file_has_none() {
        let mut spec = open_embedded().expect("a sound tree").spec;
        // The mask transformer alone: with SETR's decoders, SETR's settings would be proposed.
        spec.decoders.truncate(1);
        spec.encoder.vit_mut().expect("a ViT").grid = [48, 48];
        spec.inference = proposed(System::Segmenter, "unnamed", 16, 768);
        // Neither numbered classes nor a guess bring settings.
        for own in [ClassSet::numbered(19), datasets::by_count(19)] {
            assert_eq!(proposed_for(System::Segmenter, &own, 16, 768), spec.inference);
            let streets = settings_for_set(&spec, &own, "cityscapes");
            assert_eq!((streets.stride, streets.short_side), (736, Some(1024)));
            assert_eq!(settings_for_set(&spec, &own, "unnamed"), spec.inference);
        }
        // This file has its own stride.
        spec.inference.stride = 700;
        let own = ClassSet::numbered(19);
        assert_eq!(settings_for_set(&spec, &own, "cityscapes"), spec.inference);
    }

    #[test]
    fn only_a_guess_is_reported() {
        let remark = guess(&datasets::by_count(150)).unwrap_or_default();
        assert!(remark.contains("ADE20K (150)") && remark.contains("--set"), "{remark}");
        for sure in [ClassSet::numbered(150), datasets::for_model("ade20k", 150)] {
            assert_eq!(guess(&sure), None);
        }
    }
}
