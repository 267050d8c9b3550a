//! Neck and head (mmsegmentation models/necks/mla_neck.py and setr_mla_head.py, official
//! mmseg/models/backbones/vit_mla.py and decode_heads/vit_mla_head.py).
//!
//! Everything that comes in fours is ordered from the shallowest block to the deepest. mmsegmentation's files have it
//! the other way round in places; its loader turns that.

use burn::module::Module;
use burn::nn::LayerNorm;
use burn::tensor::Tensor;

use super::spec::MlaSpec;
use crate::model::build::Builder;
use crate::model::decoders::logits::Logits;
use crate::model::features::Features;
use crate::model::layers::{Convolution, Enlarging};
use crate::model::probe::{Cancelled, MapStage, Probe, go_on};
use crate::model::weights::WeightsMismatch;

/// Four blocks' patch tokens, added up from the deepest on, refined, put side by side and classified.
#[derive(Module, Debug)]
pub struct Mla {
    paths: Vec<Path>,
    classify: Convolution,
    #[module(skip)]
    enlarging: Enlarging,
}

/// What happens to the tokens of one block.
#[derive(Module, Debug)]
struct Path {
    norm: LayerNorm,
    project: Convolution,
    /// After the sums.
    smooth: Convolution,
    refine: Vec<Convolution>,
    auxiliary: Option<Convolution>,
    #[module(skip)]
    tap: usize,
}

impl Mla {
    pub(in crate::model) fn build(prefix: &str, spec: &MlaSpec, b: &mut Builder) -> Result<Self, WeightsMismatch> {
        let taps = spec.taps.iter().enumerate();
        Ok(Self {
            paths: taps
                .map(|(i, tap)| Path::build(prefix, i, *tap, spec, b))
                .collect::<Result<_, _>>()?,
            classify: Convolution::biased(b, &format!("{prefix}.classify"))?,
            enlarging: Enlarging {
                factor: spec.up,
                align_corners: spec.align_corners,
            },
        })
    }

    /// Logits of the main head or of a path's auxiliary one.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe says so.
    pub fn forward(
        &self,
        features: &Features,
        auxiliary: Option<usize>,
        probe: &mut dyn Probe,
    ) -> Result<Logits, Cancelled> {
        let sums = self.sums(features);
        if let Some((i, classify)) = auxiliary.and_then(|i| Some((i, self.paths[i].auxiliary.as_ref()?))) {
            let path = self.paths[i].smooth.forward(sums[i].clone(), Enlarging::NONE);
            go_on(probe.stage_done())?;
            return Ok(Logits::of_map(classify.forward(path, Enlarging::NONE)));
        }
        let mut refined = Vec::with_capacity(self.paths.len());
        for (i, (path, sum)) in self.paths.iter().zip(sums).enumerate() {
            let mut map = path.smooth.forward(sum, Enlarging::NONE);
            if probe.wants_maps() {
                probe.map(MapStage::Path(i), map.clone());
            }
            for convolution in &path.refine {
                map = convolution.forward(map, Enlarging::NONE);
            }
            go_on(probe.stage_done())?;
            if probe.wants_maps() {
                probe.map(MapStage::Refined(i), self.enlarging.of(map.clone()));
            }
            refined.push(map);
        }
        let side_by_side = Tensor::cat(refined, 3);
        let logits = if self.classify.is_pointwise() {
            // It may change places with the upsampling, whose shares sum to 1, and then has far fewer pixels to do.
            self.enlarging.of(self.classify.forward(side_by_side, Enlarging::NONE))
        } else {
            self.classify.forward(side_by_side, self.enlarging)
        };
        Ok(Logits::of_map(logits))
    }

    /// Per path the sum of its own projected tokens and those of all deeper paths.
    fn sums(&self, features: &Features) -> Vec<Tensor<4>> {
        let mut sums: Vec<Tensor<4>> = Vec::with_capacity(self.paths.len());
        for path in self.paths.iter().rev() {
            let own = path
                .project
                .forward(features.tokens().tap_map(path.tap, &path.norm), Enlarging::NONE);
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
    fn build(prefix: &str, i: usize, tap: usize, spec: &MlaSpec, b: &mut Builder) -> Result<Self, WeightsMismatch> {
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
