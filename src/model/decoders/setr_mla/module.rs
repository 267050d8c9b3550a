//! The neck and the head (mmsegmentation models/necks/mla_neck.py and setr_mla_head.py, official
//! mmseg/models/backbones/vit_mla.py and decode_heads/vit_mla_head.py).
//!
//! Everything that exists once per path is ordered from the shallowest block to the deepest. mmsegmentation's files use
//! the opposite order in places, which the loader reverses.

use burn::module::Module;
use burn::nn::LayerNorm;
use burn::tensor::Tensor;

use super::spec::SetrMlaSpec;
use crate::model::build::Builder;
use crate::model::decoders::logits::Logits;
use crate::model::features::Features;
use crate::model::layers::{Convolution, Upsampling};
use crate::model::probe::{Cancelled, MapStage, Probe, check_cancelled};
use crate::model::tensor_source::TensorSource;

/// The patch tokens of four blocks, summed from the deepest block on, refined, concatenated and classified.
#[derive(Module, Debug)]
pub struct SetrMla {
    paths: Vec<Path>,
    classify: Convolution,
    #[module(skip)]
    enlarging: Upsampling,
}

/// The layers for the tokens of one block.
#[derive(Module, Debug)]
struct Path {
    norm: LayerNorm,
    project: Convolution,
    /// Applied after the sums.
    smooth: Convolution,
    refine: Vec<Convolution>,
    auxiliary: Option<Convolution>,
    #[module(skip)]
    tap: usize,
}

impl SetrMla {
    pub(in crate::model) fn build<S: TensorSource>(
        prefix: &str,
        spec: &SetrMlaSpec,
        b: &mut Builder<S>,
    ) -> Result<Self, S::Error> {
        let taps = spec.taps.iter().enumerate();
        Ok(Self {
            paths: taps
                .map(|(i, tap)| Path::build(prefix, i, *tap, spec, b))
                .collect::<Result<_, _>>()?,
            classify: Convolution::biased(b, &format!("{prefix}.classify"))?,
            enlarging: Upsampling {
                factor: spec.up,
                align_corners: spec.align_corners,
            },
        })
    }

    /// Logits of the main head or of a path's auxiliary one.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub fn forward(
        &self,
        features: &Features,
        auxiliary: Option<usize>,
        probe: &mut dyn Probe,
    ) -> Result<Logits, Cancelled> {
        let sums = self.sums(features);
        if let Some((i, classify)) = auxiliary.and_then(|i| Some((i, self.paths[i].auxiliary.as_ref()?))) {
            let path = self.paths[i].smooth.forward(sums[i].clone(), Upsampling::NONE);
            check_cancelled(probe.stage_done())?;
            return Ok(Logits::of_map(classify.forward(path, Upsampling::NONE)));
        }
        let mut refined = Vec::with_capacity(self.paths.len());
        for (i, (path, sum)) in self.paths.iter().zip(sums).enumerate() {
            let mut map = path.smooth.forward(sum, Upsampling::NONE);
            if probe.wants_maps() {
                probe.map(MapStage::Path(i), map.clone());
            }
            for convolution in &path.refine {
                map = convolution.forward(map, Upsampling::NONE);
            }
            check_cancelled(probe.stage_done())?;
            if probe.wants_maps() {
                probe.map(MapStage::Refined(i), self.enlarging.of(map.clone()));
            }
            refined.push(map);
        }
        let side_by_side = Tensor::cat(refined, 3);
        let logits = if self.classify.is_pointwise() {
            // It can be swapped with the upsampling, whose weights sum to 1, and then has far fewer pixels to process.
            self.enlarging.of(self.classify.forward(side_by_side, Upsampling::NONE))
        } else {
            self.classify.forward(side_by_side, self.enlarging)
        };
        Ok(Logits::of_map(logits))
    }

    /// For each path, the sum of its own projected tokens and those of all deeper paths.
    fn sums(&self, features: &Features) -> Vec<Tensor<4>> {
        let mut sums: Vec<Tensor<4>> = Vec::with_capacity(self.paths.len());
        for path in self.paths.iter().rev() {
            let own = path
                .project
                .forward(features.tokens().tap_map(path.tap, &path.norm), Upsampling::NONE);
            sums.push(match sums.last() {
                Some(deeper) => deeper.clone() + own,
                None => own,
            });
        }
        sums.reverse();
        sums
    }
}

impl Path {
    fn build<S: TensorSource>(
        prefix: &str,
        i: usize,
        tap: usize,
        spec: &SetrMlaSpec,
        b: &mut Builder<S>,
    ) -> Result<Self, S::Error> {
        let name = |part: &str| format!("{prefix}.{part}.{i}");
        let auxiliary = spec.auxiliary.then(|| Convolution::biased(b, &name("auxiliary")));
        Ok(Self {
            norm: b.layer_norm(&name("norms"), spec.norm_eps)?,
            auxiliary: auxiliary.transpose()?,
            project: Convolution::normed(b, &name("project"))?,
            smooth: Convolution::normed(b, &name("smooth"))?,
            refine: (0..2)
                .map(|k| Convolution::normed(b, &format!("{}.{k}", name("refine"))))
                .collect::<Result<_, _>>()?,
            tap,
        })
    }
}
