//! Recognises released checkpoints by the contents of a model file.

use super::released::Released;
use crate::model::ModelSpec;

/// Indices of the released checkpoints that a model may be: none for a user's own model, one for a certain match,
/// several for twins that differ only in their training.
///
/// `layout` is the layout that the weights were first read from, and `name` the name of the file and its folder: among
/// twins, the one whose own name is part of it is chosen.
pub(super) fn recognise(spec: &ModelSpec, layout: &str, name: &str, released: &[Released]) -> Vec<usize> {
    let fitting: Vec<usize> = (0..released.len())
        .filter(|index| fits(&released[*index], spec, layout))
        .collect();
    let name = plain(name);
    let named: Vec<usize> = fitting
        .iter()
        .copied()
        .filter(|index| name.contains(&plain(&released[*index].config)))
        .collect();
    match named.as_slice() {
        [_] => named,
        _ => fitting,
    }
}

/// Whether layout, decoder, encoder, classes and training crop are those of a released checkpoint.
fn fits(released: &Released, spec: &ModelSpec, layout: &str) -> bool {
    // A bundle of several decoders is not a release.
    let [decoder] = spec.decoders.as_slice() else {
        return false;
    };
    layout.contains(released.project.name())
        && released.decoder == decoder.head.title()
        && spec.encoder.title() == encoder_title(released)
        && released.classes() == Some(spec.classes)
        && spec.encoder.trained_size() == Some([released.crop; 2])
}

/// The title of a released checkpoint's encoder.
fn encoder_title(released: &Released) -> String {
    let distilled = if released.distilled { "(DeiT)" } else { "" };
    format!("ViT-{}{distilled}/{}", released.variant, released.patch)
}

/// A name without the differences that users introduce: in lower case, with underscores for hyphens.
fn plain(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Project, released};
    use crate::model::{
        DecoderSpec, EncoderSpec, HeadSpec, InferenceSpec, MaskSpec, Normalisation, Padding, PositionResize,
        SetrMlaSpec, SetrPupHead, SetrPupSpec, SetrPupStage, VitSpec, WindowMode, WindowRules,
    };

    const LINEAR: HeadSpec = HeadSpec::Linear;

    const MASK: HeadSpec = HeadSpec::MaskTransformer(MaskSpec {
        layers: 2,
        heads: 12,
        norm_eps: 1e-5,
    });

    fn up(kernel: usize) -> HeadSpec {
        let stage = SetrPupStage {
            kernel,
            channels: 256,
            up: 4,
        };
        HeadSpec::SetrPup(SetrPupSpec {
            main: SetrPupHead {
                tap: 23,
                norm_eps: 1e-6,
                stages: vec![stage],
            },
            auxiliary: Vec::new(),
        })
    }

    fn mla() -> HeadSpec {
        HeadSpec::SetrMla(SetrMlaSpec {
            taps: vec![5, 11, 17, 23],
            norm_eps: 1e-6,
            channels: 256,
            head_channels: 128,
            up: 4,
            align_corners: false,
            classifier_kernel: 1,
            auxiliary: true,
        })
    }

    /// A ViT of these sizes and one decoder, trained with `crop` pixels.
    fn spec(
        [dim, depth, patch]: [usize; 3],
        distilled: bool,
        head: HeadSpec,
        classes: usize,
        crop: usize,
    ) -> ModelSpec {
        ModelSpec {
            encoder: EncoderSpec::Vit(VitSpec {
                dim,
                depth,
                heads: dim / 64,
                patch,
                grid: [crop / patch; 2],
                class_token: true,
                distilled,
                final_norm: true,
                norm_eps: 1e-6,
                position_resize: PositionResize::Bilinear,
            }),
            decoders: vec![DecoderSpec::new("main", head)],
            classes,
            normalisation: Normalisation::VIT,
            inference: InferenceSpec {
                window: crop,
                stride: crop,
                short_side: None,
                rules: WindowRules::Enlarge,
                mode: WindowMode::Slide,
                threshold: None,
                padding: Padding::Zero,
            },
        }
    }

    const BASE: [usize; 3] = [768, 12, 16];
    const LARGE: [usize; 3] = [1024, 24, 16];

    /// The projects' names for the checkpoints that such a file may be.
    fn found(spec: &ModelSpec, layout: &str, name: &str) -> Vec<&'static str> {
        let indices = recognise(spec, layout, name, released());
        indices
            .into_iter()
            .map(|index| released()[index].config.as_str())
            .collect()
    }

    const RSTRUDEL: &str = "rstrudel/segmenter checkpoint";
    const MMSEG: &str = "mmsegmentation checkpoint";
    const OFFICIAL: &str = "fudan-zvg/SETR checkpoint";

    #[test]
    fn segmenters_are_distinguished_by_content() {
        let base = |patch, distilled, head| spec([768, 12, patch], distilled, head, 150, 512);
        for (spec, layout, config) in [
            (base(16, false, MASK), RSTRUDEL, "seg_base_mask"),
            (base(16, true, MASK), RSTRUDEL, "seg_base_deit_mask"),
            (base(16, true, LINEAR), RSTRUDEL, "seg_base_deit_linear"),
            (base(8, false, LINEAR), RSTRUDEL, "seg_base_patch8"),
            (spec(LARGE, false, MASK, 150, 640), RSTRUDEL, "seg_large_mask_640"),
            (spec(LARGE, false, MASK, 19, 768), RSTRUDEL, "seg_large_mask"),
            (
                base(16, false, MASK),
                MMSEG,
                "segmenter_vit-b_mask_8x1_512x512_160k_ade20k",
            ),
        ] {
            assert_eq!(found(&spec, layout, "checkpoint.pth"), [config]);
        }
    }

    #[test]
    fn the_decoders_of_setr_are_distinguished() {
        for (head, config) in [
            (up(1), "setr_naive_vit-large_8x1_768x768_80k_cityscapes"),
            (up(3), "setr_pup_vit-large_8x1_768x768_80k_cityscapes"),
            (mla(), "setr_mla_vit-large_8x1_768x768_80k_cityscapes"),
        ] {
            assert_eq!(
                found(&spec(LARGE, false, head, 19, 768), MMSEG, "renamed.pth"),
                [config]
            );
        }
    }

    #[test]
    fn the_name_decides_between_twins() {
        let twins = spec(LARGE, false, mla(), 150, 512);
        let [b8, b16] = ["setr_mla_512x512_160k_b8_ade20k", "setr_mla_512x512_160k_b16_ade20k"];
        assert_eq!(found(&twins, MMSEG, "iter_160000.pth"), [b8, b16]);
        assert_eq!(
            found(&twins, MMSEG, &format!("{b16}_20210619_191057-f9741de7.pth")),
            [b16]
        );
        assert_eq!(found(&twins, MMSEG, &b8.replace('_', "-").to_uppercase()), [b8]);
        // A name alone is not enough.
        assert_eq!(found(&spec(LARGE, false, up(3), 19, 768), MMSEG, b8).len(), 1);
        let forty = "SETR_Naive_Base_768x768_40k_cityscapes_bs_8";
        let naive_base = spec(BASE, false, up(1), 19, 768);
        assert_eq!(found(&naive_base, OFFICIAL, "model.pth").len(), 2);
        assert_eq!(found(&naive_base, OFFICIAL, &format!("{forty}.pth")), [forty]);
    }

    #[test]
    fn own_models_are_not_releases() {
        let none: [&str; 0] = [];
        assert_eq!(
            found(&spec(BASE, false, MASK, 11, 512), RSTRUDEL, "seg_base_mask"),
            none
        );
        assert_eq!(
            found(&spec(BASE, false, MASK, 150, 384), RSTRUDEL, "seg_base_mask"),
            none
        );
        assert_eq!(
            found(&spec(BASE, false, MASK, 150, 512), OFFICIAL, "seg_base_mask"),
            none
        );
        assert_eq!(
            found(&spec(BASE, false, MASK, 150, 512), "Segscope", "seg_base_mask"),
            none
        );
        let mut several = spec(BASE, false, MASK, 150, 512);
        several.decoders.push(DecoderSpec::new("linear", LINEAR));
        assert_eq!(found(&several, RSTRUDEL, "seg_base_mask"), none);
    }

    #[test]
    fn every_release_is_recognised_by_content_and_name() {
        for (index, row) in released().iter().enumerate() {
            let head = match row.decoder.as_str() {
                "Linear" => LINEAR,
                "Mask" => MASK,
                "Naive" => up(1),
                "PUP" => up(3),
                "MLA" => mla(),
                other => panic!("no decoder is called {other}"),
            };
            let [dim, depth] = match row.variant.as_str() {
                "T" => [192, 12],
                "S" => [384, 12],
                "B" => [768, 12],
                "L" => [1024, 24],
                other => panic!("no variant is called {other}"),
            };
            let classes = match row.data_set.as_str() {
                "ade20k" => 150,
                "cityscapes" => 19,
                _ => 60,
            };
            let layout = match row.project {
                Project::Segmenter => RSTRUDEL,
                Project::Mmsegmentation => MMSEG,
                Project::Setr => OFFICIAL,
            };
            let spec = spec([dim, depth, row.patch], row.distilled, head, classes, row.crop);
            let name = format!("{}.pth", row.config);
            assert_eq!(
                recognise(&spec, layout, &name, released()),
                [index],
                "{}",
                row.full_name()
            );
        }
    }
}
