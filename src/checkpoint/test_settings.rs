//! Test settings by data set, for checkpoints that do not say how their authors run them.
//!
//! The window is the training crop everywhere. What is published, in pixels:
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
//! So Segmenter's stride is the crop less 32 pixels and SETR's two thirds of the crop, rounded down. For Pascal VOC,
//! CamVid and data sets of which only the number of classes is known, nobody publishes anything: there the stride is two
//! thirds of the crop and the short side is the crop, which is the size at which the network saw most of its objects.

use crate::datasets::{self, Tester};
use crate::labels::ClassSet;
use crate::model::{InferenceSpec, ModelSpec, Paper, WindowMode, WindowRules};

/// Whose test settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// rstrudel/segmenter.
    Segmenter,
    /// mmsegmentation's Segmenter.
    MmsegSegmenter,
    /// SETR: the official repository, with whose small-picture rule mmsegmentation's differs.
    Setr,
}

/// The test settings of a system for a data set (a key of [`datasets::ALL`], or any other name), with `patch`
/// and training `crop` in pixels. Always one patch <= stride <= window.
pub fn proposed(system: System, data_set: &str, patch: usize, crop: usize) -> InferenceSpec {
    let window = crop.clamp(patch, MOST_WINDOW.max(patch));
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
    }
}

/// The proposal for a model with these classes. A guess at its data set brings no settings with it.
pub(super) fn proposed_for(system: System, classes: &ClassSet, patch: usize, crop: usize) -> InferenceSpec {
    proposed(system, set_of(classes), patch, crop)
}

/// The key of the data set whose settings hold.
fn set_of(classes: &ClassSet) -> &str {
    if classes.guessed { UNKNOWN } else { &classes.name }
}

/// A data set of which nothing is known.
const UNKNOWN: &str = "unnamed";

/// What there is to say where the names of the classes are a guess.
pub(super) fn guess(classes: &ClassSet) -> Option<String> {
    classes.guessed.then(|| {
        format!(
            "the class names are guessed from the number of classes ({}), and what the file does not say of window, \
             stride and short side is a proposal; name the data set with --set, or choose its classes in the window",
            datasets::title(&ClassSet {
                guessed: false,
                ..classes.clone()
            })
        )
    })
}

/// The test settings of a model whose classes are taken for those of the data set `other` and not for `own`, its file's:
/// the proposal for `other`, unless the file says something else than what is proposed for `own`, and unless nothing is
/// known of `other`.
pub fn settings_for_set(spec: &ModelSpec, own: &ClassSet, other: &str) -> InferenceSpec {
    let inference = spec.inference;
    let system = system_of(spec);
    let multiple = spec.encoder.multiple();
    let crop = spec.encoder.trained_size().map_or(inference.window, |[a, b]| a.min(b));
    let of_set = |data_set: &str| InferenceSpec {
        rules: inference.rules,
        mode: inference.mode,
        threshold: inference.threshold,
        ..proposed(system, data_set, multiple, crop)
    };
    if datasets::find(other).is_none() || of_set(set_of(own)) != inference {
        return inference;
    }
    of_set(other)
}

/// Whose test settings hold for a model: SETR's as soon as one of its decoders is SETR's.
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

/// Largest window that a model may have.
const MOST_WINDOW: usize = 8192;

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
    fn published_settings_are_as_published() {
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
        // mmsegmentation's inference leaves a picture below the window as it is, the others enlarge it.
        let rules = SYSTEMS.map(|system| proposed(system, "ade20k", 16, 512).rules);
        assert_eq!(rules, [WindowRules::Enlarge, WindowRules::Shrink, WindowRules::Enlarge]);
    }

    #[test]
    fn every_proposal_is_one_that_a_model_can_have() {
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
    fn another_class_set_brings_its_settings_where_the_file_says_none() {
        let mut spec = open_embedded().expect("a sound tree").spec;
        // The mask transformer alone: with SETR's decoders, SETR's settings would be proposed.
        spec.decoders.truncate(1);
        spec.encoder.vit_mut().expect("a ViT").grid = [48, 48];
        spec.inference = proposed(System::Segmenter, "unnamed", 16, 768);
        // Neither numbered classes nor a guess have brought settings.
        for own in [ClassSet::numbered(19), datasets::by_count(19)] {
            assert_eq!(proposed_for(System::Segmenter, &own, 16, 768), spec.inference);
            let streets = settings_for_set(&spec, &own, "cityscapes");
            assert_eq!((streets.stride, streets.short_side), (736, Some(1024)));
            assert_eq!(settings_for_set(&spec, &own, "unnamed"), spec.inference);
        }
        // This file has a stride of its own.
        spec.inference.stride = 700;
        let own = ClassSet::numbered(19);
        assert_eq!(settings_for_set(&spec, &own, "cityscapes"), spec.inference);
    }

    #[test]
    fn only_a_guess_is_told() {
        let told = guess(&datasets::by_count(150)).unwrap_or_default();
        assert!(told.contains("ADE20K (150)") && told.contains("--set"), "{told}");
        for sure in [ClassSet::numbered(150), datasets::for_model("ade20k", 150)] {
            assert_eq!(guess(&sure), None);
        }
    }
}
